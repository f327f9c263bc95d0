"""Stream: the chunks of one port on their way to its dependants, kept for replay.

Back-pressure is a throttle, not a bound on memory: all chunks are kept for late readers and the
aggregate, and the port's size cap bounds memory. So letting a producer go is always safe. Only
a reader whose body has started and still reads holds its producer back, and never on a
dataflow that may meet another one again further down (`elastic`): that is what keeps the
throttle free of deadlock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from runner.errors import RunnerError, StreamClosedError, StreamFailed
from runner.graph.ports import Port

WINDOW_CHUNKS = 64
WINDOW_BYTES = 1 << 20
PORT_BYTES = 64 << 20


class Stream:
    """The chunks one attempt pushes to one port: a kept list, and a cursor for each reader."""

    __slots__ = (
        "_growth", "_readers", "_room", "_since_yield", "attempt", "chunks", "closed",
        "failed", "path", "port", "size",
    )  # fmt: skip

    def __init__(self, path: str, port: Port, attempt: int) -> None:
        self.path = path
        self.port = port
        self.attempt = attempt
        self.chunks: list[str] = []
        self.size = 0
        self.closed = False
        self.failed = False
        self._readers: set[ChunkReader] = set()
        self._growth: list[asyncio.Future[None]] = []
        self._room: list[asyncio.Future[None]] = []
        self._since_yield = 0

    def append(self, text: str) -> None:
        """Take one encoded chunk.

        Raises StreamClosedError after the close and RunnerError beyond the port's size cap.
        """
        if self.closed:
            raise StreamClosedError(self.path, self.port.name)
        self.size += len(text)
        if self.size > PORT_BYTES:
            raise RunnerError(
                f"Port {self.port.name} of {self.path} streamed more than "
                f"{PORT_BYTES >> 20} MiB; stream less, or write a file."
            )
        self.chunks.append(text)
        _wake(self._growth)

    async def throttle(self) -> None:
        """Wait until every reader that counts is within the window; yield once a window."""
        self._since_yield += 1
        if len(self.chunks) == 1 or self._since_yield >= WINDOW_CHUNKS:
            self._since_yield = 0
            await asyncio.sleep(0)
        while not self.closed and any(each.lags for each in self._readers):
            await _wait(self._room)

    def close(self) -> None:
        """Say that no further chunk comes."""
        self.closed = True
        _wake(self._growth)
        _wake(self._room)

    def fail(self) -> None:
        """Say that the attempt ended without a result: readers raise StreamFailed."""
        self.failed = True
        self.close()

    def aggregate(self) -> str:
        """Give the encoded value that the chunks add up to."""
        return self.port.aggregate(self.chunks)

    def reader(self, port: Port, *, elastic: bool) -> "ChunkReader":
        """Give a new reading of this stream for an input port."""
        reader = ChunkReader(self, port, elastic=elastic)
        if not elastic:
            self._readers.add(reader)
        return reader

    def let_go(self, reader: "ChunkReader") -> None:
        """Count a reader no longer: it ended, or wants everything."""
        self._readers.discard(reader)
        _wake(self._room)

    def read_on(self) -> None:
        """Tell the producer that a reader moved."""
        if self._room:
            _wake(self._room)

    async def grown(self) -> None:
        """Wait for a further chunk, the close or the failure."""
        await _wait(self._growth)


class ChunkReader:
    """One reading of a stream: an async iterable from chunk 0 that follows live."""

    __slots__ = ("_bytes", "_decode", "_elastic", "_next", "_stream", "port")

    def __init__(self, stream: Stream, port: Port, *, elastic: bool) -> None:
        self.port = port
        self._stream = stream
        self._decode: Callable[[str], Any] = port.decode_chunk
        self._elastic = elastic
        self._next = 0
        self._bytes = 0

    @property
    def lags(self) -> bool:
        """Whether it is a whole window behind its producer."""
        stream = self._stream
        return (
            len(stream.chunks) - self._next >= WINDOW_CHUNKS
            or stream.size - self._bytes >= WINDOW_BYTES
        )

    def __aiter__(self) -> AsyncIterator[Any]:
        """Read from the first chunk again; the furthest reading counts for the throttle."""
        return _Cursor(self)

    async def final(self) -> Any:
        """Wait for the end and give the aggregate.

        Raises StreamFailed when the producer's attempt ends without a result.
        """
        stream = self._stream
        stream.let_go(self)
        while not stream.closed:
            await stream.grown()
        if stream.failed:
            raise StreamFailed(stream.path, stream.port.name)
        return self.port.decode_aggregate(stream.aggregate())

    def close(self) -> None:
        """Stop reading: the body ended."""
        self._stream.let_go(self)

    def advance(self, index: int, size: int) -> None:
        """Count what a cursor of this reading has taken."""
        if index > self._next:
            self._next = index
            self._bytes += size
            self._stream.read_on()

    async def take(self, index: int) -> Any:
        """Give chunk `index`, waiting for it; raise StopAsyncIteration at the end."""
        stream = self._stream
        while index >= len(stream.chunks):
            if stream.failed:
                raise StreamFailed(stream.path, stream.port.name)
            if stream.closed:
                stream.let_go(self)
                raise StopAsyncIteration
            await stream.grown()
        text = stream.chunks[index]
        self.advance(index + 1, len(text))
        return self._decode(text)


class _Cursor:
    """Where one `async for` over a reading stands."""

    __slots__ = ("_index", "_reader")

    def __init__(self, reader: ChunkReader) -> None:
        self._reader = reader
        self._index = 0

    def __aiter__(self) -> "_Cursor":
        return self

    async def __anext__(self) -> Any:
        index = self._index
        self._index = index + 1
        return await self._reader.take(index)


def kept_stream(path: str, port: Port, attempt: int, chunks: list[str]) -> Stream:
    """Give a closed stream of chunks that were kept or that a plain value gave."""
    stream = Stream(path, port, attempt)
    stream.chunks = chunks
    stream.size = sum(map(len, chunks))
    stream.closed = True
    return stream


async def _wait(line: list[asyncio.Future[None]]) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    line.append(future)
    await future


def _wake(line: list[asyncio.Future[None]]) -> None:
    for future in line:
        if not future.done():
            future.set_result(None)
    line.clear()
