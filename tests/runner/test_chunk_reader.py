"""ChunkReader: what the readers of a stream are given, and where they stand."""

import asyncio

import pytest

from runner.errors import StreamFailed
from runner.execution.stream import WINDOW_CHUNKS
from tests.streams import INTO, OUT, SECONDS, everything, push, stream_of
from tests.tasks import give_way


async def test_a_late_reader_begins_at_chunk_0():
    assert await everything(stream_of(7, 8, 9, closed=True).reader(INTO, elastic=False)) == [
        7, 8, 9,
    ]  # fmt: skip


async def test_every_reader_is_given_every_chunk():
    stream = stream_of()
    reading = [
        asyncio.create_task(everything(stream.reader(INTO, elastic=elastic)))
        for elastic in (True, False, False)
    ]
    await push(stream, 200, [])
    stream.close()

    assert await asyncio.wait_for(asyncio.gather(*reading), SECONDS) == [list(range(200))] * 3


async def test_one_input_may_be_read_several_times():
    reader = stream_of(1, 2, closed=True).reader(INTO, elastic=False)

    assert await everything(reader) == [1, 2]
    assert await everything(reader) == [1, 2]


async def test_two_readings_of_one_input_follow_the_stream_side_by_side():
    stream = stream_of()
    reader = stream.reader(INTO, elastic=False)
    reading = [asyncio.create_task(everything(reader)) for _ in range(2)]
    await give_way(2)
    for number in (1, 2):
        stream.append(OUT.chunk(number))
        await give_way(2)
    stream.close()

    assert await asyncio.wait_for(asyncio.gather(*reading), SECONDS) == [[1, 2], [1, 2]]


async def test_final_gives_what_the_chunks_add_up_to():
    stream = stream_of(1, 2)
    waiting = asyncio.create_task(stream.reader(INTO, elastic=False).final())
    await give_way(2)
    assert not waiting.done()
    stream.append(OUT.chunk(3))
    stream.close()

    assert await asyncio.wait_for(waiting, SECONDS) == [1, 2, 3]


async def test_a_failed_stream_fails_its_readers_after_the_chunks_it_had():
    stream = stream_of(1, 2)
    seen: list[int] = []

    async def read() -> None:
        async for number in stream.reader(INTO, elastic=False):
            seen.append(number)  # noqa: PERF401 - what was seen counts even if the rest fails

    reading = asyncio.create_task(read())
    waiting = asyncio.create_task(stream.reader(INTO, elastic=False).final())
    await give_way(3)
    stream.fail()

    for each in (reading, waiting):
        with pytest.raises(StreamFailed):
            await asyncio.wait_for(each, SECONDS)
    assert seen == [1, 2]


async def test_a_cancelled_reader_leaves_the_others_reading():
    stream = stream_of()
    gone, staying = (
        asyncio.create_task(everything(stream.reader(INTO, elastic=True))) for _ in range(2)
    )
    await give_way(2)
    gone.cancel()
    stream.append(OUT.chunk(1))
    stream.close()

    assert await asyncio.wait_for(staying, SECONDS) == [1]


async def test_the_position_is_that_of_the_furthest_iteration():
    """Engine 4.5, 7.4."""
    reader = stream_of(*range(10)).reader(INTO, elastic=False)
    assert reader.position == 0
    for until in (4, 2, 7):
        async for number in reader:
            if number == until - 1:
                break
        assert reader.position == max(4, until)


async def test_an_iteration_that_was_overtaken_counts_again_once_it_is_ahead():
    """Engine 4.5."""
    reader = stream_of(*range(10)).reader(INTO, elastic=False)
    one, two = aiter(reader), aiter(reader)
    for cursor, steps, position in ((one, 2, 2), (two, 3, 3), (one, 3, 5), (two, 1, 5)):
        for _ in range(steps):
            await anext(cursor)
        assert reader.position == position


async def test_a_reader_that_waits_is_woken_by_the_very_next_chunk():
    """Engine 4.3: it follows live, however slowly chunks come."""
    stream = stream_of()
    cursor = aiter(stream.reader(INTO, elastic=False))
    for number in range(WINDOW_CHUNKS * 2):
        waiting = asyncio.create_task(anext(cursor))
        await give_way(2)
        await stream.push(number)
        await give_way(2)
        assert waiting.done()
        assert await waiting == number


async def test_two_iterations_overtake_each_other_and_both_are_throttled():
    """Engine 4.5."""
    stream = stream_of()
    reader = stream.reader(INTO, elastic=False)
    pushing = asyncio.create_task(push(stream, WINDOW_CHUNKS * 4, []))
    cursors = [aiter(reader), aiter(reader)]
    half = WINDOW_CHUNKS // 2
    got: list[int] = []
    for turn, steps in enumerate((1, 2, 2, 2, 2, 2, 2, 2, 1)):
        got += [await anext(cursors[turn % 2]) for _ in range(half * steps)]
        assert len(stream.chunks) <= reader.position + WINDOW_CHUNKS
    await asyncio.wait_for(pushing, SECONDS)

    assert sorted(got) == sorted([*range(WINDOW_CHUNKS * 4)] * 2)


async def test_everything_counts_as_read_after_the_final_value():
    """Engine 4.5."""
    reader = stream_of(1, 2, closed=True).reader(INTO, elastic=False)
    await reader.final()

    assert reader.position == 2


async def test_a_chunk_can_be_taken_by_its_number():
    """Engine 4.10: item i of a map starts at chunk i."""
    stream = stream_of(7)
    reader = stream.reader(INTO, elastic=False)
    second = asyncio.create_task(reader.take(1))
    await give_way(2)
    stream.append("8")
    stream.close()

    assert await asyncio.wait_for(second, SECONDS) == 8
    assert await reader.take(0) == 7
    with pytest.raises(StopAsyncIteration):
        await reader.take(2)


async def test_a_wait_that_is_given_up_loses_no_chunk():
    """Engine 4.3: `asyncio.wait_for(anext(chunks), …)` may be tried again."""
    stream = stream_of()
    cursor = aiter(stream.reader(INTO, elastic=False))
    given_up = asyncio.create_task(anext(cursor))
    await give_way(2)
    given_up.cancel()
    await give_way(2)
    stream.append("1")

    assert await asyncio.wait_for(anext(cursor), SECONDS) == 1


async def test_subtasks_that_share_an_iteration_are_given_each_chunk_once():
    """Engine 4.3."""
    stream = stream_of()
    cursor = aiter(stream.reader(INTO, elastic=False))
    got: list[int] = []

    async def read() -> None:
        async for number in cursor:
            got.append(number)
            await asyncio.sleep(0)

    reading = [asyncio.create_task(read()) for _ in range(3)]
    for number in range(20):
        stream.append(OUT.chunk(number))
        await give_way(number % 3)
    stream.close()
    await asyncio.wait_for(asyncio.gather(*reading), SECONDS)

    assert sorted(got) == list(range(20))


async def test_an_empty_closed_stream_gives_nothing_and_an_empty_list():
    """Engine 4.3."""
    reader = stream_of(closed=True).reader(INTO, elastic=False)

    assert await everything(reader) == []
    assert await reader.final() == []
