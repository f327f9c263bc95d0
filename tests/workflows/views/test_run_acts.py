"""Cancel, resume, pause and continue: requests, never a change of the run itself."""

import pytest
from django.core.management import call_command

from workflows.models import Run


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("running", "cancel"),
        ("failed", "resume"),
        ("running", "pause"),
        ("awaiting", "pause"),
        ("paused", "continue"),
    ],
)
def test_an_act_becomes_a_request_and_the_browser_returns(client_of, alice, rich_run, status, act):
    Run.objects.filter(pk=rich_run.pk).update(status=status)
    answer = client_of(alice).post(f"/runs/{rich_run.pk}/{act}/")

    assert answer.status_code == 303
    assert answer["Location"] == f"/runs/{rich_run.pk}/"
    assert rich_run.requests.get().kind == act
    assert Run.objects.get(pk=rich_run.pk).status == status


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("running", "cancel"),
        ("failed", "resume"),
        ("interrupted", "resume"),
        ("cancelled", "resume"),
        ("running", "pause"),
        ("paused", "continue"),
    ],
)
def test_page_and_terminal_ask_the_same(client_of, alice, rich_run, status, act):
    """R13."""
    asked = []
    for by_page in (True, False):
        Run.objects.filter(pk=rich_run.pk).update(status=status)
        if by_page:
            client_of(alice).post(f"/runs/{rich_run.pk}/{act}/")
        else:
            call_command(f"{act}_run", str(rich_run.pk), person="alice")
        (request,) = rich_run.requests.values("kind", "payload", "actor")
        asked.append(request)
        rich_run.requests.all().delete()

    assert asked[0] == asked[1]


def test_htmx_gets_the_buttons(client_of, alice, rich_run, hx):
    answer = client_of(alice).post(f"/runs/{rich_run.pk}/cancel/", headers=hx)
    page = answer.content.decode()

    assert answer.status_code == 200
    assert 'id="run-controls"' in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("status", "act"),
    [("completed", "cancel"), ("running", "resume"), ("paused", "pause"), ("running", "continue")],
)
def test_an_act_that_changes_nothing_says_so(client_of, alice, rich_run, status, act):
    Run.objects.filter(pk=rich_run.pk).update(status=status)
    page = client_of(alice).post(f"/runs/{rich_run.pk}/{act}/", follow=True).content.decode()

    assert "This run" in page
    assert not rich_run.requests.exists()
