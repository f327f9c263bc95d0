"""Stream: the chunks of one port on their way to its dependants, kept for replay.

Back-pressure is a throttle, not a bound on memory: all chunks are kept for late readers and the
aggregate, and the port's size cap bounds memory. So letting a producer go is always safe. Only
a reader whose body has started and still reads holds its producer back, and never on a
dataflow that may meet another one again further down (`elastic`): that is what keeps the
throttle free of deadlock.

A hop costs less than a microsecond because what is rare is looked at once a window: pushes and
reads compare with a mark, and behind the mark lie waiting, waking, yielding, the size cap and
whoever wants to be told of new chunks.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from runner.errors import SizeLimit, StreamClosedError
from runner.execution.chunk_reader import ChunkReader
from runner.execution.waiting_line import Meter, WaitingLine
from runner.graph.ports import Port
from runner.graph.values import bytes_of

__all__ = [
    "PORT_BYTES", "WINDOW_BYTES", "WINDOW_CHUNKS", "ChunkReader", "Meter", "Stream", "kept_stream",
    "resumed_stream",
]  # fmt: skip

WINDOW_CHUNKS = 64
WINDOW_BYTES = 1 << 20
PORT_BYTES = 64 << 20
_NEVER = sys.maxsize


class Stream:
    """The chunks one attempt pushes to one port: a kept list, and a cursor for each reading.

    `chunks` are encoded values, `size` is their length in bytes, as UTF-8. `write` validates and
    encodes a chunk. `meter` counts the producer's waits. `listeners` are called after each chunk,
    the close and the failure.
    """

    __slots__ = (
        "_due", "_due_size", "_ends", "_full", "_full_size", "_growth", "_most", "_notice",
        "_notice_size", "_on_chunks", "_readers", "_room", "attempt", "chunks", "closed",
        "failed", "listeners", "meter", "path", "port", "size", "write",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        port: Port,
        attempt: int,
        *,
        most: int = PORT_BYTES,
        write: Callable[[Any], str] | None = None,
        on_chunks: Callable[["Stream"], None] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Begin with no chunks.

        `most` is the size cap in bytes; `write` validates and encodes a chunk (`port.chunk` unless
        given); `on_chunks` is called at each new chunk, or less often if `notice` says so.
        """
        self.path = path
        self.port = port
        self.attempt = attempt
        self.meter = meter
        self.chunks: list[str] = []
        self.size = 0
        self.closed = False
        self.failed = False
        self.listeners: list[Callable[[], None]] = []
        self._most = most
        self.write = write or port.chunk
        self._on_chunks = on_chunks or _ignore
        self._readers: dict[ChunkReader, None] = {}
        self._growth = WaitingLine()
        self._ends = WaitingLine()
        self._room = WaitingLine()
        self._notice = 0 if on_chunks else _NEVER
        self._notice_size = _NEVER
        # From where on a push looks at the rare, and from where on it may have to wait.
        self._due = self._full = 0
        self._due_size = self._full_size = 0

    # ── the producer's side ──────────────────────────────────────────────────────────────

    async def push(self, chunk: Any) -> None:
        """Validate, encode and take one chunk; wait while readers lag.

        Raises ValueFault for a chunk that does not fit, and what `append` raises.
        """
        if self.append(self.write(chunk)):
            await self._pause()

    def append(self, text: str) -> bool:
        """Take one encoded chunk; give whether `throttle` has something to do.

        Raises StreamClosedError after the close and SizeLimit beyond the port's size cap.
        """
        if self.closed:
            raise StreamClosedError(self.path, self.port.name)
        chunks = self.chunks
        chunks.append(text)
        self.size = size = self.size + (len(text) if text.isascii() else bytes_of(text))
        if len(chunks) < self._due and size < self._due_size and not self.listeners:
            return False
        self._attend()
        return self._is_full

    async def throttle(self) -> None:
        """Wait until every reader that counts is within the window; yield once a window."""
        if self._is_full:
            await self._pause()

    def close(self) -> None:
        """Say that no further chunk comes."""
        self.closed = True
        for line in (self._growth, self._ends, self._room):
            line.wake()
        self._tell()

    def fail(self) -> None:
        """Say that the attempt ended without a result: readers raise StreamFailed."""
        self.failed = True
        self.close()

    def notice(self, *, chunks: int = _NEVER, size: int = _NEVER) -> None:
        """Call `on_chunks` from now on only when there are so many chunks, or `size` of them."""
        self._notice = chunks
        self._notice_size = size
        self._set_due()

    def _attend(self) -> None:
        """Do what is rare about a new chunk."""
        if self.size > self._most:
            self._refuse()
        self._growth.wake()
        if len(self.chunks) >= self._notice or self.size >= self._notice_size:
            self._on_chunks(self)
        self._tell()
        self._set_due()

    def _refuse(self) -> None:
        self.size -= bytes_of(self.chunks.pop())
        raise SizeLimit(
            f"Port {self.port.name} of {self.path} streamed more than "
            f"{self._most / (1 << 20):g} MiB; stream less, or write a file."
        )

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def _set_due(self) -> None:
        self._due = 0 if self._growth else min(self._full, self._notice)
        self._due_size = min(self._full_size, self._notice_size, self._most + 1)

    @property
    def _is_full(self) -> bool:
        return len(self.chunks) >= self._full or self.size >= self._full_size

    async def _pause(self) -> None:
        # Nobody else runs while a producer that is not held back pushes: hence the yield.
        await asyncio.sleep(0)
        while not self.closed and not self._has_room():
            await self._room.wait(self.meter)

    def _has_room(self) -> bool:
        """Whether no reader lags a whole window; then also how far the next window reaches."""
        behind = behind_size = 0
        for reader in self._readers:
            count, size = self.unread(reader.position)
            if count >= WINDOW_CHUNKS or size >= WINDOW_BYTES:
                reader.rouse()
                return False
            behind = max(behind, count)
            behind_size = max(behind_size, size)
        self._full = len(self.chunks) + WINDOW_CHUNKS - behind
        self._full_size = self.size + WINDOW_BYTES - behind_size
        self._set_due()
        return True

    # ── what the chunks add up to ────────────────────────────────────────────────────────

    def aggregate(self) -> str:
        """Give the encoded value that the chunks add up to."""
        return self.port.aggregate(self.chunks)

    # ── the readers' side ────────────────────────────────────────────────────────────────

    def reader(
        self, port: Port, *, elastic: bool, read: Callable[[str], Any] | None = None
    ) -> ChunkReader:
        """Give a new reading of this stream for an input port; `elastic` holds nobody back.

        `read` decodes and validates a chunk (`port.decode_chunk` unless given).
        """
        reader = ChunkReader(self, port, read or port.decode_chunk)
        if not elastic:
            self._readers[reader] = None
            self._full = self._due = 0
        return reader

    def let_go(self, reader: ChunkReader) -> None:
        """Count a reader no longer: it ended, or wants everything."""
        self._readers.pop(reader, None)
        self._room.wake()

    def unread(self, position: int) -> tuple[int, int]:
        """Give how many chunks come from `position` on and, within a window, their size."""
        count = len(self.chunks) - position
        if count >= WINDOW_CHUNKS:
            return count, 0
        return count, sum(map(bytes_of, self.chunks[position:]))

    def read_on(self, reader: ChunkReader, position: int) -> bool:
        """Wake a producer that this reader held back; give whether it still holds it back."""
        if not self._room or reader not in self._readers:
            return False
        count, size = self.unread(position)
        if count >= WINDOW_CHUNKS or size >= WINDOW_BYTES:
            return True
        self._room.wake()
        return False

    async def grown(self, meter: Meter | None = None) -> None:
        """Wait for a further chunk, the close or the failure; `meter` counts the one who waits."""
        self._due = 0
        await self._growth.wait(meter)

    async def ended(self, meter: Meter | None = None) -> None:
        """Wait for the close or the failure; `meter` counts the one who waits."""
        if not self.closed:
            await self._ends.wait(meter)


def kept_stream(path: str, port: Port, attempt: int, chunks: list[str]) -> Stream:
    """Give a closed stream of chunks that were kept or that a plain value gave."""
    stream = resumed_stream(path, port, attempt, chunks)
    stream.closed = True
    return stream


def resumed_stream(
    path: str,
    port: Port,
    attempt: int,
    chunks: list[str],
    *,
    most: int = PORT_BYTES,
    write: Callable[[Any], str] | None = None,
    on_chunks: Callable[[Stream], None] | None = None,
    meter: Meter | None = None,
) -> Stream:
    """Give an open stream that begins with chunks that were kept; the rest as for `Stream`."""
    stream = Stream(path, port, attempt, most=most, write=write, on_chunks=on_chunks, meter=meter)
    stream.chunks = chunks
    stream.size = sum(map(bytes_of, chunks))
    return stream


def _ignore(_stream: Stream) -> None:
    return None
