"""Event to row changes: pure, so told as tables."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.graph.values import decode, encode
from runner.run import events as happened
from tests.store_contract import AT, FAULT
from workflows import projection
from workflows.projection import (
    array_items,
    array_text,
    object_text,
    on_resume,
    path_of,
    run_changes,
    storable,
    task_changes,
)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (happened.RunStarted(), "running"),
        (happened.RunResumed(2), "running"),
        (happened.RunInterrupted("stop"), "interrupted"),
        (happened.RunCancelling("alice"), "cancelling"),
        (happened.RunPaused("alice"), "paused"),
        (happened.RunContinued("alice"), "running"),
        (happened.RunAwaiting("input"), "awaiting"),
        (happened.RunWoke(), "running"),
        (happened.RunCompleted({}), "completed"),
        (happened.RunFailed(FAULT, "a"), "failed"),
        (happened.RunCancelled(), "cancelled"),
    ],
)
def test_a_run_event_gives_the_runs_status(event, status):
    assert run_changes(event, AT)["status"] == status
    assert task_changes(event, AT) == {}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (happened.TaskQueued("a", "its group is full"), "queued"),
        (happened.TaskStarted("a", 1), "running"),
        (happened.TaskAwaiting("a", 1, "input"), "awaiting"),
        (happened.TaskAnswered("a", 1, "input", "alice"), "running"),
        (happened.TaskRetrying("a", 1, FAULT, 2.0), "retrying"),
        (happened.TaskDropped("a", 1, "b"), "pending"),
        (happened.TaskCached("a", 1), "cached"),
        (happened.StreamOpened("a", "p", 1), "streaming"),
        (happened.TaskCompleted("a", 1), "completed"),
        (happened.TaskFailed("a", 1, FAULT), "failed"),
        (happened.TaskUpstreamFailed("a", "b"), "upstream-failed"),
        (happened.TaskCancelled("a", 1), "cancelled"),
        (happened.TaskInterrupted("a", 1), "interrupted"),
        (happened.TaskSkipped("a"), "skipped"),
    ],
)
def test_a_task_event_gives_the_tasks_status(event, status):
    assert task_changes(event, AT)["status"] == status
    assert run_changes(event, AT) == {}


def test_a_started_attempt_forgets_the_one_before():
    changes = task_changes(happened.TaskStarted("a", 2), AT)
    assert (changes["attempt"], changes["error"], changes["ended_at"]) == (2, "", None)


def test_an_awaiting_run_says_for_what_until_it_wakes():
    assert run_changes(happened.RunAwaiting("approval"), AT)["reason"] == "approval"
    assert run_changes(happened.RunWoke(), AT)["reason"] == ""


def test_a_completed_run_counts_the_errors_it_dealt_with():
    """Engine 3.3."""
    assert run_changes(happened.RunCompleted({}, 2), AT)["handled"] == 2
    assert run_changes(happened.RunResumed(2), AT)["handled"] == 0


def test_an_awaiting_task_says_what_it_asks_and_until_when():
    event = happened.TaskAwaiting("a", 1, "input", {"title": "Who?"}, "2026-01-02T03:04:06+00:00")
    changes = task_changes(event, AT)
    assert (changes["reason"], changes["detail"]) == ("input", '{"title":"Who?"}')
    assert changes["until"] == AT + timedelta(seconds=1)
    answered = task_changes(happened.TaskAnswered("a", 1, "input"), AT)
    assert (answered["reason"], answered["detail"], answered["until"]) == ("", "", None)


def test_a_retrying_task_says_why_and_when_it_goes_on():
    changes = task_changes(happened.TaskRetrying("a", 2, FAULT, 2.5), AT)
    assert (changes["attempt"], changes["until"]) == (2, AT + timedelta(seconds=2.5))
    assert "it broke" in changes["error"]
    assert task_changes(happened.TaskStarted("a", 3), AT)["error"] == ""


def test_a_dropped_task_forgets_what_it_was():
    """Engine 4.7."""
    changes = task_changes(happened.TaskDropped("a", 1, "b"), AT)
    assert (changes["started_at"], changes["width"], changes["decision"]) == (None, None, "")
    assert changes["fraction"] == 0.0


@pytest.mark.parametrize(
    ("turn", "decision", "width"),
    [(0, 3, 3), (0, 0, 0), (0, True, 1), (4, True, 5), (1, 1, 2), (1, 8, 8)],
)
def test_an_unfolding_counts_its_scopes(turn, decision, width):
    changes = task_changes(happened.TaskExpanded("m", turn, decision), AT)
    assert changes == {"width": width, "decision": json.dumps(decision)}


def test_a_decision_is_kept_as_it_was():
    assert task_changes(happened.TaskDecided("b", ["yes"]), AT) == {"decision": '["yes"]'}


def test_a_handled_failure_and_a_stuck_body_are_marked():
    assert task_changes(happened.TaskFailed("a", 1, FAULT, handled=True), AT)["reason"] == "handled"
    assert task_changes(happened.TaskStuck("a", 1), AT) == {"stuck": True}
    assert task_changes(happened.TaskStarted("a", 2), AT)["stuck"] is False


def test_a_reason_fits_its_column():
    changes = task_changes(happened.TaskSkipped("a", "\0" + "x" * 300), AT)
    assert changes["reason"] == "\ufffd" + "x" * 199


def test_every_event_about_a_task_or_a_run_is_told_apart():
    """What changes a run changes no task, and the other way round."""
    kinds = [*projection._RUN, *projection._TASK]
    assert len(kinds) == len(set(kinds))


def test_a_resume_leaves_what_is_completed():
    assert on_resume("completed") == {}
    assert on_resume("failed")["status"] == "pending"
    assert on_resume("streaming")["status"] == "interrupted"
    assert on_resume("retrying")["status"] == "interrupted"
    assert on_resume("queued")["status"] == "pending"
    assert on_resume("awaiting") == {}


@pytest.mark.parametrize("status", ["failed", "upstream-failed", "skipped"])
def test_what_failed_stays_so_unless_a_person_reopens_the_run(status):
    """Engine 5.4."""
    assert on_resume(status, reopened=False) == {}
    assert on_resume(status, reopened=True)["status"] == "pending"


def test_a_dataflow_belongs_to_the_task_it_leads_to():
    assert path_of(happened.DataflowStreaming("a", "p", "b", "q")) == "b"
    assert path_of(happened.RunStarted()) == ""


def test_outputs_become_one_encoded_object():
    text = object_text({"n": encode(1), "raw": encode(b"\0")})
    assert decode(text) == {"n": 1, "raw": b"\0"}
    assert object_text({}) == "{}"


@given(st.lists(st.recursive(st.none() | st.integers() | st.text('ab"]\\,é😀'), st.lists)))
def test_encoded_items_are_cut_apart_as_they_were_put_together(values):
    items = tuple(encode(value) for value in values)
    assert array_items(array_text(items)) == items


def test_what_no_database_keeps_is_replaced():
    assert storable("a\0b\ud800c") == "a\ufffdb?c"
