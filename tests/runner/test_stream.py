"""Streams: what readers are given, and when a producer must wait."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import RunnerError, StreamClosedError, StreamFailed
from runner.execution import stream as streams
from runner.execution.stream import WINDOW_BYTES, WINDOW_CHUNKS, Stream, kept_stream
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


async def test_a_port_takes_no_more_than_its_cap(monkeypatch):
    monkeypatch.setattr(streams, "PORT_BYTES", 3)
    stream = stream_of(1, 2, 3)

    with pytest.raises(RunnerError, match="streamed more than"):
        stream.append("4")


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
