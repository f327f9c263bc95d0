"""Streams: when a producer must wait, and who is told of its chunks."""

import asyncio
from itertools import pairwise

import pytest

from runner.errors import RunnerError, StreamClosedError, ValueFault
from runner.execution.stream import (
    WINDOW_BYTES,
    WINDOW_CHUNKS,
    Stream,
    kept_stream,
    resumed_stream,
)
from runner.graph.ports import Port, Ports
from runner.graph.ports import Stream as StreamSays
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests.drive import definition_of, drive, kinds_of
from tests.streams import INTO, OUT, SECONDS, everything, push, stream_of
from tests.tasks import give_way, registry_of_tests


async def test_the_last_word_replaces_the_others_where_the_port_says_so():
    port = Port(name="answer", type=str, readiness="first-chunk", mode="replace")
    stream = kept_stream("say", port, 1, [port.chunk("we"), port.chunk("well")])

    assert port.decode(stream.aggregate()) == "well"


async def test_a_push_after_the_close_is_refused():
    with pytest.raises(StreamClosedError):
        stream_of(1, closed=True).append("2")


async def test_a_port_takes_no_more_than_its_cap():
    """Engine 4.9: the chunk that is refused does not count."""
    stream = Stream("emit", OUT, 1, most=3)
    for number in (1, 2, 3):
        stream.append(OUT.chunk(number))

    with pytest.raises(RunnerError, match="streamed more than"):
        stream.append("4")
    stream.close()

    assert await everything(stream.reader(INTO, elastic=False)) == [1, 2, 3]


async def test_a_producer_is_held_at_the_window_until_its_reader_reads():
    stream = stream_of()
    pushed: list[int] = []
    cursor = aiter(stream.reader(INTO, elastic=False))
    producing = asyncio.create_task(push(stream, WINDOW_CHUNKS * 2, pushed))
    await give_way(WINDOW_CHUNKS)
    assert len(pushed) == WINDOW_CHUNKS

    assert await anext(cursor) == 0
    await give_way(3)
    assert len(pushed) == WINDOW_CHUNKS + 1

    for _ in range(WINDOW_CHUNKS):
        await anext(cursor)
    await asyncio.wait_for(producing, SECONDS)


async def test_few_large_chunks_hold_a_producer_too():
    port = Port(name="text", type=str, readiness="first-chunk", mode="append")
    stream = Stream("say", port, 1)
    into = Port(name="text", type=str, reads_stream=True)
    cursor = aiter(stream.reader(into, elastic=False))
    stream.append(port.chunk("x" * WINDOW_BYTES))
    held = asyncio.create_task(stream.throttle())
    await give_way(5)
    assert not held.done()

    await anext(cursor)
    await asyncio.wait_for(held, SECONDS)


async def test_the_sizes_of_chunks_that_wait_to_be_read_add_up():
    """Engine 4.5."""
    port = Port(name="text", type=str, readiness="first-chunk", mode="append")
    stream = Stream("say", port, 1)
    stream.reader(Port(name="text", type=str, reads_stream=True), elastic=False)
    await asyncio.wait_for(stream.push("x" * (WINDOW_BYTES * 3 // 5)), SECONDS)

    held = asyncio.create_task(stream.push("x" * (WINDOW_BYTES * 3 // 5)))
    await give_way(5)

    assert not held.done()
    stream.close()
    await asyncio.wait_for(held, SECONDS)


@pytest.mark.parametrize("waiters", [2, 3])
async def test_all_who_wait_for_room_go_on_when_there_is_some(waiters):
    stream = stream_of(*range(WINDOW_CHUNKS))
    reader = stream.reader(INTO, elastic=False)
    held = [asyncio.create_task(stream.throttle()) for _ in range(waiters)]
    await give_way(5)
    assert not any(each.done() for each in held)

    await anext(aiter(reader))
    await asyncio.wait_for(asyncio.gather(*held), SECONDS)


async def test_the_slowest_reader_counts():
    stream = stream_of(*range(WINDOW_CHUNKS))
    fast, slow = (stream.reader(INTO, elastic=False) for _ in range(2))
    held = asyncio.create_task(stream.throttle())
    await anext(aiter(fast))
    await give_way(5)
    assert not held.done()

    await anext(aiter(slow))
    await asyncio.wait_for(held, SECONDS)


async def test_an_elastic_reader_holds_nobody_back():
    stream = stream_of()
    pushed: list[int] = []
    stream.reader(INTO, elastic=True)

    await asyncio.wait_for(push(stream, WINDOW_CHUNKS * 3, pushed), SECONDS)

    assert len(pushed) == WINDOW_CHUNKS * 3


async def test_a_reader_that_wants_the_final_value_holds_nobody_back():
    stream = stream_of()
    waiting = asyncio.create_task(stream.reader(INTO, elastic=False).final())
    await give_way(2)

    await asyncio.wait_for(push(stream, WINDOW_CHUNKS * 3, []), SECONDS)
    stream.close()

    assert len(await waiting) == WINDOW_CHUNKS * 3


@pytest.mark.parametrize("ending", ["reader closes", "stream closes", "stream fails"])
async def test_a_held_producer_goes_on_when_there_is_nothing_to_wait_for(ending):
    stream = stream_of(*range(WINDOW_CHUNKS))
    reader = stream.reader(INTO, elastic=False)
    held = asyncio.create_task(stream.throttle())
    await give_way(5)
    assert not held.done()

    {"reader closes": reader.close, "stream closes": stream.close, "stream fails": stream.fail}[
        ending
    ]()
    await asyncio.wait_for(held, SECONDS)


async def test_a_push_checks_encodes_and_takes_a_chunk():
    """Engine 2.3, 4.1."""
    stream = stream_of()
    await stream.push(7)
    with pytest.raises(ValueFault, match="whole number"):
        await stream.push("seven")
    stream.close()

    assert stream.chunks == ["7"]
    with pytest.raises(StreamClosedError):
        await stream.push(8)


async def test_a_push_is_held_at_the_window_like_an_append():
    """Engine 4.5."""
    stream = stream_of()
    stream.reader(INTO, elastic=False)

    async def push_all() -> None:
        for number in range(WINDOW_CHUNKS * 2):
            await stream.push(number)

    pushing = asyncio.create_task(push_all())
    await give_way(WINDOW_CHUNKS)

    assert len(stream.chunks) == WINDOW_CHUNKS
    stream.close()
    with pytest.raises(StreamClosedError):
        await asyncio.wait_for(pushing, SECONDS)


async def test_a_push_that_nobody_holds_back_lets_others_go_once_a_window():
    """Engine 4.5."""
    stream = stream_of()
    seen: list[int] = []

    async def look() -> None:
        while not stream.closed:
            seen.append(len(stream.chunks))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    for number in range(WINDOW_CHUNKS * 10):
        await stream.push(number)
    stream.close()
    await looking

    steps = [after - before for before, after in pairwise(seen)]
    assert seen[0] == 1
    assert max(steps) <= WINDOW_CHUNKS


@pytest.mark.parametrize("size", [WINDOW_BYTES // 3, WINDOW_BYTES, WINDOW_BYTES * 2])
async def test_large_chunks_pass_one_by_one_or_few_at_a_time(size):
    """Engine 4.5: a chunk may be larger than the window."""
    port = Port(name="text", type=str, readiness="first-chunk", mode="append")
    stream = Stream("say", port, 1)
    reader = stream.reader(Port(name="text", type=str, reads_stream=True), elastic=False)

    async def push_all() -> None:
        for _ in range(8):
            await stream.push("x" * size)
            assert stream.unread(reader.position)[1] < WINDOW_BYTES
        stream.close()

    pushing = asyncio.create_task(push_all())
    got = [len(text) async for text in reader]
    await asyncio.wait_for(pushing, SECONDS)

    assert got == [size] * 8


async def test_a_reader_that_comes_late_holds_the_next_push():
    """Engine 4.5."""
    stream = stream_of()
    await push(stream, WINDOW_CHUNKS + 10, [])
    stream.reader(INTO, elastic=False)

    held = asyncio.create_task(push(stream, 2, []))
    await give_way(5)

    assert len(stream.chunks) == WINDOW_CHUNKS + 11
    stream.close()
    with pytest.raises(StreamClosedError):
        await held


async def test_a_reader_far_behind_frees_its_producer_within_the_window_and_not_before():
    """Engine 4.5."""
    stream = stream_of(*range(WINDOW_CHUNKS * 3))
    cursor = aiter(stream.reader(INTO, elastic=False))
    held = asyncio.create_task(stream.throttle())
    await give_way(5)
    for _ in range(WINDOW_CHUNKS * 2):
        await anext(cursor)
        await give_way(1)
        assert not held.done()

    await anext(cursor)
    await asyncio.wait_for(held, SECONDS)


async def test_who_asks_is_told_of_every_chunk_the_close_and_the_failure():
    """Engine 4.6: what passes a stream on follows it."""
    stream = stream_of()
    seen: list[tuple[int, bool, bool]] = []
    stream.append("1")
    stream.listeners.append(lambda: seen.append((len(stream.chunks), stream.closed, stream.failed)))
    stream.append("2")
    await stream.push(3)
    stream.close()
    stream.fail()

    assert seen == [(2, False, False), (3, False, False), (3, True, False), (3, True, True)]


@pytest.mark.parametrize(("chunks", "size"), [(4, 1000), (1000, 4)])
async def test_notice_is_given_from_so_many_chunks_or_so_much_of_them(chunks, size):
    """Engine 4.11: what keeps chunks need not look at each of them."""
    seen: list[int] = []

    def look(stream: Stream) -> None:
        seen.append(len(stream.chunks))
        stream.notice(chunks=len(stream.chunks) + chunks, size=stream.size + size)

    stream = Stream("emit", OUT, 1, on_chunks=look)
    for number in range(10):
        await stream.push(number)

    assert seen == [1, 5, 9]


async def test_notice_without_anybody_to_take_it_is_none():
    stream = stream_of()
    stream.notice(chunks=1)

    await stream.push(1)

    assert stream.chunks == ["1"]


async def test_a_resumed_stream_goes_on_behind_what_was_kept():
    """Engine 7.4."""
    stream = resumed_stream("emit", OUT, 2, ["1", "2"])
    reader = stream.reader(INTO, elastic=False)
    reading = asyncio.create_task(everything(reader))
    await give_way(3)
    assert reader.position == 2
    await stream.push(3)
    stream.close()

    assert await asyncio.wait_for(reading, SECONDS) == [1, 2, 3]
    assert reader.attempt == 2


class Silent(Task):
    """Says nothing where one last word is wanted."""

    name = "test.silent"
    effect = "none"

    class Outputs(Ports):
        answer: str

    @staticmethod
    def streaming():
        return {"answer": StreamSays(readiness="first-chunk", mode="replace")}

    async def execute(self, inputs, context):
        return None


async def test_a_task_that_never_said_its_last_word_fails():
    registry = registry_of_tests()
    registry.register(Silent)
    definition = definition_of(
        [{"id": "silent", "type": "test.silent"}], outputs={"answer": "silent.answer"}
    )

    run = await drive(definition, registry=registry)

    assert run.status is RunStatus.FAILED
    assert kinds_of(run, "silent")[:2] == ["TaskStarted", "TaskFailed"]
