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
from typing import Any, Protocol

from runner.errors import RunnerError, StreamClosedError, StreamFailed
from runner.graph.ports import Port

WINDOW_CHUNKS = 64
WINDOW_BYTES = 1 << 20
PORT_BYTES = 64 << 20
_NEVER = sys.maxsize


class Meter(Protocol):
    """Counts the body that waits: a limit whose holders all wait lets the next one start."""

    def waits(self) -> None:
        """Take note that the body waits inside the engine."""

    def works(self) -> None:
        """Take note that such a wait is over."""


#: Those who wait for one thing, and who counts them.
_Line = list[tuple[asyncio.Future[None], Meter | None]]


class Stream:
    """The chunks one attempt pushes to one port: a kept list, and a cursor for each reading.

    `chunks` are encoded values, `size` is their length in characters. `meter` counts the
    producer's waits. `listeners` are called after each chunk, the close and the failure.
    """

    __slots__ = (
        "_due", "_due_size", "_ends", "_full", "_full_size", "_growth", "_most", "_notice",
        "_notice_size", "_on_chunks", "_readers", "_room", "_write", "attempt", "chunks",
        "closed", "failed", "listeners", "meter", "path", "port", "size",
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

        `most` is the size cap; `write` validates and encodes a chunk (`port.chunk` unless
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
        self._write = write or port.chunk
        self._on_chunks = on_chunks or _ignore
        self._readers: dict[ChunkReader, None] = {}
        self._growth: _Line = []
        self._ends: _Line = []
        self._room: _Line = []
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
        text = self._write(chunk)
        if self.closed:
            raise StreamClosedError(self.path, self.port.name)
        # `append` and `throttle` in one, since this is the path of every chunk.
        chunks = self.chunks
        chunks.append(text)
        self.size = size = self.size + len(text)
        if len(chunks) >= self._due or size >= self._due_size or self.listeners:
            self._attend()
            if len(chunks) >= self._full or self.size >= self._full_size:
                await self._pause()

    def append(self, text: str) -> None:
        """Take one encoded chunk.

        Raises StreamClosedError after the close and RunnerError beyond the port's size cap.
        """
        if self.closed:
            raise StreamClosedError(self.path, self.port.name)
        chunks = self.chunks
        chunks.append(text)
        self.size = size = self.size + len(text)
        if len(chunks) >= self._due or size >= self._due_size or self.listeners:
            self._attend()

    async def throttle(self) -> None:
        """Wait until every reader that counts is within the window; yield once a window."""
        if len(self.chunks) >= self._full or self.size >= self._full_size:
            await self._pause()

    def close(self) -> None:
        """Say that no further chunk comes."""
        self.closed = True
        for line in (self._growth, self._ends, self._room):
            _wake(line)
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
        _wake(self._growth)
        if len(self.chunks) >= self._notice or self.size >= self._notice_size:
            self._on_chunks(self)
        self._tell()
        self._set_due()

    def _refuse(self) -> None:
        self.size -= len(self.chunks.pop())
        raise RunnerError(
            f"Port {self.port.name} of {self.path} streamed more than "
            f"{self._most / (1 << 20):g} MiB; stream less, or write a file."
        )

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def _set_due(self) -> None:
        self._due = 0 if self._growth else min(self._full, self._notice)
        self._due_size = min(self._full_size, self._notice_size, self._most + 1)

    async def _pause(self) -> None:
        # Nobody else runs while a producer that is not held back pushes: hence the yield.
        await asyncio.sleep(0)
        while not self.closed and not self._has_room():
            await _wait(self._room, self.meter)

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
    ) -> "ChunkReader":
        """Give a new reading of this stream for an input port; `elastic` holds nobody back.

        `read` decodes and validates a chunk (`port.decode_chunk` unless given).
        """
        reader = ChunkReader(self, port, read or port.decode_chunk)
        if not elastic:
            self._readers[reader] = None
            self._full = self._due = 0
        return reader

    def let_go(self, reader: "ChunkReader") -> None:
        """Count a reader no longer: it ended, or wants everything."""
        self._readers.pop(reader, None)
        _wake(self._room)

    def unread(self, position: int) -> tuple[int, int]:
        """Give how many chunks come from `position` on and, within a window, their size."""
        count = len(self.chunks) - position
        if count >= WINDOW_CHUNKS:
            return count, 0
        return count, sum(map(len, self.chunks[position:]))

    def read_on(self, reader: "ChunkReader", position: int) -> bool:
        """Wake a producer that this reader held back; give whether it still holds it back."""
        if not self._room or reader not in self._readers:
            return False
        count, size = self.unread(position)
        if count >= WINDOW_CHUNKS or size >= WINDOW_BYTES:
            return True
        _wake(self._room)
        return False

    async def grown(self, meter: Meter | None = None) -> None:
        """Wait for a further chunk, the close or the failure; `meter` counts the one who waits."""
        self._due = 0
        await _wait(self._growth, meter)

    async def ended(self, meter: Meter | None = None) -> None:
        """Wait for the close or the failure; `meter` counts the one who waits."""
        if not self.closed:
            await _wait(self._ends, meter)


class ChunkReader:
    """One reading of a stream: an async iterable from chunk 0 that follows live.

    The furthest of its iterations counts for the throttle. `meter` counts its body's waits.
    """

    __slots__ = ("_lead", "_read", "_stream", "meter", "port")

    def __init__(self, stream: Stream, port: Port, read: Callable[[str], Any]) -> None:
        self.port = port
        self.meter: Meter | None = None
        self._stream = stream
        self._read = read
        self._lead: _Cursor | None = None

    @property
    def position(self) -> int:
        """The index of the next chunk of the furthest iteration."""
        return 0 if self._lead is None else self._lead.index

    @property
    def attempt(self) -> int:
        """The attempt of the producer that is read."""
        return self._stream.attempt

    def __aiter__(self) -> "_Cursor":
        """Read from the first chunk again."""
        return _Cursor(self, self._stream.chunks, self._read, 0)

    async def take(self, index: int) -> Any:
        """Give chunk `index`, waiting for it; raise StopAsyncIteration at the end."""
        return await anext(_Cursor(self, self._stream.chunks, self._read, index))

    async def final(self) -> Any:
        """Wait for the end and give the aggregate.

        Raises StreamFailed when the producer's attempt ends without a result.
        """
        stream = self._stream
        stream.let_go(self)
        await stream.ended(self.meter)
        if stream.failed:
            raise StreamFailed(stream.path, stream.port.name)
        self._lead = _Cursor(self, stream.chunks, self._read, len(stream.chunks))
        return self.port.decode_aggregate(stream.aggregate())

    def close(self) -> None:
        """Stop reading: the body ended."""
        self._stream.let_go(self)

    def rouse(self) -> None:
        """Let the furthest iteration look at the throttle with its next step."""
        if self._lead is not None:
            self._lead.due = 0

    async def follow(self, cursor: "_Cursor") -> int:
        """Wait for an iteration's next chunk; give the index before which it need not look again.

        Raises StopAsyncIteration at the end and StreamFailed at a failure.
        """
        stream = self._stream
        while cursor.index >= len(stream.chunks):
            if stream.failed:
                raise StreamFailed(stream.path, stream.port.name)
            if stream.closed:
                stream.let_go(self)
                raise StopAsyncIteration
            await stream.grown(self.meter)
        return self._lead_on(cursor)

    def _lead_on(self, cursor: "_Cursor") -> int:
        lead = self._lead
        if lead is not None and lead is not cursor:
            if cursor.index < lead.index:
                return lead.index
            lead.due = 0
        self._lead = cursor
        after = cursor.index + 1
        return after if self._stream.read_on(self, after) else len(self._stream.chunks)


class _Cursor:
    """Where one `async for` over a reading stands."""

    __slots__ = ("_chunks", "_read", "_reader", "due", "index")

    def __init__(
        self, reader: ChunkReader, chunks: list[str], read: Callable[[str], Any], index: int
    ) -> None:
        self.index = index
        # An iteration that begins while the producer is held back must look at once.
        self.due = 0
        self._reader = reader
        self._chunks = chunks
        self._read = read

    def __aiter__(self) -> "_Cursor":
        return self

    async def __anext__(self) -> Any:
        if self.index >= self.due:
            self.due = await self._reader.follow(self)
        index = self.index
        self.index = index + 1
        return self._read(self._chunks[index])


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
    stream.size = sum(map(len, chunks))
    return stream


def _ignore(_stream: Stream) -> None:
    return None


async def _wait(line: _Line, meter: Meter | None) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    line.append((future, meter))
    if meter is None:
        await future
        return
    meter.waits()
    try:
        await future
    finally:
        if future.cancelled() or not future.done():
            meter.works()


def _wake(line: _Line) -> None:
    for future, meter in line:
        if not future.done():
            future.set_result(None)
            # From now on and not only when its turn comes: it will work, so nobody starts
            # in its place.
            if meter is not None:
                meter.works()
    line.clear()
