"""Task types of the simulation: functions of their inputs that sleep, fail and stream as told.

What each computes is written down once more in `model`, without streams, sleeps and failures.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal, Protocol

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Effect, Task

MODULUS = 1009


class PlannedFailure(Exception):
    """A failure that the seed asked for."""


class Observer(Protocol):
    """Who is told what bodies do; lives outside of engine and store."""

    def began(self, context: Any) -> None:
        """A body began."""

    def pushed(self, context: Any, port: str) -> None:
        """A body pushed a chunk, and was let go on."""

    def finished(self, context: Any) -> None:
        """A body is about to return."""

    def decided(self, context: Any, value: Any) -> None:
        """A body was told what it decided, now or in an earlier attempt."""


class _Nobody:
    def began(self, context: Any) -> None:
        """Ignore it."""

    def pushed(self, context: Any, port: str) -> None:
        """Ignore it."""

    def finished(self, context: Any) -> None:
        """Ignore it."""

    def decided(self, context: Any, value: Any) -> None:
        """Ignore it."""


#: The observer of the world that runs now.
observers: list[Observer] = [_Nobody()]


class Pace(Ports):
    """How a body spends its time.

    At its n-th step it sleeps `pauses[n % len]` virtual seconds (below 0: not at all); attempts
    up to `fails` raise at step `fail_at`; a `stubborn` body sleeps on so long after a cancel.
    """

    salt: int = 0
    pauses: list[float] = []
    fails: int = 0
    fail_at: int = 0
    stubborn: float = 0.0


class Course:
    """One execution of a body: its steps, as its settings want them."""

    def __init__(self, config: Any, context: Any) -> None:
        self._config = config
        self._context = context
        self._steps = 0
        observers[-1].began(context)

    async def step(self, *, last: bool = False) -> None:
        """Take one step: sleep, or fail; a failure that no step had comes with the last."""
        config, number = self._config, self._steps
        self._steps += 1
        due = number <= config.fail_at if last else number == config.fail_at
        if due and self._context.attempt <= config.fails:
            raise PlannedFailure(f"attempt {self._context.attempt} was to fail")
        if not config.pauses:
            return
        seconds = config.pauses[number % len(config.pauses)]
        if seconds >= 0:
            await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if self._config.stubborn:
                await asyncio.sleep(self._config.stubborn)
            raise

    async def push(self, port: str, chunk: int) -> None:
        """Push a chunk, and take a step."""
        await self._context.push_chunk(port, chunk)
        observers[-1].pushed(self._context, port)
        await self.step()

    async def end(self) -> None:
        """Take the last step."""
        await self.step(last=True)
        observers[-1].finished(self._context)


def mixed(numbers: list[int], salt: int) -> int:
    """Give a number that depends on every number and on their order."""
    total = salt
    for each in numbers:
        total = (total * 31 + each + 1) % MODULUS
    return total


def listed(value: Any) -> list[int]:
    """Give what a stream added up to as a list."""
    return value if isinstance(value, list) else [value]


class _Result(Ports):
    result: int


class _Numbers(Ports):
    numbers: list[int]


class _OneStream(Ports):
    numbers: Chunks[int]


def _first_chunk() -> dict[str, Stream]:
    return {"numbers": Stream(readiness="first-chunk", mode="append")}


class Number(Task):
    """A number."""

    name = "sim.number"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        value: int = 1

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        """Its pace."""

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.end()
        return mixed([inputs.value], self.config.salt)


class Sum(Task):
    """A number made of others."""

    name = "sim.sum"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        values: list[int] = []

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        """Its pace."""

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.step()
        context.progress(0.5)
        await course.end()
        return mixed(inputs.values, self.config.salt)


class Less(Task):
    """A number, less one."""

    name = "sim.less"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        value: int

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        """Its pace."""

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.end()
        return inputs.value - 1


class Tell(Task):
    """A number made of what went wrong with another task."""

    name = "sim.tell"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        error: dict[str, str]

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        """Its pace."""

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.end()
        return mixed([len(inputs.error["type"])], self.config.salt)


class Note(Sum):
    """The same, with an effect."""

    name = "sim.note"
    effect = "repeatable"


class Emit(Task):
    """A stream of `count` numbers."""

    name = "sim.emit"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        count: int = 3

    class Outputs(_Numbers):
        """Numbers."""

    class Config(Pace):
        returns: bool = False

    streaming = staticmethod(_first_chunk)

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.step()
        numbers = emitted(inputs.count, self.config.salt)
        for each in numbers:
            await course.push("numbers", each)
        await course.end()
        return {"numbers": numbers} if self.config.returns else None


class Send(Emit):
    """The same, with an effect."""

    name = "sim.send"
    effect = "repeatable"


class Batch(Emit):
    """The same, for dependants that wait for its end."""

    name = "sim.batch"

    @staticmethod
    def streaming() -> dict[str, Stream]:
        return {"numbers": Stream(readiness="final", mode="append")}


class Swing(Task):
    """A number that changes `count` times: snapshots."""

    name = "sim.swing"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        count: int = 3

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        """Its pace."""

    @staticmethod
    def streaming() -> dict[str, Stream]:
        return {"result": Stream(readiness="first-chunk", mode="replace")}

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        for each in emitted(inputs.count, self.config.salt):
            await course.push("result", each)
        context.close_stream("result")
        await course.end()


class Relay(Task):
    """A stream made of another, chunk by chunk."""

    name = "sim.relay"
    effect: ClassVar[Effect] = "none"

    class Inputs(_OneStream):
        """A stream."""

    class Outputs(_Numbers):
        """Numbers."""

    class Config(Pace):
        style: Literal["each", "after", "attach"] = "each"

    streaming = staticmethod(_first_chunk)

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        if self.config.style == "attach":
            await context.attach_stream("numbers", _doubled(inputs.numbers, course, self.config))
        elif self.config.style == "after":
            for each in listed(await inputs.numbers.final()):
                await course.push("numbers", doubled(each, self.config.salt))
        else:
            async for each in inputs.numbers:
                await course.push("numbers", doubled(each, self.config.salt))
        await course.end()


async def _doubled(numbers: Any, course: Course, config: Any) -> AsyncIterator[int]:
    async for each in numbers:
        await course.step()
        yield doubled(each, config.salt)


class Read(Task):
    """A number made of a stream, read in one of many ways."""

    name = "sim.read"
    effect: ClassVar[Effect] = "none"

    class Inputs(_OneStream):
        """A stream."""

    class Outputs(_Result):
        """A number."""

    class Config(Pace):
        style: Literal["all", "first", "part", "final", "twice", "never", "all-final"] = "all"

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        await course.step()
        found = await _READINGS[self.config.style](inputs.numbers, course)
        await course.end()
        return mixed(found, self.config.salt)


class Keep(Read):
    """The same, with an effect."""

    name = "sim.keep"
    effect = "repeatable"


async def _read_all(numbers: Any, course: Course) -> list[int]:
    found = []
    async for each in numbers:
        await course.step()
        found.append(each)
    return found


async def _read_some(numbers: Any, course: Course, most: int) -> list[int]:
    found: list[int] = []
    async for each in numbers:
        found.append(each)
        if len(found) == most:
            break
        await course.step()
    return found


async def _read_twice(numbers: Any, course: Course) -> list[int]:
    return await _read_some(numbers, course, 2) + await _read_all(numbers, course)


async def _read_final(numbers: Any, _course: Course) -> list[int]:
    return listed(await numbers.final())


async def _read_all_final(numbers: Any, course: Course) -> list[int]:
    return await _read_all(numbers, course) + listed(await numbers.final())


async def _read_never(_numbers: Any, _course: Course) -> list[int]:
    return []


_READINGS: dict[str, Any] = {
    "all": _read_all,
    "first": lambda numbers, course: _read_some(numbers, course, 1),
    "part": lambda numbers, course: _read_some(numbers, course, 3),
    "final": _read_final,
    "twice": _read_twice,
    "never": _read_never,
    "all-final": _read_all_final,
}


class Join(Task):
    """A stream made of two."""

    name = "sim.join"
    effect: ClassVar[Effect] = "none"

    class Inputs(Ports):
        left: Chunks[int]
        right: Chunks[int]

    class Outputs(_Numbers):
        """Numbers."""

    class Config(Pace):
        style: Literal["one-by-one", "left-first", "right-final", "together"] = "one-by-one"

    streaming = staticmethod(_first_chunk)

    async def execute(self, inputs, context):
        course = Course(self.config, context)
        async for each in _JOININGS[self.config.style](inputs.left, inputs.right, course):
            await course.push("numbers", doubled(each, self.config.salt))
        await course.end()


async def _one_by_one(left: Any, right: Any, _course: Course) -> AsyncIterator[int]:
    cursors = [aiter(left), aiter(right)]
    while cursors:
        for cursor in list(cursors):
            try:
                yield await anext(cursor)
            except StopAsyncIteration:
                cursors.remove(cursor)


async def _left_first(left: Any, right: Any, _course: Course) -> AsyncIterator[int]:
    async for each in left:
        yield each
    async for each in right:
        yield each


async def _right_final(left: Any, right: Any, _course: Course) -> AsyncIterator[int]:
    last = listed(await right.final())
    async for each in left:
        yield each
    for each in last:
        yield each


async def _together(left: Any, right: Any, course: Course) -> AsyncIterator[int]:
    async with asyncio.TaskGroup() as group:
        readings = [group.create_task(_read_all(each, course)) for each in (left, right)]
    for reading in readings:
        for each in reading.result():
            yield each


_JOININGS: dict[str, Any] = {
    "one-by-one": _one_by_one,
    "left-first": _left_first,
    "right-final": _right_final,
    "together": _together,
}


def emitted(count: int, salt: int) -> list[int]:
    """Give the numbers that a stream of `count` has."""
    return [(salt + 7 * each) % MODULUS for each in range(count)]


def doubled(number: int, salt: int) -> int:
    """Give what a relayed number becomes."""
    return (2 * number + salt) % MODULUS


def registry_of_simulation() -> TaskRegistry:
    """Give a registry of these tasks."""
    registry = TaskRegistry()
    for each in (Number, Sum, Less, Tell, Note, Emit, Send, Batch, Swing, Relay, Read, Keep, Join):
        registry.register(each)
    return registry
