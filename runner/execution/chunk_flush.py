"""ChunkFlush: when pushed chunks are kept: at once, every 50 ms, every 250 ms or by size."""

import asyncio
from collections.abc import Callable

from runner.execution.store import ChunkBatch
from runner.execution.stream import Stream

WATCHED_SECONDS = 0.05
UNWATCHED_SECONDS = 0.25
FLUSH_BYTES = 64 << 10


class ChunkFlush:
    """Collects chunks of all streams of a run and hands them on in batches.

    A watched port flushes its first chunk at once, then every 50 ms; an unwatched one every
    250 ms or 64 KiB.
    """

    def __init__(
        self, keep: Callable[[ChunkBatch, int], None], is_watched: Callable[[], bool]
    ) -> None:
        self._keep = keep
        self._is_watched = is_watched
        self._dirty: dict[tuple[str, str], Stream] = {}
        self._kept: dict[Stream, tuple[int, int]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, stream: Stream) -> None:
        """Take note of a new chunk."""
        self._dirty[stream.path, stream.port.name] = stream
        _, size = self._kept.get(stream, (0, 0))
        watched = self._is_watched()
        if stream.size - size >= FLUSH_BYTES or (watched and len(stream.chunks) == 1):
            self.now(stream)
        elif self._timer is None:
            delay = WATCHED_SECONDS if watched else UNWATCHED_SECONDS
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def now(self, stream: Stream) -> None:
        """Hand on what a stream holds that was not handed on yet."""
        self._dirty.pop((stream.path, stream.port.name), None)
        first, size = self._kept.get(stream, (0, 0))
        if first == len(stream.chunks):
            return
        self._kept[stream] = (len(stream.chunks), stream.size)
        batch = ChunkBatch(
            path=stream.path,
            port=stream.port.name,
            attempt=stream.attempt,
            first=first,
            items=tuple(stream.chunks[first:]),
        )
        self._keep(batch, stream.size - size)

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
