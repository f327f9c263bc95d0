"""Event to row changes: pure, so told as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.graph.values import decode, encode
from runner.run import events as happened
from tests.store_contract import AT, FAULT
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
        (happened.TaskStarted("a", 1), "running"),
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


def test_a_resume_leaves_what_is_completed():
    assert on_resume("completed") == {}
    assert on_resume("failed")["status"] == "pending"
    assert on_resume("streaming")["status"] == "interrupted"


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
