"""Answering what a task asks: a form from its question, a request, never a change of the run."""

import json
from typing import Any

import pytest

from workflows.models import Run

FIELDS = [
    {"name": "name", "type": "str", "title": "Name"},
    {"name": "age", "type": "int", "default": 3, "maximum": 9},
]
INPUT = {"kind": "input", "title": "Who?", "help": "", "fields": FIELDS, "shown": {"a": "<b>"}}
APPROVAL: dict[str, Any] = {
    "kind": "approval", "title": "Send it?", "help": "", "fields": [], "shown": None,
}  # fmt: skip


@pytest.fixture
def ask(rich_run):
    """Let a task of the run ask something; give the address to answer at."""

    def ask(question):
        Run.objects.filter(pk=rich_run.pk).update(status="awaiting")
        reason = "approval" if question is APPROVAL else "input"
        rich_run.task_runs.filter(path="answer").update(
            status="awaiting", reason=reason, detail=json.dumps(question)
        )
        return f"/runs/{rich_run.pk}/answer/answer/"

    return ask


def test_who_may_run_sees_the_question(client_of, alice, bob, rich_run, ask):
    ask(INPUT)
    address = f"/runs/{rich_run.pk}/tasks/answer/"
    page = client_of(alice).get(address).content.decode()
    assert 'name="in-port-name"' in page
    assert "{&quot;a&quot;: &quot;&lt;b&gt;&quot;}" in page
    assert "Who?" in client_of(alice).get(f"/runs/{rich_run.pk}/?task=answer").content.decode()
    assert 'name="in-port-name"' not in client_of(bob).get(address).content.decode()


def test_an_answer_becomes_a_request(client_of, alice, rich_run, ask):
    """Engine 6.3."""
    given = {"in-port-name": "Ada", "in-port-age": "7", "in-key": "once"}
    address = ask(INPUT)
    for _ in range(2):
        answer = client_of(alice).post(address, given)
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{rich_run.pk}/tasks/answer/")
    request = rich_run.requests.get()
    payload = json.loads(request.payload)
    assert (request.kind, payload["path"]) == ("answer", "answer")
    assert payload["value"] == {"name": "Ada", "age": 7}
    assert Run.objects.get(pk=rich_run.pk).status == "awaiting"


@pytest.mark.parametrize(("button", "approved"), [({"in-port-approved": "on"}, True), ({}, False)])
def test_an_approval_has_two_buttons(client_of, alice, rich_run, ask, hx, button, approved):
    answer = client_of(alice).post(ask(APPROVAL), button | {"in-port-note": "ok"}, headers=hx)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    value = json.loads(rich_run.requests.get().payload)["value"]
    assert value == {"approved": approved, "note": "ok"}


@pytest.mark.parametrize("given", [{}, {"in-port-name": "Ada", "in-port-age": "12"}])
@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_that_does_not_fit_is_not_given(
    client_of, alice, rich_run, ask, hx, given, whole
):
    headers = {} if whole else hx
    answer = client_of(alice).post(ask(INPUT), given, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'class="fault"' in page
    assert ("<html" in page) is whole
    assert not rich_run.requests.exists()


def test_a_task_that_asks_nothing_takes_no_answer(client_of, alice, rich_run):
    address = f"/runs/{rich_run.pk}/answer/answer/"
    page = client_of(alice).post(address, {}, follow=True).content.decode()
    assert "does not wait for an answer" in page
    assert not rich_run.requests.exists()


def test_the_question_has_a_page_of_its_own_which_changes_nothing(client_of, alice, ask, rich_run):
    page = client_of(alice).get(ask(INPUT)).content.decode()
    assert 'name="in-port-name"' in page
    assert not rich_run.requests.exists()


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_answering_needs_the_right_to_run(client_of, request, rich_run, ask, person):
    client = client_of(request.getfixturevalue(person))
    assert client.post(ask(INPUT), {"in-port-name": "Eve"}).status_code == 404
    assert not rich_run.requests.exists()


def test_who_is_not_signed_in_is_asked_to(client, ask):
    answer = client.post(ask(INPUT), {"in-port-name": "Eve"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")
