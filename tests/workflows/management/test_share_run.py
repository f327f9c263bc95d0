"""`manage.py share_run`: the same link as on the page, from a terminal."""

import json

import pytest
from django.core.management import CommandError, call_command

from workflows.models import ShareLink
from workflows.models.share import token_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def say(secretive, capsys):
    """Call the command about the run, in alice's name; give what it prints."""

    def say(*words, who="alice"):
        call_command("share_run", str(secretive.pk), "--as", who, *words)
        return capsys.readouterr().out.strip()

    return say


def opened_by(address):
    """Give what the link opens that was printed."""
    found = token_in(address.rpartition("#")[2])
    assert found
    return found.link


def test_the_link_is_printed_once_and_opens(say, settings):
    settings.SITE_URL = "https://flows.example"
    address = say("--port", "speak.text", "--task", "speak", "--expires", "12h", "--note", "mail")
    assert address.startswith("https://flows.example/s/#")
    link = opened_by(address)
    assert (link.task, set(link.port_pairs), link.note) == ("speak", {("speak", "text")}, "mail")
    assert (link.expires_at - link.made_at).total_seconds() == pytest.approx(12 * 3600, abs=5)


def test_as_json_for_members_only_for_seven_days(say):
    told = json.loads(say("--json", "--team"))
    link = opened_by(told["link"])
    assert link.is_for_team
    assert told["expires"].endswith("Z")
    assert (link.expires_at - link.made_at).days in {6, 7}


def test_all_links_of_a_run_are_revoked(say):
    tokens = [say().rpartition("#")[2] for _ in range(2)]
    assert say("--revoke") == "revoked: 2"
    assert not any(token_in(token) for token in tokens)
    assert json.loads(say("--revoke", "--json"))["revoked"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--port", "speak.key"],
            "speak.key is no output that this link can show; these are: speak",
        ),
        (["--task", "after", "--port", "speak.text"], "these are: after.text, after.other"),
        (["--task", "nowhere"], "no task 'nowhere'"),
        (["--expires", "never"], "write 12h or 7d, up to 90d"),
        (["--expires", "91d"], "up to 90 days"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(say, words, said):
    with pytest.raises(CommandError, match=said):
        say(*words)
    assert not ShareLink.objects.exists()


def test_only_who_may_share_the_run_shares_it(say, bob, charlie):
    for who in ("bob", "charlie"):
        with pytest.raises(CommandError, match="may share no run"):
            say(who=who)
