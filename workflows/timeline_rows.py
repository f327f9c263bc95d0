"""What the timeline of a run shows: rows of the tree with bars, and the same as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from workflows.models import Run
from workflows.outline import outline_for
from workflows.rows import Row
from workflows.timeline import (
    BECOMES,
    STOPS,
    Moment,
    Scale,
    Segment,
    Track,
    saved_by_streaming,
    tracks_of,
)
from workflows.tree import Asked, Line, tree_of
from workflows.wording import said_duration

#: Less than this is not worth a sentence.
WORTH_SAYING = timedelta(milliseconds=50)
_STATES = ("queued", "awaiting", "running", "streaming")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One segment as it is drawn: place and width in percent."""

    x: str
    width: str
    segment: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """A row of the timeline; `times` are its times by state, in words."""

    line: Line
    bars: tuple[Bar, ...] = ()
    marks: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    first_chunk: str = ""
    times: tuple[str, ...] = ("",) * len(_STATES)


def timeline_of(run: Run, rows: Mapping[str, Row], asked: Asked) -> dict[str, Any]:
    """Put together what the timeline shows of a run."""
    now = run.ended_at or timezone.now()
    tree = tree_of(rows, replace(asked, view="timeline"))
    tracks = tracks_of(_moments(run, rows), now)
    scale = Scale(start=_start(run, tracks), end=now)
    saved = saved_by_streaming(outline_for(run).level, tracks, now)
    return {
        "tree": tree,
        "timeline": [_row(line, tracks.get(line.row.path), scale) for line in tree.lines],
        "ticks": scale.ticks(),
        "span": said_duration((scale.end - scale.start).total_seconds()),
        "saved": said_duration(saved.total_seconds()) if saved >= WORTH_SAYING else "",
        "states": _STATES,
    }


def _moments(run: Run, rows: Mapping[str, Row]) -> list[Moment]:
    """Read the events that move the shown tasks; those of items have no row."""
    told = run.events.filter(kind__in=[*BECOMES, *STOPS]).order_by("seq")
    found = told.values_list("at", "kind", "path")
    return [Moment(*each) for each in found.iterator(2000) if not each[2] or each[2] in rows]


def _start(run: Run, tracks: Mapping[str, Track]) -> datetime:
    begun = [track.segments[0].start for track in tracks.values() if track.segments]
    return min([run.started_at or run.created_at, *begun])


def _row(line: Line, track: Track | None, scale: Scale) -> TimelineRow:
    if track is None:
        return TimelineRow(line=line)
    first = (
        track.first_chunks[-1] - track.starts[-1] if track.first_chunks and track.starts else None
    )
    return TimelineRow(
        line=line,
        bars=tuple(
            Bar(x=scale.at(each.start), width=scale.width(each), segment=each)
            for each in track.segments
        ),
        marks=tuple(scale.at(each) for each in track.first_chunks),
        breaks=tuple(scale.at(each) for each in track.starts[1:]),
        first_chunk="" if first is None else said_duration(max(0.0, first.total_seconds())),
        times=tuple(_said(track.total(state)) for state in _STATES),
    )


def _said(span: timedelta) -> str:
    return said_duration(span.total_seconds()) if span else ""
