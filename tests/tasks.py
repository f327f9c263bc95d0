"""Tiny tasks for tests; an observer outside the engine counts what runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Effect, Task, task

#: What bodies began, as (run, path), in order; tests clear it.
EXECUTED: list[tuple[str, str]] = []


class Paced(Ports):
    """How often a body gives way to others before it goes on."""

    yields: int = 0


async def give_way(times: int) -> None:
    """Let other bodies go first."""
    for _ in range(times):
        await asyncio.sleep(0)


def observe(context: Any) -> None:
    """Tell the observer that a body began."""
    EXECUTED.append((context.run, context.path))


class Number(Task):
    """A constant number."""

    name = "test.number"
    effect = "none"

    class Inputs(Ports):
        value: int = 1

    class Outputs(Ports):
        result: int

    class Config(Paced):
        """Its pace."""

    async def execute(self, inputs, context):
        observe(context)
        await give_way(self.config.yields)
        return inputs.value


class Add(Task):
    """The sum of its numbers."""

    name = "test.add"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        values: list[int] = []

    class Outputs(Ports):
        result: int

    class Config(Paced):
        """Its pace."""

    async def execute(self, inputs, context):
        observe(context)
        await give_way(self.config.yields)
        return sum(inputs.values)


class Note(Add):
    """The sum of its numbers, with an effect."""

    name = "test.note"
    effect = "repeatable"


class Emit(Task):
    """A stream of the numbers below `count`."""

    name = "test.emit"
    effect = "none"

    class Inputs(Ports):
        count: int = 3

    class Outputs(Ports):
        numbers: list[int]

    class Config(Paced):
        """Its pace."""

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        observe(context)
        for number in range(inputs.count):
            await context.push_chunk("numbers", number)
            await give_way(self.config.yields)


class Double(Task):
    """Each number of a stream, doubled, as a stream."""

    name = "test.double"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        numbers: list[int]

    class Config(Paced):
        """Its pace."""

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        observe(context)
        async for number in inputs.numbers:
            await give_way(self.config.yields)
            await context.push_chunk("numbers", 2 * number)


class First(Task):
    """The first number of a stream; it does not wait for the rest."""

    name = "test.first"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    class Config(Paced):
        """Its pace."""

    async def execute(self, inputs, context):
        observe(context)
        async for number in inputs.numbers:
            return number
        return -1


class Total(Task):
    """The sum of a stream, taken at its end."""

    name = "test.total"
    effect = "repeatable"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    class Config(Paced):
        """Its pace."""

    async def execute(self, inputs, context):
        observe(context)
        return sum(await inputs.numbers.final())


class Fail(Task):
    """Fails, after `chunks` chunks."""

    name = "test.fail"
    effect = "none"

    class Inputs(Ports):
        chunks: int = 0

    class Outputs(Ports):
        numbers: list[int]

    class Config(Paced):
        """Its pace."""

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        observe(context)
        for number in range(inputs.chunks):
            await context.push_chunk("numbers", number)
            await asyncio.sleep(0)
        raise ValueError("no such luck")


class Hang(Task):
    """Waits until it is cancelled."""

    name = "test.hang"
    effect = "none"

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        observe(context)
        await asyncio.Event().wait()


@task(name="test.shout", effect="none")
def shout(text: str) -> str:
    """A text in capitals, in a worker thread."""
    return text.upper()


@task(name="test.words", effect="none")
async def words(text: str) -> AsyncIterator[str]:
    """The words of a text as a stream."""
    for word in text.split():
        yield word


class Braid(Task):
    """The numbers of several streams, one stream after the other."""

    name = "test.braid"
    effect = "none"

    class Inputs(Ports):
        streams: list[Chunks[int]] = []

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        observe(context)
        return [number for stream in inputs.streams for number in await stream.final()]


@task(name="test.fault", effect="none", blocking=False)
def fault_message(fault: dict[str, str]) -> str:
    """What a task said when it failed."""
    return fault["message"]


def registry_of_tests() -> TaskRegistry:
    """Give a registry of these tasks."""
    registry = TaskRegistry()
    for each in (Number, Add, Note, Emit, Double, First, Total, Fail, Hang, shout, words):
        registry.register(each)
    for more in (Braid, fault_message):
        registry.register(more)
    return registry
