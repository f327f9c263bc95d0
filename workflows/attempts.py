"""The attempts of a task, as its events tell them: what became of each, what it said and streamed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workflows.models import Run, RunEvent
from workflows.streamed import StreamSoFar, stream_of
from workflows.task_events import Line, lines_in

#: Events that end an attempt: the status that is shown of it, and what is said without an error.
ENDS: Mapping[str, tuple[str, str]] = {
    "TaskRetrying": ("failed", "It failed."),
    "TaskFailed": ("failed", "It failed."),
    "TaskInterrupted": ("interrupted", "Its process stopped."),
    "TaskDropped": ("cancelled", "What it had read counts no more."),
    "TaskCancelled": ("cancelled", "It was cancelled."),
    "TaskCompleted": ("completed", ""),
    "TaskCached": ("cached", ""),
}
#: More of them are not told: a task may be tried thousands of times.
ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt; `chunks` it had streamed count no more. The last three only where it is open.

    `first` and `last` are the numbers of its events; 0 where it has not begun or ended.
    """

    number: int
    status: str = "running"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    chunks: int = 0
    first: int = 0
    last: int = 0
    trace: str = ""
    lines: tuple[Line, ...] = ()
    streams: tuple[StreamSoFar, ...] = field(default=())


def attempts_of(run: Run, path: str) -> tuple[Attempt, ...]:
    """Give the last attempts of a task, the newest first."""
    kinds = [*ENDS, "TaskStarted"]
    events = run.events.filter(path=path, kind__in=kinds).order_by("-seq")[: 2 * ATTEMPTS]
    found: dict[int, Attempt] = {}
    for event in reversed(events):
        number = int(json.loads(event.payload).get("attempt") or 0)
        if number:
            before = found.get(number, Attempt(number=number))
            found[number] = _after(before, event)
    chunks = _superseded(run, path)
    told = [replace(each, chunks=chunks.get(each.number, 0)) for each in found.values()]
    return tuple(sorted(told, key=lambda each: -each.number)[:ATTEMPTS])


def opened(run: Run, path: str, attempts: tuple[Attempt, ...], wanted: int) -> Attempt | None:
    """Open the attempt that is wanted, else the last one that ended badly; None without any."""
    bad = [each for each in attempts if each.status in {"failed", "interrupted"}]
    chosen = next((each for each in attempts if each.number == wanted), None)
    chosen = chosen or next(iter(bad or attempts), None)
    if chosen is None:
        return None
    bounds = {"seq__gte": chosen.first}
    if chosen.last:
        bounds["seq__lte"] = chosen.last
    return replace(
        chosen,
        lines=lines_in(run, path, **bounds) if chosen.first else (),
        streams=tuple(_streams(run, path, chosen.number)),
    )


def _after(attempt: Attempt, event: RunEvent) -> Attempt:
    if event.kind == "TaskStarted":
        if attempt.first:
            return attempt  # it waited, and goes on
        return replace(attempt, started_at=event.at, first=event.seq)
    status, message = ENDS[event.kind]
    error: dict[str, Any] = json.loads(event.payload).get("error") or {}
    return replace(
        attempt,
        status=status,
        ended_at=event.at,
        last=event.seq,
        message=str(error.get("message") or message),
        trace=str(error.get("trace") or ""),
    )


def _superseded(run: Run, path: str) -> dict[int, int]:
    chunks: dict[int, int] = {}
    kept = run.chunks.filter(path=path, superseded=True)
    for attempt, first, last in kept.values_list("attempt", "first", "last"):
        chunks[attempt] = chunks.get(attempt, 0) + last - first + 1
    return chunks


def _streams(run: Run, path: str, number: int) -> Iterator[StreamSoFar]:
    kept = run.chunks.filter(path=path, attempt=number).order_by("port")
    for port in kept.values_list("port", flat=True).distinct():
        yield stream_of(run, path, port, number)
