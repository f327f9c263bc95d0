"""Tasks that save their state, and those who fail at first; and runs that die at every commit."""

import asyncio
from typing import Any

from runner.execution.memory import MemoryRun, MemoryStore
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.values import encode
from tests.crashing import Crash, CrashingStore
from tests.drive import executor_of
from tests.tasks import EXECUTED, Paced, give_way, observe

SECONDS = 20
FIRST = Stream(readiness="first-chunk", mode="append")
#: What bodies pushed, as (path, chunk), in order; tests clear it.
PUSHED: list[tuple[str, int]] = []


class Saving(Paced):
    """After how many chunks a body saves its state."""

    every: int = 2


class Count(Task):
    """The numbers below `count` as a stream; it goes on where it saved its state."""

    name = "saving.count"
    effect = "none"

    class Inputs(Ports):
        count: int = 6

    class Outputs(Ports):
        numbers: list[int]

    class Config(Saving):
        """Its pace, and when it saves."""

    @staticmethod
    def streaming():
        return {"numbers": FIRST}

    async def execute(self, inputs, context):
        observe(context)
        begun = context.saved_state or 0
        if begun:
            assert context.resume_stream("numbers") == begun
        for number in range(begun, inputs.count):
            PUSHED.append((context.path, number))
            await context.push_chunk("numbers", number)
            await give_way(self.config.yields)
            if number % self.config.every == 0:
                await context.save_state(number + 1)


class Totals(Task):
    """The sums of a stream so far as a stream, and the last one; it saves its state too."""

    name = "saving.totals"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        numbers: list[int]
        result: int

    class Config(Saving):
        """Its pace, and when it saves."""

    @staticmethod
    def streaming():
        return {"numbers": FIRST}

    async def execute(self, inputs, context):
        observe(context)
        read, total = context.saved_state or (0, 0)
        if read:
            assert context.resume_stream("numbers") == read
        seen = 0
        async for number in inputs.numbers:
            seen += 1
            if seen <= read:
                continue
            total += number
            PUSHED.append((context.path, total))
            await context.push_chunk("numbers", total)
            await give_way(self.config.yields)
            if seen % self.config.every == 0:
                await context.save_state([seen, total])
        return {"result": total}


class Unsteady(Task):
    """A stream of the numbers below `count`; its first `failures` attempts fail on the way."""

    name = "saving.unsteady"
    effect = "none"

    class Inputs(Ports):
        count: int = 4

    class Outputs(Ports):
        numbers: list[int]

    class Config(Paced):
        """Its pace, which attempts fail, and after how many chunks."""

        failures: int = 0
        after: int = 2

    @staticmethod
    def streaming():
        return {"numbers": FIRST}

    async def execute(self, inputs, context):
        observe(context)
        for number in range(inputs.count):
            if context.attempt <= self.config.failures and number == self.config.after:
                raise ValueError("no such luck")
            await context.push_chunk("numbers", number)
            await give_way(self.config.yields)
        if context.attempt <= self.config.failures:
            raise ValueError("no such luck")


async def live_once(store: MemoryStore, run: str, commits: int, registry: TaskRegistry) -> set[str]:
    """Let a process own the run until it dies; give what it executed that was committed."""
    (stored,) = await store.claim("test", 1)
    committed = {each.path for each in stored.checkpoints if each.has_result}
    EXECUTED.clear()
    executor = executor_of(CrashingStore(store, commits), stored, registry)
    try:
        await asyncio.wait_for(executor.run(), SECONDS)
        executor.state.check()
    except Crash:
        await store.release("test", [run])
    return committed & {path for _, path in EXECUTED}


async def live(
    definition: str, lives: list[int], registry: TaskRegistry, inputs: Any = None
) -> MemoryRun:
    """Let a run die after so many commits, again and again, then end; nothing done runs again."""
    store = MemoryStore()
    run = store.submit(definition, encode(inputs or {}))
    for commits in [*lives, 1_000_000]:
        if not store.runs[run].status.is_over:
            assert await live_once(store, run, commits, registry) == set(), commits
    assert store.runs[run].status.is_over
    return store.runs[run]
