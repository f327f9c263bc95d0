"""Tasks that wait for a test's word, fail at first, or count on; the observer sees them all."""

import asyncio
from typing import Any

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task
from tests.tasks import observe

#: What held tasks wait for, by name; a test makes them anew.
GATES: dict[str, asyncio.Event] = {}


class Held(Task):
    """A stream of the numbers below `count`; after the first it waits for its gate."""

    name = "test.held"
    effect = "none"

    class Inputs(Ports):
        count: int = 3

    class Outputs(Ports):
        numbers: list[int]

    class Config(Ports):
        gate: str = "gate"

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        observe(context)
        for number in range(inputs.count):
            await context.push_chunk("numbers", number)
            if number == 0:
                await GATES.setdefault(self.config.gate, asyncio.Event()).wait()


class Until(Task):
    """A number, once its gate is open."""

    name = "test.until"
    effect = "none"

    class Inputs(Ports):
        value: int

    class Outputs(Ports):
        result: int

    class Config(Ports):
        gate: str = "gate"

    async def execute(self, inputs, context):
        observe(context)
        await GATES.setdefault(self.config.gate, asyncio.Event()).wait()
        return inputs.value


class Flaky(Task):
    """A stream of `count` numbers from `start` on; its first `fails` attempts break after `after`.

    With a gate they break once it is open.
    """

    name = "test.flaky"
    effect = "none"

    class Inputs(Ports):
        count: int = 3
        start: int = 0

    class Outputs(Ports):
        numbers: list[int]

    class Config(Ports):
        fails: int = 0
        after: int = 0
        gate: str = ""

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        observe(context)
        broken = context.attempt <= self.config.fails
        for number in range(inputs.count):
            if broken and number == self.config.after:
                break
            # Every attempt says something else, so that what is mixed is seen.
            await context.push_chunk("numbers", 100 * context.attempt + inputs.start + number)
            await asyncio.sleep(0)
        if broken:
            if self.config.gate:
                await GATES.setdefault(self.config.gate, asyncio.Event()).wait()
            raise ValueError("not yet")


class Listed(Task):
    """The numbers of a stream, taken at its end."""

    name = "test.listed"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        observe(context)
        return await inputs.numbers.final()


@task(name="test.plus", effect="none")
async def plus(total: int, item: int, context: Any) -> int:
    """The total, and one more item."""
    observe(context)
    return total + item


@task(name="test.times", effect="none")
async def times(item: int, context: Any) -> int:
    """Ten times a number."""
    observe(context)
    if item < 0:
        raise ValueError(f"{item} is below zero")
    return 10 * item


@task(name="test.less", effect="none")
async def less(left: int, context: Any) -> int:
    """One less."""
    observe(context)
    return left - 1


@task(name="test.broken", effect="none")
async def broken(value: int, context: Any) -> int:
    """Fails, whatever it is given."""
    observe(context)
    raise ValueError(f"{value} does not please")


@task(name="test.same", effect="none")
async def same(value: int, context: Any) -> int:
    """The same number."""
    observe(context)
    return value
