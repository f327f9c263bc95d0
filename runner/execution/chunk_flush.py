"""ChunkFlush: when pushed chunks are kept: at once, every 50 ms, every 250 ms or by size."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from runner.execution.failpoints import reach
from runner.execution.store import ChunkBatch
from runner.execution.stream import Stream

WATCHED_SECONDS = 0.05
UNWATCHED_SECONDS = 0.25
FLUSH_BYTES = 64 << 10


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Call it off."""


CallLater = Callable[[float, Callable[[], None]], Timer]


class ChunkFlush:
    """Collects chunks of all streams of a run and hands them on in batches.

    A watched port flushes its first chunk at once, then every 50 ms; an unwatched one every
    250 ms or 64 KiB. One timer serves all streams; it runs while there is something to keep.
    """

    def __init__(
        self,
        keep: Callable[[ChunkBatch, int], None],
        is_watched: Callable[[], bool],
        *,
        call_later: CallLater | None = None,
    ) -> None:
        """Hand batches and their sizes (in characters) to `keep`.

        `call_later` is that of the running event loop unless given.
        """
        self._keep = keep
        self._is_watched = is_watched
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self._dirty: dict[tuple[str, str], Stream] = {}
        self._kept: dict[Stream, tuple[int, int]] = {}
        self._timer: Timer | None = None

    def take(self, stream: Stream) -> None:
        """Take note of a new chunk; until the stream's next notice, no others need be told."""
        self._dirty[stream.path, stream.port.name] = stream
        _, size = self._kept.get(stream, (0, 0))
        watched = self._is_watched()
        if stream.size - size >= FLUSH_BYTES or (watched and len(stream.chunks) == 1):
            self.now(stream)
            return
        stream.notice(size=size + FLUSH_BYTES)
        if self._timer is None:
            delay = WATCHED_SECONDS if watched else UNWATCHED_SECONDS
            self._timer = self._call_later(delay, self._on_timer)

    def now(self, stream: Stream) -> None:
        """Hand on what a stream holds that was not handed on yet."""
        self._dirty.pop((stream.path, stream.port.name), None)
        first, size = self._kept.get(stream, (0, 0))
        if first == len(stream.chunks):
            return
        self.count_as_kept(stream)
        batch = ChunkBatch(
            path=stream.path,
            port=stream.port.name,
            attempt=stream.attempt,
            first=first,
            items=tuple(stream.chunks[first:]),
        )
        reach("chunk_flush")
        self._keep(batch, stream.size - size)

    def count_as_kept(self, stream: Stream) -> None:
        """Hand on only what comes after the chunks a stream holds now: these are kept."""
        self._kept[stream] = (len(stream.chunks), stream.size)
        stream.notice(chunks=len(stream.chunks) + 1)

    def forget(self, stream: Stream) -> None:
        """Keep nothing further of a stream that no longer counts."""
        self._dirty.pop((stream.path, stream.port.name), None)
        self._kept.pop(stream, None)

    def all(self) -> None:
        """Hand on everything that waits."""
        for stream in list(self._dirty.values()):
            self.now(stream)

    def stop(self) -> None:
        """Start no further timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _on_timer(self) -> None:
        self._timer = None
        self.all()
