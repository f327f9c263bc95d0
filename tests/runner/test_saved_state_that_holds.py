"""When an attempt may go on from what an earlier one saved: if what it read is still the same."""

import asyncio
from typing import Any

import pytest

from runner.graph.ports import Chunks
from runner.graph.registry import TaskRegistry
from runner.graph.task import task
from runner.run.status import RunStatus
from tests import saving
from tests.drive import outputs_of
from tests.handshake import registry_with, text_of
from tests.planned import control, written
from tests.under_way import UnderWay, begin, submit_and_begin


class Source:
    """A stream whose chunks tell the attempts apart unless it `keeps` so many of them.

    Its first attempt waits at the end until it is killed.
    """

    def __init__(self, keeps: int = 0) -> None:
        class Tells(saving.Count):
            name = "tells.attempts"

            async def execute(self, inputs, context):
                begun = 0
                if context.saved_state is not None:
                    begun = context.resume_stream("numbers")
                for number in range(begun, 4):
                    await context.push_chunk("numbers", 10 * context.attempt + number)
                    if number + 1 == keeps:
                        await context.save_state(True)
                if context.attempt == 1:
                    await asyncio.Event().wait()

        self.task = Tells


class Reader:
    """Reads a stream and saves its state at chunk `at`; `found` is what each attempt began with."""

    def __init__(self, at: int, port: str = "numbers") -> None:
        found: list[Any] = []
        self.found = found

        @task(name="reads.on", effect="none")
        async def reads(numbers: Chunks[int], context: Any) -> list[int]:
            found.append(context.saved_state)
            read: list[int] = context.saved_state or []
            seen = 0
            async for number in numbers:
                seen += 1
                if seen > len(read):
                    read.append(number)
                    if seen == at:
                        await context.save_state(read)
            return read

        @task(name="reads.several", effect="none")
        async def several(streams: list[Chunks[int]], context: Any) -> list[int]:
            found.append(context.saved_state)
            read: list[int] = context.saved_state or []
            seen = 0
            for stream in streams:
                async for number in stream:
                    seen += 1
                    if seen > len(read):
                        read.append(number)
                        if seen == at:
                            await context.save_state(read)
            return read

        self.tasks = (reads, several)


async def killed_at(saved: str, graph: dict[str, Any], registry: TaskRegistry) -> UnderWay:
    """Run until a task has saved its state, kill the process, and take the run up again."""
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event("StateSaved", saved)
    await run.kill()
    return await begin(run.store, run.run, registry)


SECOND = [20, 21, 22, 23]


@pytest.mark.parametrize(
    ("keeps", "at", "found", "read"),
    [
        (0, 2, None, SECOND),
        (1, 2, None, [10, 21, 22, 23]),
        (2, 2, [10, 11], [10, 11, 22, 23]),
        (3, 2, [10, 11], [10, 11, 12, 23]),
    ],
)
async def test_it_holds_only_if_the_stream_kept_what_was_read_of_it(keeps, at, found, read):
    """Engine 7.4: dropped if an input stream's attempt changed without keeping that prefix."""
    source, reader = Source(keeps), Reader(at)
    graph = written({"source": "tells.attempts", "reads": "reads.on"},
                    "source.numbers > reads.numbers", outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry_with(source.task, *reader.tasks))
    assert outputs_of(await run.end()) == {"read": read}
    assert reader.found == [None, found]


@pytest.mark.parametrize(("keeps", "found"), [(0, None), (2, [10, 11])])
async def test_it_counts_what_was_read_of_each_of_several_streams(keeps, found):
    """Engine 3.2, 7.4."""
    source, reader = Source(keeps), Reader(2)
    graph = written({"source": "tells.attempts", "reads": "reads.several", "emit": "test.emit"},
                    "source.numbers > reads.streams; emit.numbers > reads.streams",
                    outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry_with(source.task, *reader.tasks))
    kept = found or [20, 21]
    assert outputs_of(await run.end()) == {"read": [*kept, 22, 23, 0, 1, 2]}
    assert reader.found == [None, found]


async def test_it_holds_though_its_stream_has_gone_on_and_ended_in_another_life():
    """Engine 7.4: the stream kept the prefix two lives ago."""
    source, reader = Source(2), Reader(2)
    registry = registry_with(source.task, *reader.tasks)
    graph = written({"source": "tells.attempts", "reads": "reads.on"},
                    "source.numbers > reads.numbers", outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry)
    await run.until_event("TaskCompleted", "source")
    if run.kept.status is RunStatus.RUNNING:
        await run.kill()
        run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"read": [10, 11, 22, 23]}
    assert reader.found[1:] == [[10, 11]] * (len(reader.found) - 1)


class Below:
    """Keeps what it was given, by saved state or by a decision, then waits in its first life."""

    def __init__(self) -> None:
        self.lives = 0

        @task(name="below.saves", effect="none")
        async def saves(number: int, context: Any) -> int:
            self.lives += 1
            if context.saved_state is None:
                await context.save_state(number)
            if self.lives == 1:
                await asyncio.Event().wait()
            return context.saved_state or number

        @task(name="below.decides", effect="none")
        async def decides(number: int, context: Any) -> int:
            self.lives += 1
            decided: int = await context.decide("number", lambda: number)
            if self.lives == 1:
                await asyncio.Event().wait()
            return decided

        self.tasks = (saves, decides)


@pytest.mark.parametrize(("below", "kind"), [("below.saves", "StateSaved"),
                                             ("below.decides", "DecisionMade")])  # fmt: skip
async def test_what_was_kept_of_a_provisional_value_is_lost_with_it(below, kind):
    """Engine 4.7: saved state and decisions below a stream whose process died."""
    source, tasks = Source(), Below().tasks
    registry = registry_with(source.task, *tasks)
    graph = written({"source": "tells.attempts", "first": "test.first", "below": below},
                    "source.numbers > first.numbers; first.result > below.number",
                    outputs={"number": "below.result"})  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event(kind, "below")
    await run.kill()
    run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"number": 20}


@pytest.mark.parametrize(("below", "kind"), [("below.saves", "StateSaved"),
                                             ("below.decides", "DecisionMade")])  # fmt: skip
async def test_what_was_kept_of_a_value_that_failed_is_dropped_with_it(below, kind):
    """Engine 4.7: the same within one life."""
    go_on = asyncio.Event()

    class Fails(saving.Count):
        name = "fails.later"

        async def execute(self, inputs, context):
            await context.push_chunk("numbers", 10 * context.attempt)
            if context.attempt == 1:
                await go_on.wait()
                raise ValueError("no such luck")

    policy = {"retry": {"attempts": 2, "delay": 0}}
    graph = written({"source": {"type": "fails.later", "policy": policy}, "first": "test.first",
                     "below": below},
                    "source.numbers > first.numbers; first.result > below.number",
                    outputs={"number": "below.result"})  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry_with(Fails, *Below().tasks))
    await run.until_event(kind, "below")
    go_on.set()
    assert outputs_of(await run.end()) == {"number": 20}


async def test_a_merge_decides_anew_when_what_it_passed_was_lost_and_failed():
    """Engine 3.3, 4.7: what it took was provisional; after the crash it is not taken at all."""
    lives = []

    class Once(saving.Count):
        name = "good.once"

        async def execute(self, inputs, context):
            lives.append(context.attempt)
            if context.attempt > 1:
                raise ValueError("no such luck")
            await context.push_chunk("numbers", 1)
            await asyncio.Event().wait()

    registry = registry_with(Once)
    graph = written(
        {"once": "good.once", "emit": "test.emit", "merge": control("merge"), "said": "test.fault",
         "all": "test.double"},
        "once.numbers > merge.values; emit.numbers > merge.values; merge.value > all.numbers; "
        "once.[error] > said.fault",
        outputs={"all": "all.numbers", "said": "said.result"},
    )  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event("TaskDecided", "merge")
    await run.kill()
    run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"all": [0, 2, 4], "said": "no such luck"}
