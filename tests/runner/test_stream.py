"""Streams: what readers are given, and when a producer must wait."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import RunnerError, StreamClosedError, StreamFailed, ValueFault
from runner.execution.stream import (
    WINDOW_BYTES,
    WINDOW_CHUNKS,
    ChunkReader,
    Stream,
    kept_stream,
    resumed_stream,
)
from runner.graph.ports import Chunks, Port, Ports
from runner.graph.ports import Stream as StreamSays
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests import strategies
from tests.drive import definition_of, drive, kinds_of, outputs_of
from tests.tasks import give_way, registry_of_tests

OUT = Port(name="numbers", type=list[int], readiness="first-chunk", mode="append")
INTO = Port(name="numbers", type=int, reads_stream=True)
SECONDS = 5


def stream_of(*numbers: int, closed: bool = False) -> Stream:
    stream = Stream("emit", OUT, 1)
    for number in numbers:
        stream.append(OUT.chunk(number))
    if closed:
        stream.close()
    return stream


async def push(stream: Stream, count: int, pushed: list[int]) -> None:
    for number in range(count):
        stream.append(OUT.chunk(number))
        pushed.append(number)
        await stream.throttle()


async def everything(reader) -> list[int]:
    return [number async for number in reader]


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


# ── pushing ──────────────────────────────────────────────────────────────────────────────


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


# ── reading ──────────────────────────────────────────────────────────────────────────────


async def test_the_position_is_that_of_the_furthest_iteration():
    """Engine 4.5, 7.4."""
    reader = stream_of(*range(10)).reader(INTO, elastic=False)
    assert reader.position == 0
    for until in (4, 2, 7):
        async for number in reader:
            if number == until - 1:
                break
        assert reader.position == max(4, until)


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


# ── who waits is counted ─────────────────────────────────────────────────────────────────


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


class Zip(Task):
    """The sums of two streams side by side, read in lockstep."""

    name = "test.zip"
    effect = "none"

    class Inputs(Ports):
        left: Chunks[int]
        right: Chunks[int]

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": StreamSays(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        right = aiter(inputs.right)
        async for number in inputs.left:
            await context.push_chunk("numbers", number + await anext(right))


class OneAfterTheOther(Zip):
    """All of the left stream, then all of the right one."""

    name = "test.one-after-the-other"

    async def execute(self, inputs, context):
        for side in (inputs.left, inputs.right):
            async for number in side:
                await context.push_chunk("numbers", number)


@pytest.mark.parametrize("kind", [Zip, OneAfterTheOther], ids=lambda kind: kind.name)
async def test_streams_that_part_and_meet_again_do_not_hold_each_other(kind):
    registry = registry_of_tests()
    registry.register(kind)
    count = WINDOW_CHUNKS * 5
    definition = definition_of(
        [
            {"id": "emit", "type": "test.emit", "inputs": {"count": count}},
            {"id": "one", "type": "test.double", "config": {"yields": 3}},
            {"id": "two", "type": "test.double"},
            {"id": "meet", "type": kind.name},
        ],
        [
            ("emit.numbers", "one.numbers"),
            ("emit.numbers", "two.numbers"),
            ("one.numbers", "meet.left"),
            ("two.numbers", "meet.right"),
        ],
        outputs={"sums": "meet.numbers"},
    )

    run = await drive(definition, registry=registry)

    assert run.status is RunStatus.COMPLETED
    doubled = [2 * number for number in range(count)]
    assert outputs_of(run) == {
        "sums": [2 * each for each in doubled] if kind is Zip else doubled * 2
    }


@pytest.mark.slow
@given(strategies.definitions(counts=st.integers(100, 300)))
@settings(max_examples=50, deadline=None)
def test_back_pressure_never_hangs_a_run(definition):
    run = asyncio.run(asyncio.wait_for(drive(definition), 10))

    assert run.status is RunStatus.COMPLETED


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
