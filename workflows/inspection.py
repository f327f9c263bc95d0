"""All that the inspector says about one task of a run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.attempts import Attempt, earlier_attempts
from workflows.given import Given, given_to
from workflows.inside import item_rows, with_items
from workflows.kept_outputs import outputs_of
from workflows.models import Run, RunEvent
from workflows.outline import Outline, Place, outline_for
from workflows.reading import rows_of
from workflows.rows import Row
from workflows.shown_values import Value
from workflows.standing import sentence_of
from workflows.streamed import StreamSoFar, streams_of

LINES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a task's log."""

    seq: int
    at: Any
    level: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One task of a run, opened up."""

    row: Row
    place: Place
    sentence: str
    outputs: tuple[Value, ...]
    streams: tuple[StreamSoFar, ...]
    inputs: tuple[Given, ...]
    lines: tuple[Line, ...]
    error: Mapping[str, Any] | None
    culprit: str
    events: tuple[RunEvent, ...]
    crumbs: tuple[tuple[str, str], ...]
    attempts: tuple[Attempt, ...] = ()


def inspect(run: Run, path: str) -> Inspection | None:
    """Open one task; None when the run has no such task."""
    outline = outline_for(run)
    place = outline.place_of(path)
    row = _row_of(run, outline, path) if place else None
    if place is None or row is None:
        return None
    events = tuple(run.events.filter(path=path).order_by("-seq")[:LINES])[::-1]
    error, culprit = _error_of(run, path), _culprit_in(events)
    return Inspection(
        row=row,
        place=place,
        sentence=sentence_of(row, culprit),
        outputs=tuple(outputs_of(run, path)),
        streams=tuple(streams_of(run, path)),
        inputs=tuple(given_to(run, place, path)),
        lines=tuple(_lines(events)),
        error=error,
        culprit=culprit,
        events=events[-200:],
        crumbs=tuple(_crumbs(outline, path)),
        attempts=earlier_attempts(run, path),
    )


def _row_of(run: Run, outline: Outline, path: str) -> Row | None:
    """Find the task's row, in the definition or inside of a closed place."""
    around = outline.closed_around(path)
    if not around:
        return rows_of(run, [path]).get(path)
    place = outline.place_of(path)
    for row in item_rows(run, around[-1], [path]):
        return with_items(row, place, run) if place and place.is_closed else row
    return None


def _crumbs(outline: Outline, path: str) -> Iterator[tuple[str, str]]:
    parts = path.split("/")
    for number in range(1, len(parts)):
        above = "/".join(parts[:number])
        item = above.rfind("[") if above.endswith("]") else len(above)
        place = outline.place_of(above[:item])
        yield (above[:item], place.title if place else above)


def _lines(events: tuple[RunEvent, ...]) -> Iterator[Line]:
    for event in events:
        if event.kind == "TaskLogged":
            said_so = json.loads(event.payload)
            yield Line(
                seq=event.seq,
                at=event.at,
                level=str(said_so.get("level", "INFO")),
                message=str(said_so.get("message", "")),
            )


def _error_of(run: Run, path: str) -> Mapping[str, Any] | None:
    """Give a task's error as data; None when it has none."""
    kept = run.task_runs.filter(path=path).exclude(error="").first()
    if kept is None:
        return None
    try:
        document = json.loads(kept.error)
    except ValueError:
        return {"message": kept.error}
    return document if isinstance(document, dict) else {"message": kept.error}


def _culprit_in(events: tuple[RunEvent, ...]) -> str:
    blamed = [each for each in events if each.kind == "TaskUpstreamFailed"]
    return str(json.loads(blamed[-1].payload).get("culprit", "")) if blamed else ""
