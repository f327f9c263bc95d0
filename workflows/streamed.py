"""What the ports of a task have streamed so far."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workflows.models import Chunk, Run
from workflows.outline import outline_for
from workflows.passing import passed_ports, stream_behind
from workflows.ports import streaming_ports
from workflows.readers import Reader, readers_of
from workflows.reading import is_text, replaces, said, values_in

STREAM_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSoFar:
    """All that a port has streamed, and the number of the chunk that comes next.

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
    shown_as: str = ""
    readers: tuple[Reader, ...] = ()


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


def stream_of(run: Run, path: str, port: str) -> StreamSoFar:
    """Give what one port has streamed in its current attempt."""
    batches, text = streamed(run, path, port)
    closed = run.events.filter(
        path=path,
        kind__in=["StreamClosed", "TaskCompleted", "TaskCached", "TaskFailed", "TaskCancelled"],
    )
    return StreamSoFar(
        path=path,
        port=port,
        attempt=batches[-1].attempt if batches else 0,
        next=batches[-1].last + 1 if batches else 0,
        size=sum(each.size for each in batches),
        text=text[-STREAM_LIMIT:],
        is_text=is_text(run, path, port),
        replaces=replaces(run, path, port),
        is_cut=len(text) > STREAM_LIMIT,
        is_open=not run.is_over and not closed.exists(),
    )


def streamed(run: Run, path: str, port: str) -> tuple[list[Chunk], str]:
    """Give the batches of a port's last attempt and what they add up to."""
    kept = list(run.chunks.filter(path=path, port=port, superseded=False).order_by("first"))
    attempt = max((each.attempt for each in kept), default=0)
    batches = [each for each in kept if each.attempt == attempt]
    texts = [said(value) for batch in batches for value in values_in(batch)]
    if texts and replaces(run, path, port):
        return batches, texts[-1]
    return batches, _joined(texts, text=is_text(run, path, port))


def _joined(texts: list[str], *, text: bool) -> str:
    return "".join(texts) if text else "".join(f"{each}\n" for each in texts)
