"""ChunkReader: one input's reading of a stream, and where its iterations stand."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runner.errors import StreamFailed
from runner.execution.waiting_line import Meter
from runner.graph.ports import Port

if TYPE_CHECKING:
    from runner.execution.stream import Stream


class ChunkReader:
    """One reading of a stream: an async iterable from chunk 0 that follows live.

    The furthest of its iterations counts for the throttle. `meter` counts its body's waits.
    """

    __slots__ = ("_lead", "_read", "_stream", "meter", "port")

    def __init__(self, stream: "Stream", port: Port, read: Callable[[str], Any]) -> None:
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
    def stream(self) -> "Stream":
        """The stream that is read."""
        return self._stream

    @property
    def attempt(self) -> int:
        """The attempt of the producer that is read."""
        return self._stream.attempt

    @property
    def is_broken(self) -> bool:
        """Whether the producer's attempt ended without a result."""
        return self._stream.failed

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

    @property
    def has_next(self) -> bool:
        """Whether the next chunk is here already."""
        return self.index < len(self._chunks)

    def __aiter__(self) -> "_Cursor":
        return self

    async def __anext__(self) -> Any:
        if self.index >= self.due:
            self.due = await self._reader.follow(self)
        index = self.index
        self.index = index + 1
        return self._read(self._chunks[index])
