"""When the tasks of a run waited, worked and streamed, and what streaming saved (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from workflows.outline import Level
from workflows.wording import said_duration

#: What each kind of event makes of a task from then on; "" is the end of what it did.
BECOMES: Mapping[str, str] = {
    "TaskQueued": "queued",
    "TaskStarted": "running",
    "StreamOpened": "streaming",
    "TaskAwaiting": "awaiting",
    "TaskAnswered": "running",
    "TaskRetrying": "retrying",
    "TaskDropped": "",
    "TaskCompleted": "",
    "TaskCached": "",
    "TaskFailed": "",
    "TaskUpstreamFailed": "",
    "TaskCancelled": "",
    "TaskInterrupted": "",
    "TaskSkipped": "",
}
#: With these everything stands still, whatever it was at.
STOPS = frozenset({"RunInterrupted", "RunResumed"})
TICKS = 4


class Moment(NamedTuple):
    """One event of a task (or of the run, whose path is empty)."""

    at: datetime
    kind: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What a task was at from one time to another; `attempt` counts its starts so far."""

    state: str
    start: datetime
    end: datetime
    attempt: int

    @property
    def words(self) -> str:
        """The segment in a phrase."""
        span = said_duration((self.end - self.start).total_seconds())
        return f"{self.state} {span}" + (f", attempt {self.attempt}" if self.attempt > 1 else "")


@dataclass(slots=True, kw_only=True)
class Track:
    """All segments of one task, and the times at which its attempts streamed first."""

    segments: list[Segment] = field(default_factory=list)
    first_chunks: list[datetime] = field(default_factory=list)
    starts: list[datetime] = field(default_factory=list)
    end: datetime | None = None
    _state: str = ""
    _since: datetime | None = None

    def turn(self, state: str, at: datetime) -> None:
        """End what it was at, and begin something else; "" for nothing."""
        if self._state and self._since is not None:
            segment = Segment(
                state=self._state, start=self._since, end=at, attempt=len(self.starts)
            )
            self.segments.append(segment)
        self._state, self._since = state, at

    def take(self, kind: str, at: datetime) -> None:
        """Note one event of the task."""
        state = BECOMES[kind]
        if kind == "StreamOpened":
            if self._state == "streaming":
                return
            self.first_chunks.append(at)
        elif kind == "TaskAnswered" and self._streams:
            state = "streaming"
        self.turn(state, at)
        if kind == "TaskStarted":
            self.starts.append(at)
        self.end = None if state else at

    @property
    def _streams(self) -> bool:
        """Whether the present attempt has streamed."""
        return bool(self.first_chunks and self.starts and self.first_chunks[-1] >= self.starts[-1])

    def total(self, state: str) -> timedelta:
        """Sum up how long it was in a state."""
        return sum((each.end - each.start for each in self.segments if each.state == state), _ZERO)


_ZERO = timedelta()


def tracks_of(moments: Iterable[Moment], now: datetime) -> dict[str, Track]:
    """Follow each task through its events, in their order; what goes on ends now."""
    tracks: dict[str, Track] = {}
    for moment in moments:
        if moment.kind in STOPS:
            for track in tracks.values():
                track.turn("", moment.at)
        elif moment.kind in BECOMES:
            tracks.setdefault(moment.path, Track()).take(moment.kind, moment.at)
    for track in tracks.values():
        track.turn("", max(now, track.starts[-1]) if track.starts else now)
    return tracks


# ── what streaming saved ────────────────────────────────────────────────────────────────────────


def saved_by_streaming(level: Level, tracks: Mapping[str, Track], now: datetime) -> timedelta:
    """Say at most how much later a run would have ended without streaming.

    Every task that began while one it reads still streamed is moved to that one's end, and keeps
    the time it took; what reads it moves on in turn. A task that only waited for chunks would
    have taken less, so this is an upper bound.
    """
    return _Moved(tracks, now).lateness(level)


class _Moved:
    """The tasks as they would have run one after the other, by level."""

    def __init__(self, tracks: Mapping[str, Track], now: datetime) -> None:
        self._tracks = tracks
        self._now = now

    def lateness(self, level: Level) -> timedelta:
        """Give by how much the last end of a level would have been later."""
        sources: dict[str, set[str]] = {}
        for flow in level.flows:
            sources.setdefault(flow.target, set()).add(flow.source)
        late: dict[str, timedelta] = {}
        inner = {
            place.path: self.lateness(place.body)
            for place in level.places
            if place.kind == "compound" and place.body is not None
        }
        for path in _in_order(sources, [place.path for place in level.places]):
            late[path] = self._shift(path, sources.get(path, set()), late) + inner.get(path, _ZERO)
        ends = {path: self._end(path) for path in late if self._begun(path)}
        if not ends:
            return _ZERO
        return max(end + late[path] for path, end in ends.items()) - max(ends.values())

    def _shift(self, path: str, sources: Iterable[str], late: Mapping[str, timedelta]) -> timedelta:
        if not self._begun(path):
            return _ZERO
        start = self._tracks[path].starts[-1]
        shifts = [
            self._end(each) + late.get(each, _ZERO) - start
            for each in sources
            if self._begun(each) and (self._tracks[each].first_chunks or late.get(each))
        ]
        return max([_ZERO, *shifts])

    def _begun(self, path: str) -> bool:
        track = self._tracks.get(path)
        return track is not None and bool(track.starts)

    def _end(self, path: str) -> datetime:
        return self._tracks[path].end or self._now


def _in_order(sources: Mapping[str, set[str]], paths: list[str]) -> Iterator[str]:
    """Give paths after those that they read; a circle is cut where it is met."""
    done: set[str] = set()
    waiting = list(reversed(paths))
    known = set(paths)
    begun: set[str] = set()
    while waiting:
        path = waiting[-1]
        before = sorted((sources.get(path, set()) & known) - done - begun - {path})
        begun.add(path)
        if before:
            waiting.extend(before)
            continue
        waiting.pop()
        if path not in done:
            done.add(path)
            yield path


# ── how it is drawn ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a time stands between the first and the last one drawn, in percent."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> str:
        """Give a time as a percentage with its sign."""
        return f"{self._share(moment):.2f}%"

    def width(self, segment: Segment) -> str:
        """Give the width of a segment as a percentage with its sign."""
        return f"{self._share(segment.end) - self._share(segment.start):.2f}%"

    def ticks(self) -> list[tuple[str, str]]:
        """Give marks of time: where, and how long after the start."""
        whole = (self.end - self.start).total_seconds()
        return [
            (f"{100 * part / TICKS:.2f}%", said_duration(whole * part / TICKS))
            for part in range(TICKS)
        ]

    def _share(self, moment: datetime) -> float:
        whole = (self.end - self.start) / timedelta(seconds=1)
        share = 100 * ((moment - self.start) / timedelta(seconds=1)) / whole if whole > 0 else 0.0
        return min(100.0, max(0.0, share))
