"""Where bodies run: on the loop, or in threads that are bounded."""

import asyncio
import threading
from typing import Any

import pytest

from runner.errors import TaskAbandoned
from runner.execution.context import TaskContext
from runner.execution.places import Places
from runner.execution.stream import kept_stream, resumed_stream
from runner.graph.ports import Chunks, Port, Ports
from runner.graph.task import Task, task

SECONDS = 10
OUT = Port(name="numbers", type=list[int], readiness="first-chunk", mode="append")
INTO = Port(name="numbers", type=int, reads_stream=True)


class Crowd:
    """How many bodies are inside at the same time, at most."""

    def __init__(self):
        self.inside = self.most = 0
        self.lock = threading.Lock()
        self.go_on = threading.Event()
        self.full = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def enter(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.loop.call_soon_threadsafe(self.full.set)
        self.go_on.wait(SECONDS)
        with self.lock:
            self.inside -= 1


def context_of():
    nobody: Any = None
    return TaskContext(nobody, "run-1", "one", 1)


async def run(places, kind, inputs=None):
    return await asyncio.wait_for(places.run(kind(None), inputs or {}, context_of()), SECONDS)


async def test_a_blocking_body_runs_in_a_thread_of_its_own():
    @task(name="test.where", effect="none")
    def where() -> str:
        return threading.current_thread().name

    assert await run(Places(), where) == "one"


async def test_a_body_that_awaits_runs_on_the_loop():
    @task(name="test.here", effect="none")
    async def here() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await run(Places(), here) is True


async def test_no_more_threads_work_than_there_are_places():
    crowd = Crowd()

    @task(name="test.crowd", effect="none")
    def enter() -> int:
        crowd.enter()
        return 1

    places = Places(2)
    running = [asyncio.create_task(run(places, enter)) for _ in range(6)]
    await asyncio.wait_for(crowd.full.wait(), SECONDS)
    crowd.go_on.set()

    assert await asyncio.gather(*running) == [1] * 6
    assert crowd.most <= 2


class ReadInThread(Task):
    """The sum of a stream, read in a thread."""

    name = "test.read-in-thread"
    blocking = True
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    def execute(self, inputs, context):
        return sum(inputs.numbers)


async def test_a_body_that_reads_a_stream_waits_for_no_place():
    reader = kept_stream("emit", OUT, 1, ["1", "2"]).reader(INTO, elastic=True)

    assert await run(Places(0), ReadInThread, {"numbers": reader}) == 3


class BraidInThread(Task):
    """The numbers of several streams, read in a thread."""

    name = "test.braid-in-thread"
    blocking = True
    effect = "none"

    class Inputs(Ports):
        streams: list[Chunks[int]]

    class Outputs(Ports):
        result: list[int]

    def execute(self, inputs, context):
        return [number for each in inputs.streams for number in each]


async def test_a_body_in_a_thread_reads_several_streams_on_one_port():
    """Engine 2.4, 3.2."""
    streams = [kept_stream("emit", OUT, 1, chunks) for chunks in (["1", "2"], [], ["3"])]
    readers = [each.reader(INTO, elastic=True) for each in streams]

    assert await run(Places(0), BraidInThread, {"streams": readers}) == [1, 2, 3]


class ReadForever(ReadInThread):
    """The sum of a stream, or what it was told when it was to end."""

    name = "test.read-forever"
    begun: Any
    told: list[TaskAbandoned]

    def execute(self, inputs, context):
        told = []
        self.begun()
        for _ in range(2):
            try:
                return inputs.numbers.final()
            except TaskAbandoned as fault:
                told.append(fault)
        self.told = told
        return -1


async def test_a_thread_that_waits_for_a_chunk_hears_of_its_cancel():
    """Engine 5.8."""
    reader = resumed_stream("emit", OUT, 1, ["1"]).reader(INTO, elastic=True)
    body = ReadForever(None)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    body.begun = lambda: loop.call_soon_threadsafe(begun.set)
    running = asyncio.create_task(Places().run(body, {"numbers": reader}, context_of()))
    await begun.wait()
    running.cancel()
    await asyncio.wait([running], timeout=SECONDS)

    assert running.cancelled()
    assert len(body.told) == 2


@pytest.mark.parametrize(
    ("raised", "seen"), [(ValueError, ValueError), (StopIteration, RuntimeError)]
)
async def test_what_a_thread_raises_is_raised_here(raised, seen):
    @task(name="test.raise", effect="none")
    def fail() -> int:
        raise raised("no such luck")

    with pytest.raises(seen, match="no such luck"):
        await run(Places(), fail)


async def test_a_body_that_was_given_up_frees_its_place():
    """Engine 5.8: a cancel waits for the thread; a second one gives it up."""
    crowd = Crowd()

    @task(name="test.stuck", effect="none")
    def stuck() -> int:
        crowd.enter()
        return 1

    @task(name="test.quick", effect="none")
    def quick() -> int:
        return 2

    places = Places(1)
    running = asyncio.create_task(run(places, stuck))
    await asyncio.wait_for(crowd.full.wait(), SECONDS)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()

    assert await run(places, quick) == 2
    crowd.go_on.set()


async def test_a_body_that_names_the_loop_runs_there():
    """Engine 8.2."""

    @task(name="test.here", effect="none")
    def here() -> bool:
        return threading.current_thread() is threading.main_thread()

    here.blocking, here.place = False, "loop"
    assert await run(Places(), here) is True


def test_a_thread_that_outlives_its_loop_ends_in_silence():
    """Engine 5.8: it was given up, and nobody is left to hear what it returns."""
    begun, go_on = threading.Event(), threading.Event()

    @task(name="test.outlives", effect="none")
    def outlives() -> int:
        begun.set()
        go_on.wait(SECONDS)
        return 1

    async def given_up() -> threading.Thread:
        running = asyncio.create_task(Places().run(outlives(None), {}, context_of()))
        assert await asyncio.to_thread(begun.wait, SECONDS)
        (thread,) = [each for each in threading.enumerate() if each.name == "one"]
        for _ in range(2):
            running.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([running], timeout=SECONDS)
        assert running.cancelled()
        return thread

    thread = asyncio.run(given_up())
    go_on.set()
    thread.join(SECONDS)
    assert not thread.is_alive()
