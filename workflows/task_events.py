"""The events of one task: as its log, and in words; the same words as in a terminal."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from runner.console.lines import status_after, words_of
from runner.run.events import event_from_json
from workflows.models import Run, RunEvent
from workflows.run_log import plain

LINES = 1000
EVENTS = 200
#: What only counts: there may be thousands of them, and other tabs add them up.
COUNTED = ("ChunksStored", "TaskProgressed", "TaskLogged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a task's log."""

    seq: int
    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event: its kind, in words, with the status that it led to, and as it is kept."""

    seq: int
    at: datetime
    kind: str
    words: str
    status: str
    payload: str


def lines_in(run: Run, path: str, **bounds: int) -> tuple[Line, ...]:
    """Give the last lines of a task's log, the oldest first."""
    return tuple(_lines(_last(logged(run, path).filter(**bounds), LINES)))


def logged(run: Run, path: str) -> "QuerySet[RunEvent]":
    """Give the events that are the lines of a task's log."""
    return run.events.filter(path=path, kind="TaskLogged")


def told_of(run: Run, path: str, *, is_whole: bool) -> tuple[tuple[Told, ...], int]:
    """Give the last events of a task, the oldest first, and how many are not among them."""
    events = run.events.filter(path=path)
    if not is_whole:
        events = events.exclude(kind__in=COUNTED)
    shown = tuple(map(told, _last(events, EVENTS)))
    return shown, run.events.filter(path=path).count() - len(shown)


def told(event: RunEvent) -> Told:
    """Say one event in words; one of a kind that this version does not know says nothing."""
    words, status = "", ""
    try:
        known = event_from_json(event.kind, json.loads(event.payload))
        words, status = words_of(known), status_after(known)
    except (KeyError, TypeError, ValueError):
        pass
    return Told(
        seq=event.seq,
        at=event.at,
        kind=event.kind,
        words=plain(words),
        status=status,
        payload=event.payload,
    )


def _last(events: "QuerySet[RunEvent]", number: int) -> list[RunEvent]:
    return list(events.order_by("-seq")[:number])[::-1]


def _lines(events: list[RunEvent]) -> Iterator[Line]:
    for event in events:
        said_so: dict[str, Any] = json.loads(event.payload)
        yield Line(
            seq=event.seq,
            at=event.at,
            level=str(said_so.get("level", "INFO")),
            message=plain(str(said_so.get("message", ""))),
        )
