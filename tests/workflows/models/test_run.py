"""Runs: who sees them, how they begin, what may be asked of them."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from runner.graph.values import decode
from workflows.access import may, run_for, still_sees
from workflows.models import Run, RunRequest
from workflows.models.asking import KINDS

pytestmark = pytest.mark.django_db


def test_the_owner_of_the_team_sees_and_may_run(run, alice):
    assert run_for(alice, run.pk, "edit") == run
    assert may(alice, run, "run")


def test_a_viewer_sees_and_may_not_run(run, bob):
    assert run_for(bob, run.pk) == run
    assert not may(bob, run, "run")
    with pytest.raises(Http404):
        run_for(bob, run.pk, "run")


def test_a_stranger_sees_nothing(run, charlie):
    assert not Run.objects.visible_to(charlie).exists()
    with pytest.raises(Http404):
        run_for(charlie, run.pk)


def test_nobody_sees_nothing(run):
    assert not Run.objects.visible_to(AnonymousUser()).exists()


def test_a_person_who_left_sees_nothing(run, bob):
    assert still_sees(None, bob.pk, run.pk)
    bob.is_active = False
    bob.save()
    assert not still_sees(None, bob.pk, run.pk)


@pytest.mark.parametrize("key", ["", "no-id", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_names_nothing_is_not_found(alice, key):
    with pytest.raises(Http404):
        run_for(alice, key)


def test_a_run_starts_queued_with_encoded_inputs(workflow, alice):
    run = Run.objects.start(workflow.latest, alice, {"text": "<b>😀</b>", "raw": b"\0"})
    assert (run.status, run.seq, run.owner) == ("queued", 0, "")
    assert decode(run.inputs) == {"text": "<b>😀</b>", "raw": b"\0"}
    assert run.team == workflow.team


def test_the_same_key_gives_the_same_run(workflow, alice, charlie):
    first = Run.objects.start(workflow.latest, alice, {}, "once")
    assert Run.objects.start(workflow.latest, alice, {}, "once") == first
    assert Run.objects.start(workflow.latest, alice, {}) != first
    assert Run.objects.start(workflow.latest, charlie, {}, "once") != first


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("queued", {"cancel", "pause"}),
        ("running", {"cancel", "pause", "renew"}),
        ("awaiting", {"cancel", "pause", "renew"}),
        ("paused", {"cancel", "continue", "renew"}),
        ("interrupted", {"cancel", "pause", "resume", "renew"}),
        ("cancelling", set()),
        ("completed", set()),
        ("failed", {"resume"}),
        ("cancelled", {"resume"}),
        ("quarantined", {"resume"}),
    ],
)
def test_what_may_be_asked_depends_on_the_status(run, alice, status, kinds):
    Run.objects.filter(pk=run.pk).update(status=status)
    asked = {kind for kind in KINDS if run.request(kind, alice)}
    assert asked == kinds
    assert set(run.requests.values_list("kind", flat=True)) == kinds
    assert all(run.refusal_of(kind).endswith(".") for kind in set(KINDS) - kinds)


@pytest.mark.parametrize(
    ("reason", "kind", "payload", "refused"),
    [
        ("input", "answer", {"path": "a", "value": {"n": 1}}, ""),
        ("approval", "answer", {"path": "a", "value": {"approved": True}}, ""),
        ("decision", "answer", {"path": "a"}, "Task a does not wait for an answer."),
        ("decision", "decide", {"path": "a", "action": "retry"}, ""),
        ("time", "decide", {"path": "a", "action": "fail"}, "Task a does not wait for a decision."),
        ("input", "answer", {"path": "b"}, "Task b does not wait for an answer."),
        ("decision", "decide", {"path": "a", "action": "?"}, "A decision is one of"),
        ("input", "answer", {}, "The request names no task."),
    ],
)
def test_only_what_a_task_waits_for_may_be_given(run, alice, reason, kind, payload, refused):
    """Engine 6.3."""
    Run.objects.filter(pk=run.pk).update(status="awaiting")
    run.task_runs.create(path="a", status="awaiting", reason=reason)
    assert run.refusal_of(kind, payload).startswith(refused)
    assert run.request(kind, alice, payload) is (refused == "")


def test_answers_for_two_tasks_are_two_requests(run, alice):
    Run.objects.filter(pk=run.pk).update(status="running")
    for path in "ab":
        run.task_runs.create(path=path, status="awaiting", reason="input")
        assert run.request("answer", alice, {"path": path, "value": 1})
        assert run.request("answer", alice, {"value": 1, "path": path})
    assert RunRequest.objects.count() == 2


def test_a_rerun_remembers_what_it_came_from(run, workflow, alice):
    again = Run.objects.start(
        workflow.latest,
        alice,
        {},
        parent=run,
        kept={"b", "a"},
        options={"until": ["b"]},
        workflows={"other": "{}"},
    )
    assert (again.parent, json.loads(again.kept)) == (run, ["a", "b"])
    assert decode(again.options) == {"until": ["b"]}
    assert json.loads(again.workflows) == {"other": "{}"}
    assert list(run.reruns.all()) == [again]


def test_asking_twice_is_asking_once(run, alice):
    assert run.request("cancel", alice, key="k")
    assert run.request("cancel", alice, key="k")
    assert run.request("cancel", alice)
    assert RunRequest.objects.count() == 1
