"""Task types that keep state, decide once and for all, wait for a time, or ask a person."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Effect, Task
from tests.simulation.tasks import Course, Pace, emitted, mixed, observers

#: When virtual time begins, for who asks what day it is.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: What a person answers, whoever asks.
ANSWER = 5


class Save(Task):
    """A stream of `count` numbers that goes on, after a crash, where it last saved its state."""

    name = "sim.save"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        count: int = 3

    class Outputs(Ports):
        numbers: list[int]

    class Config(Pace):
        every: int = 2

    @staticmethod
    def streaming() -> dict[str, Stream]:
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        saved = context.saved_state
        done = saved["done"] if saved else 0
        if saved and context.resume_stream("numbers") != done:
            raise AssertionError("the kept chunks and the saved state disagree")
        for number in emitted(inputs.count, self.config.salt)[done:]:
            await course.push("numbers", number)
            done += 1
            if done % self.config.every == 0:
                await context.save_state({"done": done})
        await course.end()


class Store(Save):
    """The same, with an effect."""

    name = "sim.store"
    effect = "repeatable"


class Tally(Task):
    """A number made of a stream, read on after a crash from where it last saved its state."""

    name = "sim.tally"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    class Config(Pace):
        every: int = 2

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        found = list(context.saved_state or [])
        known = len(found)
        index = 0
        async for number in inputs.numbers:
            index += 1
            if index <= known:
                continue
            found.append(number)
            await course.step()
            if len(found) % self.config.every == 0:
                await context.save_state(found)
        await course.end()
        return mixed(found, self.config.salt)


class _OfValues(Task):
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        values: list[int] = []

    class Outputs(Ports):
        result: int

    class Config(Pace):
        seconds: float = 1.0


class Choose(_OfValues):
    """A number made of others; on the way it decides something that it must never take back."""

    name = "sim.choose"

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        decided = await context.decide("attempt", context.attempt)
        observers[-1].decided(context, decided)
        await course.end()
        return mixed(inputs.values, self.config.salt)


class Rest(_OfValues):
    """A number made of others, some time later."""

    name = "sim.rest"

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        now = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
        until = await context.decide("until", now + timedelta(seconds=self.config.seconds))
        observers[-1].decided(context, until)
        await context.wait_until(until)
        await course.end()
        return mixed(inputs.values, self.config.salt)


class Question(_OfValues):
    """A number made of others and of what a person answers."""

    name = "sim.question"

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        answer = await context.ask({"title": "How many?", "kind": "input"})
        observers[-1].decided(context, answer)
        await course.end()
        return mixed([*inputs.values, answer], self.config.salt)


class Once(_OfValues):
    """A number made of others, which nobody but a person may have made again."""

    name = "sim.once"
    effect: ClassVar[Effect] = "once"

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.step()
        await course.end()
        return mixed(inputs.values, self.config.salt)


def register_lasting(registry: TaskRegistry) -> TaskRegistry:
    """Add these tasks to a registry."""
    for each in (Save, Store, Tally, Choose, Rest, Question, Once):
        registry.register(each)
    return registry
