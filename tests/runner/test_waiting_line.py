"""WaitingLine: who waits inside the engine is counted, for as long as it waits."""

import asyncio

import pytest

from runner.execution.stream import WINDOW_CHUNKS, ChunkReader
from tests.streams import INTO, SECONDS, everything, push, stream_of
from tests.tasks import give_way


class Count:
    """How many waits of a body are under way."""

    def __init__(self) -> None:
        self.depth = 0

    def waits(self) -> None:
        self.depth += 1

    def works(self) -> None:
        self.depth -= 1


def counted(reader: ChunkReader) -> Count:
    reader.meter = Count()
    return reader.meter


@pytest.mark.parametrize("way", ["chunks", "final"])
async def test_a_reader_counts_as_waiting_until_there_is_something_to_read(way):
    """Engine 4.5: the valve."""
    stream = stream_of()
    reader = stream.reader(INTO, elastic=False)
    count = counted(reader)
    reading = asyncio.create_task(everything(reader) if way == "chunks" else reader.final())
    await give_way(2)
    assert count.depth == 1

    if way == "chunks":
        stream.append("1")
        assert count.depth == 0  # before its turn comes: it is going to work
        await give_way(2)
        assert count.depth == 1
    stream.close()

    assert count.depth == 0
    await asyncio.wait_for(reading, SECONDS)


async def test_a_producer_counts_as_waiting_while_it_is_held_back():
    """Engine 4.5."""
    stream = stream_of(*range(WINDOW_CHUNKS))
    stream.meter = count = Count()
    reader = stream.reader(INTO, elastic=False)
    held = [asyncio.create_task(stream.throttle()) for _ in range(2)]
    await give_way(5)
    assert count.depth == 2

    await anext(aiter(reader))
    assert count.depth == 0
    await asyncio.wait_for(asyncio.gather(*held), SECONDS)


@pytest.mark.parametrize("woken", [True, False])
async def test_a_wait_that_is_cancelled_is_over(woken):
    """Engine 4.5, 5.8."""
    stream = stream_of()
    reader = stream.reader(INTO, elastic=False)
    count = counted(reader)
    reading = asyncio.create_task(everything(reader))
    await give_way(2)
    if woken:
        stream.append("1")
    reading.cancel()
    await asyncio.wait({reading})

    assert count.depth == 0


async def test_a_yield_is_no_wait():
    """Engine 4.5: only what another body may end counts."""
    stream = stream_of()
    stream.meter = count = Count()
    pushing = asyncio.create_task(push(stream, 1, []))
    await asyncio.sleep(0)
    assert stream.chunks
    assert not pushing.done()

    assert count.depth == 0
    await pushing
