"""A run under way: one compound, one stream, one map, one failure."""

import json
from datetime import UTC, datetime

import pytest

from runner.run.checkpoint import TaskCheckpoint

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('streamed')</script>"


def _task(name, kind="test.number", **more):
    return {"id": name, "type": kind, "title": name.title(), "config": {}, "inputs": {}} | more


DEFINITION = {
    "v": 1,
    "name": "rich",
    "title": "Rich",
    "help": "",
    "inputs": [
        {"name": "question", "type": "str", "title": "Question", "help": "In plain words."},
        {"name": "count", "type": "int", "title": "Count", "default": 3, "minimum": 1},
    ],
    "outputs": [{"name": "answer", "from": "answer.text"}],
    "tasks": [
        _task(
            "retrieve",
            "flow.graph",
            graph={
                "inputs": [{"name": "question", "type": "str"}],
                "outputs": [{"name": "passages", "from": "rank.result"}],
                "tasks": [_task("split"), _task("rank")],
                "dataflows": [
                    {"from": "$inputs.question", "to": "split.value"},
                    {"from": "split.result", "to": "rank.value"},
                ],
            },
        ),
        _task("answer"),
        _task(
            "hash",
            "flow.map",
            graph={"tasks": [_task("digest")], "dataflows": [], "inputs": [], "outputs": []},
        ),
        _task("report", title=HOSTILE),
    ],
    "dataflows": [
        {"from": "$inputs.question", "to": "retrieve.question"},
        {"from": "retrieve.passages", "to": "answer.value"},
        {"from": "answer.text", "to": "report.value"},
    ],
}


@pytest.fixture
def rich_workflow(team, alice):
    """A workflow with everything in it."""
    from workflows.models import Workflow

    made = Workflow.objects.create(team=team, name="rich", title="Rich", created_by=alice)
    made.revise(json.dumps(DEFINITION, sort_keys=True), alice)
    return made


@pytest.fixture
def rich_run(rich_workflow, alice):
    """A run of it that has begun."""
    from workflows.models import Run, TaskRun

    run = Run.objects.start(rich_workflow.latest, alice, {"question": "Why?", "count": 3})
    Run.objects.filter(pk=run.pk).update(
        status="running", started_at=NOW, seq=4, total=7, done=3, failed=1, fraction=0.5
    )
    begun: list[tuple[str, str, dict]] = [
        ("retrieve", "completed", {}),
        ("retrieve/split", "completed", {}),
        ("retrieve/rank", "completed", {}),
        ("answer", "streaming", {"fraction": 0.4}),
        ("hash", "running", {"width": 60}),
    ]
    for index in range(60):
        status = "failed" if index == 41 else "completed"
        begun.append((f"hash[{index}]/digest", status, {}))
    run.task_runs.bulk_create(
        TaskRun(run=run, path=path, status=status, started_at=NOW, **more)
        for path, status, more in begun
    )
    run.chunks.create(
        path="answer", port="text", attempt=1, first=0, last=1,
        items=json.dumps(["To sort ", HOSTILE]), size=40,
    )  # fmt: skip
    kept = TaskCheckpoint(path="retrieve/rank", attempt=1, seq=2, outputs={"result": '["a","b"]'})
    run.checkpoints.create(path=kept.path, attempt=1, seq=2, epoch=1, value=kept.to_json())
    logged = {"path": "answer", "attempt": 1, "level": "INFO", "message": f"took {HOSTILE}"}
    run.events.create(seq=4, at=NOW, kind="TaskLogged", path="answer", payload=json.dumps(logged))
    return Run.objects.get(pk=run.pk)


@pytest.fixture
def hx():
    """What HTMX says about itself."""
    return {"HX-Request": "true"}
