"""The rows that are kept of a run for good: what happened, what was streamed, what came out.

A value is stored once: a result is in its checkpoint, not in its event too.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from pydantic_core import PydanticSerializationError, to_json

from runner.execution.store import Batch, ChunkBatch, Entry
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from workflows.beside import ChunksBeside
from workflows.cursors import Cursor, Row
from workflows.models import Checkpoint, Chunk, RunEvent
from workflows.projection import array_text
from workflows.tables import Table, replacing

#: An entry, and the path of the task it is about.
type Told = tuple[Entry, str]

_EVENTS = Table(RunEvent, "run", "seq", "at", "kind", "path", "payload")
_CHUNKS = Table(
    Chunk, "run", "path", "port", "attempt", "first", "last", "items", "size", "superseded"
)
_RESULT = ("attempt", "seq", "epoch", "value")
_CHECKPOINTS = Table(
    Checkpoint,
    "run",
    "path",
    *_RESULT,
    conflict=replacing(("run_id", "path"), {name: f"excluded.{name}" for name in _RESULT}),
)


def keep(cursor: Cursor, run: Any, batch: Batch, told: Iterable[Told]) -> None:
    """Insert a batch's events, chunks and checkpoints; mark the chunks that count no longer."""
    # Of two records of a task the later one is the whole.
    checkpoints = {each.path: each for each in batch.checkpoints}
    _EVENTS.insert(cursor, _event_rows(cursor, run, told, checkpoints))
    _CHUNKS.insert(cursor, [_chunk_row(run, each) for each in batch.chunks])
    _supersede(batch)
    _CHECKPOINTS.insert(cursor, _checkpoint_rows(run, batch.epoch, checkpoints.values()))


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
    items = each.text if isinstance(each, ChunksBeside) else array_text(each.items)
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
) -> QuerySet[Chunk]:
    return Chunk.objects.filter(run_id=batch.run, path=event.path, attempt=event.attempt)


def _checkpoint_rows(run: Any, epoch: int, checkpoints: Iterable[TaskCheckpoint]) -> list[Row]:
    return [(run, each.path, each.attempt, each.seq, epoch, each.to_json()) for each in checkpoints]
