"""The first problem of a run, what can be done about it at once, and the tab of the browser."""

import json
import re

import pytest

from runner.graph.values import encode
from workflows.models import Run

APPROVAL = {"kind": "approval", "title": "Send it?", "help": "", "fields": []}


@pytest.fixture
def stands(rich_run):
    """Let the run's task `answer` be its first problem."""

    def stands(status, reason="", *, run="", **question):
        Run.objects.filter(pk=rich_run.pk).update(status=run or status)
        rich_run.task_runs.filter(status="failed").delete()
        detail = encode({**question, **APPROVAL}) if reason == "approval" else ""
        task = rich_run.task_runs.filter(path="answer")
        task.update(status=status, reason=reason, detail=detail)
        return rich_run

    return stands


def acts_in(page):
    """Give the part of a page with what can be done about the first problem."""
    return page.partition('<div class="problem-acts"')[2].partition("</div>")[0]


def test_what_waits_for_an_approval_is_approved_where_the_run_says_so(client_of, alice, stands):
    """R9."""
    run = stands("awaiting", "approval")
    page = client_of(alice).get(f"/runs/{run.pk}/").content.decode()
    (key,) = re.findall(r'name="in-key" value="([^"]+)"', acts_in(page))
    assert f'action="/runs/{run.pk}/answer/answer/"' in acts_in(page)
    answer = client_of(alice).post(
        f"/runs/{run.pk}/answer/answer/", {"in-key": key, "in-port-approved": "on"}
    )

    assert answer.status_code == 303
    assert json.loads(run.requests.get().payload)["value"] == {"approved": True}


@pytest.mark.parametrize(
    ("status", "reason", "run", "act"),
    [
        ("awaiting", "token", "", "renew/"),
        ("failed", "", "", "resume/"),
        ("failed", "", "running", None),
        ("awaiting", "input", "", None),
        ("awaiting", "decision", "", None),
    ],
)
def test_a_problem_has_the_act_that_ends_it(client_of, alice, stands, status, reason, run, act):
    run = stands(status, reason, run=run)
    acts = acts_in(client_of(alice).get(f"/runs/{run.pk}/").content.decode())

    assert re.findall(r'action="/runs/[^/]+/([^"]*)"', acts) == ([act] if act else [])


def test_who_may_not_approve_is_not_offered_to(client_of, alice, bob, stands):
    run = stands("awaiting", "approval", others_only=True)
    starter = acts_in(client_of(alice).get(f"/runs/{run.pk}/").content.decode())
    stands("awaiting", "approval")
    guest = acts_in(client_of(bob).get(f"/runs/{run.pk}/").content.decode())

    assert ["<form" in starter, "<form" in guest] == [False, False]


def test_a_page_that_asks_again_gets_the_controls_and_the_acts(client_of, alice, stands, hx):
    run = stands("awaiting", "approval")
    part = client_of(alice).get(f"/runs/{run.pk}/?part=controls", headers=hx).content.decode()

    assert 'id="run-controls"' in part
    assert 'id="problem-acts" hx-swap-oob="true"' in part
    assert "Approve" in acts_in(part)


@pytest.mark.parametrize(
    ("status", "glyph", "icon"),
    [
        ("running", "▶", "moving"),
        ("awaiting", "?", "waiting"),
        ("failed", "✗", "failed"),
        ("completed", "✓", "done"),
        ("cancelled", "■", "stopped"),
    ],
)
def test_the_tab_of_the_browser_says_where_the_run_stands(
    client_of, alice, rich_run, status, glyph, icon
):
    Run.objects.filter(pk=rich_run.pk).update(status=status)
    page = client_of(alice).get(f"/runs/{rich_run.pk}/").content.decode()
    title = rich_run.version.workflow.title

    assert f"<title>{glyph} 3/7 " in page
    assert title.partition("<")[0] in page
    assert re.search(rf'<link rel="icon" href="/static/favicon-{icon}[^"]*\.svg"', page)
