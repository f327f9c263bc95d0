"""What the ports of a task have streamed so far."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from workflows.models import Chunk, Run
from workflows.outline import outline_for
from workflows.passing import passed_ports, stream_behind
from workflows.ports import streaming_ports
from workflows.readers import Reader, readers_of
from workflows.reading import is_text, replaces, said, values_in
from workflows.wording import said_duration, said_size

STREAM_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSoFar:
    """All that a port has streamed, and the number of the chunk that comes next.

    `size` is that of what the chunks add up to, in bytes; `first_after` the seconds that passed
    before the first of them, and `resumed` how many an attempt took over from the one before.
    `shown_as` is the port of a control task through which it passes; else empty.
    """

    path: str
    port: str
    attempt: int
    next: int
    size: int
    text: str
    is_text: bool
    replaces: bool
    is_cut: bool
    is_open: bool
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    first_after: float | None = None
    resumed: int = 0
    shown_as: str = ""
    readers: tuple[Reader, ...] = ()

    @property
    def pace(self) -> str:
        """How fast it grows, or grew; empty where that cannot be said."""
        end = self.closed_at or (timezone.now() if self.is_open else None)
        if self.replaces or self.opened_at is None or end is None:
            return ""
        seconds = (end - self.opened_at).total_seconds()
        return f"{said_size(round(self.size / seconds))}/s" if seconds > 0 else ""

    @property
    def began(self) -> str:
        """When its first chunk came; empty before."""
        if self.first_after is None:
            return ""
        return f"first after {said_duration(max(0.0, self.first_after))}"


def streams_of(run: Run, path: str) -> Iterator[StreamSoFar]:
    """Give every port of a task that has streamed."""
    place = outline_for(run).place_of(path)
    declared = streaming_ports(place) if place else []
    kept = run.chunks.filter(path=path).order_by("port").values_list("port", flat=True).distinct()
    for port in dict.fromkeys([*declared, *kept]):
        readers = readers_of(run, place, path, port) if place else ()
        yield replace(stream_of(run, path, port), readers=readers)
    for port in passed_ports(run, place, path) if place else ():
        end = stream_behind(run, path, port)
        if end != (path, port) and run.chunks.filter(path=end[0], port=end[1]).exists():
            yield replace(stream_of(run, *end), shown_as=port)


def stream_of(run: Run, path: str, port: str, attempt: int = 0) -> StreamSoFar:
    """Give what one port has streamed in an attempt: the current one, unless another is named."""
    batches, text = streamed(run, path, port, attempt)
    number = attempt or (batches[-1].attempt if batches else 0)
    times = _Times.of(run, path, port, number)
    return StreamSoFar(
        path=path,
        port=port,
        attempt=number,
        next=batches[-1].last + 1 if batches else 0,
        size=len(text.encode()),
        text=text[-STREAM_LIMIT:],
        is_text=is_text(run, path, port),
        replaces=replaces(run, path, port),
        is_cut=len(text) > STREAM_LIMIT,
        is_open=not attempt and not run.is_over and times.ended_at is None,
        opened_at=times.opened_at,
        closed_at=times.ended_at,
        first_after=times.first_after,
        resumed=times.resumed,
    )


def streamed(run: Run, path: str, port: str, attempt: int = 0) -> tuple[list[Chunk], str]:
    """Give the batches of a port's attempt, the last unless named, and what they add up to."""
    stored = run.chunks.filter(path=path, port=port).order_by("first")
    kept = list(stored.filter(attempt=attempt) if attempt else stored.filter(superseded=False))
    last = attempt or max((each.attempt for each in kept), default=0)
    batches = [each for each in kept if each.attempt == last]
    texts = [said(value) for batch in batches for value in values_in(batch)]
    if texts and replaces(run, path, port):
        return batches, texts[-1]
    return batches, _joined(texts, text=is_text(run, path, port))


def _joined(texts: list[str], *, text: bool) -> str:
    return "".join(texts) if text else "".join(f"{each}\n" for each in texts)


_ENDS = ("TaskCompleted", "TaskCached", "TaskFailed", "TaskCancelled", "TaskRetrying")


@dataclass(slots=True)
class _Times:
    """When an attempt and its stream began and ended, as far as the events are still there."""

    started_at: datetime | None = None
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    resumed: int = 0

    @property
    def first_after(self) -> float | None:
        """The seconds from the start to the first chunk."""
        if self.started_at is None or self.opened_at is None:
            return None
        return (self.opened_at - self.started_at).total_seconds()

    @classmethod
    def of(cls, run: Run, path: str, port: str, attempt: int) -> "_Times":
        times = cls()
        kinds = ["TaskStarted", "StreamOpened", "StreamResumed", "StreamClosed", *_ENDS]
        events = run.events.filter(path=path, kind__in=kinds).order_by("seq")
        for kind, at, payload in events.values_list("kind", "at", "payload"):
            about = json.loads(payload)
            of_this = about.get("attempt", attempt) == attempt
            if of_this and about.get("port", port) == port:
                times._take(kind, at, int(about.get("chunks") or 0) if "port" in about else 0)
        return times

    def _take(self, kind: str, at: datetime, chunks: int) -> None:
        if kind == "TaskStarted":
            self.started_at = self.started_at or at
        elif kind == "StreamOpened":
            self.opened_at = at
        elif kind == "StreamResumed":
            self.resumed = chunks
        else:
            self.ended_at = self.ended_at or at
