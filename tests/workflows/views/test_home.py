"""Home: what waits for me, what runs, what can run; and the list of all that waits."""

import json

import pytest

from workflows.models import Run

PAGES = ["/", "/waiting/"]


@pytest.fixture
def asked(rich_run):
    """A run in which a task deep inside asks for an approval."""
    Run.objects.filter(pk=rich_run.pk).update(status="awaiting")
    question = {"kind": "approval", "title": "Send it?", "fields": []}
    rich_run.task_runs.filter(path="retrieve/rank").update(
        status="awaiting", reason="approval", detail=json.dumps(question)
    )
    return rich_run


def _text(client, address="/", **more):
    return client.get(address, **more).content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_who_may_answer_finds_the_question_and_one_step_to_it(client_of, alice, asked, address):
    """R9: a nested approval is reachable from the top in one step."""
    page = _text(client_of(alice), address)

    assert "Send it?" in page
    assert "waits for an approval" in page
    assert f'href="/runs/{asked.pk}/?task=retrieve%2Frank"' in page
    assert 'class="inbox"' in page


@pytest.mark.parametrize("person", ["bob", "charlie"])
@pytest.mark.parametrize("address", PAGES)
def test_who_may_not_answer_is_not_asked(client_of, request, asked, address, person):
    page = _text(client_of(request.getfixturevalue(person)), address)

    assert "Send it?" not in page
    assert 'class="inbox"' not in page


@pytest.mark.parametrize("address", PAGES)
def test_nobody_is_sent_to_sign_in(client, db, address):
    assert client.get(address)["Location"].startswith("/sign-in/")


@pytest.mark.parametrize(("reason", "is_mine"), [("decision", True), ("token", True), ("time", False)])  # fmt: skip
def test_only_what_a_person_can_give_waits_for_one(client_of, alice, asked, reason, is_mine):
    asked.task_runs.filter(status="awaiting").update(reason=reason, detail="{}")

    assert ("Waiting for you" in _text(client_of(alice))) is is_mine


def test_a_run_whose_types_have_changed_waits_for_a_decision(client_of, alice, rich_run):
    Run.objects.filter(pk=rich_run.pk).update(status="awaiting", reason="version")

    assert "Task types have changed" in _text(client_of(alice))


def test_a_run_that_is_over_asks_nothing_any_more(client_of, alice, asked):
    Run.objects.filter(pk=asked.pk).update(status="cancelled")

    assert "Send it?" not in _text(client_of(alice))


def test_what_is_refreshed_is_what_waits_and_runs(client_of, alice, asked, hx):
    part = _text(client_of(alice), headers=hx)

    assert part.strip().startswith('<div id="now"')
    assert "Send it?" in part
    assert "Recent runs" not in part
    assert 'hx-trigger="every 3s"' in part


def test_a_running_run_says_where_it_is(client_of, alice, rich_run):
    assert "at answer" in _text(client_of(alice))


def test_home_costs_the_same_for_many_runs(client_of, alice, rich_run, rich_workflow, hx, django_assert_max_num_queries):  # fmt: skip
    client = client_of(alice)
    for _ in range(30):
        Run.objects.start(rich_workflow.latest, alice, {"question": "?", "count": 1})

    with django_assert_max_num_queries(8):
        assert _text(client, headers=hx).count('class="run-line"') == 10


def test_an_empty_team_is_told_what_to_do(client_of, alice):
    page = _text(client_of(alice))

    assert "Press Run… beside a workflow" in page
    assert "No workflows yet" in page
    assert "Nothing waits for you" in _text(client_of(alice), "/waiting/")


def test_who_belongs_to_no_team_is_told_whom_to_ask(client_of, alice, team, db):
    team.memberships.all().delete()

    assert "You belong to no team yet" in _text(client_of(alice))


def test_keys_lead_to_a_new_workflow_to_a_run_and_to_the_history(client_of, alice, rich_workflow):
    """The sheet of keys lists whatever has `data-key`, and presses it."""
    listed = client_of(alice).get("/workflows/").content.decode()
    shown = client_of(alice).get(f"/workflows/{rich_workflow.pk}/").content.decode()
    assert 'href="/workflows/new/" data-key="n"' in listed
    assert f'href="/workflows/{rich_workflow.pk}/run/" data-key="r"' in shown
    assert f'href="/workflows/{rich_workflow.pk}/history/" data-key="g"' in shown
