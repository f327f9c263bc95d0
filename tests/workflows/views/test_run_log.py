"""The log on the run's page, and as a file."""

import json

import pytest

from tests.workflows.views.conftest import NOW


@pytest.fixture
def lines(rich_run):
    """Two more lines, one of them hostile."""
    for seq, text in [(5, "<b>hostile</b>"), (6, "\x1b[31mneedle")]:
        said = json.dumps({"level": "ERROR", "message": text})
        rich_run.events.create(seq=seq, at=NOW, kind="TaskLogged", path="hash", payload=said)
    return rich_run


def test_the_log_is_complete_without_a_script_and_says_what_it_searched(client_of, bob, lines):
    page = client_of(bob).get(f"/runs/{lines.pk}/?view=log&q=needle").content.decode()

    assert "1 hit in 3 lines" in page
    assert 'id="L6"' in page
    assert "\x1b" not in page
    assert 'id="L5"' not in page


def test_hostile_lines_are_text(client_of, bob, lines, hx):
    page = client_of(bob).get(f"/runs/{lines.pk}/?view=log", headers=hx).content.decode()

    assert "<html" not in page
    assert "&lt;b&gt;hostile&lt;/b&gt;" in page
    assert "<b>hostile" not in page


@pytest.mark.parametrize(("kind", "count"), [("text", 3), ("jsonl", 3)])
def test_a_member_downloads_all_lines(client_of, bob, lines, kind, count):
    answer = client_of(bob).get(f"/runs/{lines.pk}/log/?as={kind}")

    assert "attachment" in answer["Content-Disposition"]
    assert len(answer.content.splitlines()) == count


def test_a_stranger_finds_no_log_and_nobody_signs_in(client, client_of, charlie, lines):
    assert client_of(charlie).get(f"/runs/{lines.pk}/log/").status_code == 404
    assert client.get(f"/runs/{lines.pk}/log/").url.startswith("/sign-in/")


def test_a_line_newer_than_the_run_was_read_is_not_appended_again(client_of, bob, lines):
    page = client_of(bob).get(f"/runs/{lines.pk}/?view=log").content.decode()

    assert f'data-seq="{lines.seq}"' in page
    assert lines.seq < 6
    assert 'data-last="6"' in page
