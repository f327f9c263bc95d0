"""How batches get into the database: one transaction, a savepoint for each run's part.

What is written is worked out first, as rows; then it goes to the database in few statements that
read nothing back. A value is stored once: a result is in its checkpoint, not in its event too.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import DatabaseError, OperationalError, models, transaction
from django.db.models.functions import Now
from pydantic_core import PydanticSerializationError, to_json

from runner.errors import Fenced
from runner.execution.store import Batch, ChunkBatch, Entry
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from runner.run.moves import OVER
from runner.run.status import TaskStatus
from workflows.caching import keep_entries
from workflows.models import Checkpoint, Chunk, Run, RunEvent, RunRequest, TaskRun
from workflows.projection import (
    Changes,
    array_text,
    is_inside,
    on_resume,
    path_of,
    run_changes,
    task_changes,
)
from workflows.tables import Cursor, Row, Table, quoted, replacing

#: An entry, and the path of the task it is about.
type Told = tuple[Entry, str]

LEASE = timedelta(seconds=30)
_SECONDS = int(LEASE.total_seconds())
#: By the database's clock, since that is whose time a claim looks at.
_LEASE_ENDS = {
    "sqlite": f"STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW', '+{_SECONDS} seconds')",
    "postgresql": f"STATEMENT_TIMESTAMP() + INTERVAL '{_SECONDS} seconds'",
}
_FIRST_CHUNK = "first_chunk_at"
_TASK_DEFAULTS: Changes = {
    field.name: field.get_default()
    for field in TaskRun._meta.concrete_fields  # noqa: SLF001
    if field.name not in {"id", "run", "path"}
}
_MOMENTS = frozenset(
    field.name
    for model in (Run, TaskRun)
    for field in model._meta.concrete_fields  # noqa: SLF001
    if isinstance(field, models.DateTimeField)
)
_EVENTS = Table(RunEvent, "run", "seq", "at", "kind", "path", "payload")
_CHUNKS = Table(
    Chunk, "run", "path", "port", "attempt", "first", "last", "items", "size", "superseded"
)
_ENDS = (happened.RunCompleted, happened.RunFailed, happened.RunCancelled)
_UNFINISHED = sorted(each.value for each in TaskStatus if each not in OVER)
#: What a path goes on with inside of a control task, and the sign after each of them: by bytes,
#: everything inside lies between the two.
_INSIDE = (("[", "\\"), ("/", "0"))
_BY_BYTES = {"sqlite": "", "postgresql": ' COLLATE "C"'}
_ONE_A_PATH = ("run_id", "path")
_RESULT = ("attempt", "seq", "epoch", "value")
_CHECKPOINTS = Table(
    Checkpoint,
    "run",
    "path",
    *_RESULT,
    conflict=replacing(_ONE_A_PATH, {name: f"excluded.{name}" for name in _RESULT}),
)


def write_batches(batches: Sequence[Batch]) -> list[Exception | None]:
    """Commit all batches together; give for each what kept it out, or None.

    Raises OperationalError when nothing could be committed.
    """
    if len(batches) == 1:
        return [_attempt(batches[0], durable=True)]
    with transaction.atomic(durable=True):
        return [_attempt(batch, durable=False) for batch in batches]


def _attempt(batch: Batch, *, durable: bool) -> Exception | None:
    """Write a batch in a transaction of its own, or in a savepoint of the one under way."""
    try:
        with transaction.atomic(durable=durable), Cursor() as cursor:
            _write(cursor, batch)
    except OperationalError:
        raise
    except (Fenced, DatabaseError, ValueError) as fault:
        return fault
    return None


def _write(cursor: Cursor, batch: Batch) -> None:
    run = cursor.key(batch.run)
    told = [(entry, path_of(entry.event)) for entry in batch.entries]
    checkpoints = {each.path: each for each in batch.checkpoints}
    _advance(cursor, run, batch)
    _EVENTS.insert(cursor, _event_rows(cursor, run, told, checkpoints))
    _CHUNKS.insert(cursor, [_chunk_row(run, each) for each in batch.chunks])
    _supersede(batch)
    _keep_checkpoints(cursor, run, batch, checkpoints)
    _project(cursor, run, told)
    if batch.epoch > 1 and any(isinstance(entry.event, _ENDS) for entry in batch.entries):
        _forget_lost(cursor, run)
    keep_entries(batch.cache)
    if batch.handled:
        asked = RunRequest.objects.filter(run_id=batch.run, pk__in=batch.handled)
        asked.filter(handled_at=None).update(handled_at=Now())


# ── the run itself ───────────────────────────────────────────────────────────────────────────────


def _advance(cursor: Cursor, run: Any, batch: Batch) -> None:
    """Move the run's last number, which proves that nobody else has moved it."""
    changes: Changes = {
        "seq": batch.entries[-1].seq if batch.entries else batch.before,
        "total": batch.progress.total,
        "done": batch.progress.done,
        "failed": batch.progress.failed,
        "fraction": batch.progress.fraction,
    }
    if batch.chunks or batch.checkpoints:
        changes["deaths"] = 0
    for entry in batch.entries:
        changes.update(run_changes(entry.event, entry.at))
    lease = "" if "lease_until" in changes else f", lease_until = {_LEASE_ENDS[cursor.vendor]}"
    named = ", ".join(f"{quoted(name)} = %s" for name in changes)
    moved = cursor.execute(
        f"UPDATE workflows_run SET {named}{lease} "  # noqa: S608
        "WHERE id = %s AND epoch = %s AND seq = %s AND owner <> ''",
        [*_as_kept(cursor, tuple(changes), changes), run, batch.epoch, batch.before],
    )
    if not moved:
        raise Fenced(batch.run)


# ── what happened, and what was streamed ─────────────────────────────────────────────────────────


def _event_rows(
    cursor: Cursor, run: Any, told: Iterable[Told], checkpoints: Mapping[str, TaskCheckpoint]
) -> list[Row]:
    return [
        (
            run,
            entry.seq,
            cursor.moment(entry.at),
            entry.event.kind,
            path,
            _payload(entry.event, path, checkpoints),
        )
        for entry, path in told
    ]


def _payload(event: Event, path: str, checkpoints: Mapping[str, TaskCheckpoint]) -> str:
    """Give an event's fields as JSON text, but not what the checkpoint beside it holds."""
    document = event.to_json()
    if path in checkpoints and document.get("outputs"):
        document["outputs"] = {}
    try:
        return to_json(document).decode()
    except PydanticSerializationError:
        # Half a character, which only the escapes of ASCII can say.
        return json.dumps(document, separators=(",", ":"))


def _chunk_row(run: Any, each: ChunkBatch) -> Row:
    last = each.first + len(each.items) - 1
    size = sum(len(item.encode()) for item in each.items)
    items = array_text(each.items)
    return (run, each.path, each.port, each.attempt, each.first, last, items, size, False)


def _supersede(batch: Batch) -> None:
    for entry in batch.entries:
        event = entry.event
        if isinstance(event, happened.StreamSuperseded):
            _chunks_of(batch, event).filter(port=event.port).update(superseded=True)
        elif isinstance(event, happened.TaskInterrupted):
            # A process that was killed could not say it of its streams one by one.
            _chunks_of(batch, event).update(superseded=True)


def _chunks_of(
    batch: Batch, event: happened.StreamSuperseded | happened.TaskInterrupted
) -> "models.QuerySet[Chunk]":
    return Chunk.objects.filter(run_id=batch.run, path=event.path, attempt=event.attempt)


# ── results ──────────────────────────────────────────────────────────────────────────────────────


def _keep_checkpoints(
    cursor: Cursor, run: Any, batch: Batch, latest: Mapping[str, TaskCheckpoint]
) -> None:
    """Insert them, or put them in the place of those before: each is the whole record."""
    _CHECKPOINTS.insert(cursor, _checkpoint_rows(run, batch.epoch, latest.values()))


def _checkpoint_rows(run: Any, epoch: int, checkpoints: Iterable[TaskCheckpoint]) -> list[Row]:
    return [(run, each.path, each.attempt, each.seq, epoch, each.to_json()) for each in checkpoints]


# ── what pages read of tasks ─────────────────────────────────────────────────────────────────────


def _project(cursor: Cursor, run: Any, told: Iterable[Told]) -> None:
    """Bring the rows of the tasks that pages read up to the last event."""
    pending: dict[str, Changes] = {}
    for entry, path in told:
        event = entry.event
        if type(event) is happened.RunResumed:
            _write_tasks(cursor, run, pending)
            pending = {}
            _take_back(run, reopened=event.reopened)
        elif type(event) is happened.TaskDropped:
            pending = {each: kept for each, kept in pending.items() if not is_inside(each, path)}
            _forget_inside(cursor, run, path)
        changes = task_changes(event, entry.at)
        if changes:
            before = pending.get(path)
            pending[path] = _together(before, changes) if before else changes
    _write_tasks(cursor, run, pending)


def _together(before: Changes, changes: Changes) -> Changes:
    """Put the changes of two events together; only the first chunk of an attempt is the first."""
    first = before.get(_FIRST_CHUNK)
    both = {**before, **changes}
    if first is not None and changes.get(_FIRST_CHUNK) is not None:
        both[_FIRST_CHUNK] = first
    return both


def _take_back(run: Any, *, reopened: bool) -> None:
    """Say of every task that did not finish what it is now that its run goes on."""
    for status in TaskStatus:
        changes = on_resume(status, reopened=reopened)
        if changes:
            TaskRun.objects.filter(run_id=run, status=status).update(**changes)


def _forget_inside(cursor: Cursor, run: Any, path: str) -> None:
    """Forget what a control task had unfolded into; it may unfold into something else."""
    column = f'"path"{_BY_BYTES[cursor.vendor]}'
    for first, end in _INSIDE:
        cursor.execute(
            "DELETE FROM workflows_taskrun "  # noqa: S608
            f"WHERE run_id = %s AND {column} >= %s AND {column} < %s",
            [run, f"{path}{first}", f"{path}{end}"],
        )


def _forget_lost(cursor: Cursor, run: Any) -> None:
    """Forget, at a run's end, what it has not done: a process before had unfolded into more."""
    marks = ", ".join(["%s"] * len(_UNFINISHED))
    cursor.execute(
        f"DELETE FROM workflows_taskrun WHERE run_id = %s AND status IN ({marks})",  # noqa: S608
        [run, *_UNFINISHED],
    )


def _write_tasks(cursor: Cursor, run: Any, pending: Mapping[str, Changes]) -> None:
    alike: dict[tuple[str, ...], list[Row]] = {}
    for path, changes in pending.items():
        names = tuple(changes)
        row = (run, path, *_as_kept(cursor, names, changes), *_defaults(names))
        alike.setdefault(names, []).append(row)
    for names, rows in alike.items():
        _task_table(names).insert(cursor, rows)


def _as_kept(cursor: Cursor, names: tuple[str, ...], changes: Changes) -> list[Any]:
    """Give the values of changes as their columns keep them."""
    values = list(changes.values())
    for position in _moments(names):
        values[position] = cursor.moment(values[position])
    return values


@cache
def _moments(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(position for position, name in enumerate(names) if name in _MOMENTS)


@cache
def _defaults(names: tuple[str, ...]) -> Row:
    """Give what the columns without a change have in a new row."""
    return tuple(value for name, value in _TASK_DEFAULTS.items() if name not in names)


@cache
def _task_table(names: tuple[str, ...]) -> Table:
    """Give the table with its columns in the order of such rows; `names` change in old ones."""
    others = (name for name in _TASK_DEFAULTS if name not in names)
    changes = {name: _then(name, names) for name in names}
    return Table(TaskRun, "run", "path", *names, *others, conflict=replacing(_ONE_A_PATH, changes))


def _then(name: str, names: Sequence[str]) -> str:
    """Say in SQL what becomes of a column of a row that is there already."""
    if name == _FIRST_CHUNK and "started_at" not in names:
        return f"COALESCE(workflows_taskrun.{name}, excluded.{name})"
    return f"excluded.{name}"
