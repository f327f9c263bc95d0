"""A run that says secrets wherever a run can say anything, and a link to it."""

import json
from datetime import UTC, datetime, timedelta

from runner.run.checkpoint import TaskCheckpoint
from tests.guest_tasks import ALOUD, HUSH
from workflows.models import Run, Workflow
from workflows.models.share import share

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ALLOWED = ("speak", "text")
ERROR = json.dumps({"type": "LookupError", "message": f"{HUSH}error", "trace": f"{HUSH}trace"})


def _task(name, **more):
    return {"id": name, "type": "guest.speak", "title": name.title()} | more


INSIDE = {
    "inputs": [], "dataflows": [],
    "outputs": [{"name": "text", "from": "low.text"}],
    "tasks": [_task("low"), _task("high")],
}  # fmt: skip
DEFINITION = {
    "v": 1, "name": "shared", "title": "Shared", "help": f"{HUSH}help",
    "inputs": [{"name": "question", "type": "str", "help": f"{HUSH}of-an-input"}],
    "outputs": [{"name": "answer", "from": "speak.text"}],
    "tasks": [
        _task("speak", inputs={"fails": False}),
        _task("after", inputs={"hidden": f"{HUSH}constant"}),
        {"id": "group", "type": "flow.graph", "title": "Group", "graph": INSIDE},
    ],
    "dataflows": [{"from": "$inputs.question", "to": "speak.hidden"}],
}  # fmt: skip


def secretive_run(team, person):
    """Make a run under way, of which only what `speak` says at `text` is for everybody."""
    made = Workflow.objects.create(team=team, name="shared", title="Shared", created_by=person)
    version = made.revise(json.dumps(DEFINITION, sort_keys=True), person, note=f"{HUSH}note")
    run = Run.objects.start(version, person, {"question": f"{HUSH}input"}, label=f"{HUSH}label")
    Run.objects.filter(pk=run.pk).update(
        status="running", started_at=NOW, total=4, done=1, failed=1, error=ERROR,
        reason=f"{HUSH}reason", outputs=json.dumps({"answer": f"{HUSH}output"}),
    )  # fmt: skip
    said = {"message": f"{HUSH}progress", "detail": f"{HUSH}detail", "started_at": NOW}
    run.task_runs.create(path="speak", status="streaming", attempt=1, fraction=0.5, **said)
    run.task_runs.create(path="after", status="failed", attempt=2, error=ERROR, **said)
    run.task_runs.create(path="group/low", status="queued", reason=f"{HUSH}queue", **said)
    kept = {"text": f'"{HUSH}after"', "other": f'"{HUSH}other"'}
    checkpoint = TaskCheckpoint(path="after", attempt=2, seq=1, outputs=kept)
    run.checkpoints.create(path="after", attempt=2, seq=1, epoch=1, value=checkpoint.to_json())
    write(run, "speak", "text", f"{ALOUD} ")
    write(run, "speak", "key", f"{HUSH}key ")
    write(run, "after", "text", f"{HUSH}other-task ")
    log(run, "speak", f"{HUSH}log")
    fail(run, "after")
    return Run.objects.get(pk=run.pk)


def write(run, path, port, text, first=0):
    """Store one chunk and its event, as the store does."""
    size = len(text)
    run.chunks.create(
        path=path,
        port=port,
        attempt=1,
        first=first,
        last=first,
        items=json.dumps([text]),
        size=size,
    )
    about = {"path": path, "port": port, "attempt": 1, "first": first, "last": first, "bytes": size}
    _event(run, "ChunksStored", path, about)


def log(run, path, message):
    """Store a line of the log."""
    about = {"path": path, "attempt": 1, "level": "INFO", "message": message}
    _event(run, "TaskLogged", path, about)


def fail(run, path):
    """Store that a task failed, with everything about it."""
    _event(run, "TaskFailed", path, {"path": path, "attempt": 1, "error": ERROR})


def _event(run, kind, path, about):
    run.refresh_from_db(fields=["seq"])
    run.events.create(seq=run.seq + 1, at=NOW, kind=kind, path=path, payload=json.dumps(about))
    Run.objects.filter(pk=run.pk).update(seq=run.seq + 1)
    run.refresh_from_db(fields=["seq"])


def linked(run, person, *, ports=(ALLOWED,), **more):
    """Make a link to the run; give it and its token."""
    return share(run, person, life=timedelta(days=7), ports=ports, **more)
