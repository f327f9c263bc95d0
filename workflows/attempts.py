"""The attempts of a task that ended without a result, as its events tell them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.models import Run, RunEvent

#: Events that end an attempt which is not the last, and what is said where there is no error.
ENDS = {"TaskRetrying": "It failed.", "TaskInterrupted": "Its process stopped."}
ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt before the current one; `chunks` it had streamed count no more."""

    number: int
    ended_at: datetime
    message: str
    trace: str
    chunks: int = 0


def earlier_attempts(run: Run, path: str) -> tuple[Attempt, ...]:
    """Give the last attempts that were followed by another, the newest first."""
    ends = run.events.filter(path=path, kind__in=list(ENDS)).order_by("-seq")[:ATTEMPTS]
    superseded = run.chunks.filter(path=path, superseded=True)
    chunks: dict[int, int] = {}
    for attempt, first, last in superseded.values_list("attempt", "first", "last"):
        chunks[attempt] = chunks.get(attempt, 0) + last - first + 1
    return tuple(_told(ends, chunks))


def _told(ends: Iterable[RunEvent], chunks: dict[int, int]) -> Iterator[Attempt]:
    for event in ends:
        payload: dict[str, Any] = json.loads(event.payload)
        error = payload.get("error") or {}
        number = int(payload.get("attempt", 0))
        yield Attempt(
            number=number,
            ended_at=event.at,
            message=str(error.get("message") or ENDS[event.kind]),
            trace=str(error.get("trace") or ""),
            chunks=chunks.get(number, 0),
        )
