"""How a failure got to a task, step by step."""

import json
from datetime import timedelta

import pytest

from tests.workflows.views.conftest import NOW
from workflows.blame import STEPS, way_of

ERROR = {"type": "OSError", "message": "No room.", "trace": "", "task": "", "attempt": 2}


@pytest.fixture
def told(rich_run):
    """Let things happen in a run, one a second, and give the run."""

    def tell(*happened):
        rich_run.events.all().delete()
        for seq, (kind, path, about) in enumerate(happened, 1):
            payload = json.dumps(({"path": path} if path else {}) | about)
            at = NOW + timedelta(seconds=seq)
            rich_run.events.create(seq=seq, at=at, kind=kind, path=path, payload=payload)
        return rich_run

    return tell


def failed(run, path, **error):
    """Write down that a task failed."""
    run.task_runs.update_or_create(
        path=path, defaults={"status": "failed", "error": json.dumps(ERROR | error)}
    )


def steps(run, path):
    """Give the way to a task as titles and words."""
    return [(step.title, step.words.partition(":")[0]) for step in way_of(run, path)]


FROM_INSIDE = [
    ("TaskRetrying", "retrieve/rank", {"attempt": 1, "error": ERROR, "delay": 2.0}),
    ("TaskFailed", "retrieve/rank", {"attempt": 2, "error": ERROR}),
    ("TaskFailed", "retrieve", {"attempt": 1, "error": ERROR | {"task": "retrieve/rank"}}),
    ("TaskUpstreamFailed", "answer", {"culprit": "retrieve"}),
    ("TaskUpstreamFailed", "report", {"culprit": "retrieve"}),
    ("TaskFailed", "hash", {"attempt": 1, "error": ERROR}),
    ("RunFailed", "", {"error": ERROR, "path": "retrieve/rank"}),
]


@pytest.fixture
def lost(told):
    """A run that failed inside of a compound; what comes after it could not run."""
    run = told(*FROM_INSIDE)
    failed(run, "retrieve", task="retrieve/rank")
    failed(run, "retrieve/rank", task="retrieve/rank")
    for path in ["answer", "report"]:
        run.task_runs.update_or_create(path=path, defaults={"status": "upstream-failed"})
    return run


def test_a_failure_is_told_from_its_first_attempt_through_compounds_to_the_run(lost):
    way = [
        ("Rank", "retrying, attempt 2 in 2.0 s"),
        ("Rank", "failed"),
        ("Retrieve", "failed with it"),
        ("The run", "failed with it"),
    ]
    assert steps(lost, "retrieve/rank") == way
    assert steps(lost, "retrieve") == way


def test_what_could_not_run_is_told_how_the_failure_came_along_the_dataflows(lost):
    titles = [title for title, _ in steps(lost, "report")]
    assert titles[:4] == ["Rank", "Rank", "Retrieve", "Answer"]
    assert steps(lost, "report")[3] == ("Answer", "upstream failed by retrieve")
    assert titles[-1] == "The run"
    assert "Hash" not in titles


def test_a_way_that_is_long_keeps_its_beginning_and_its_end(told):
    retries = [
        ("TaskRetrying", "answer", {"attempt": number, "error": ERROR, "delay": 0.0})
        for number in range(1, 100)
    ]
    run = told(*retries, ("TaskFailed", "answer", {"attempt": 100, "error": ERROR}))
    failed(run, "answer", task="answer")
    way = way_of(run, "answer")
    assert len(way) == STEPS
    assert way[0].words.startswith("retrying, attempt 2 at once")
    assert way[-1].status == "failed"


def test_what_did_not_fail_has_no_way(told):
    assert way_of(told(("TaskStarted", "answer", {"attempt": 1})), "answer") == ()
