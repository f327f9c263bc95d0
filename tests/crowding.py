"""Tasks that crowd together or do not listen, and runs of them under limits."""

import asyncio

from runner.execution.host import Host
from runner.execution.slots import Slots
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from tests import virtual_time
from tests.drive import definition_of
from tests.gates import EffectGate, Gate
from tests.tasks import registry_of_tests
from tests.under_way import submit_and_begin


class Crowd(Task):
    """Counts how many of its kind work at once."""

    name = "test.crowd"
    effect = "none"
    now = most = 0

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        Crowd.now += 1
        Crowd.most = max(Crowd.most, Crowd.now)
        await asyncio.sleep(0)
        Crowd.now -= 1
        return 1


class Deaf(Task):
    """Does not listen when it is cancelled; notes what it is refused later."""

    name = "test.deaf"
    effect = "none"
    heard: list = []

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        Gate.begun.append(context.path)
        until = virtual_time.passed() + 30
        while virtual_time.passed() < until:
            try:
                await asyncio.sleep(until - virtual_time.passed())
            except asyncio.CancelledError:
                self.heard.append("cancel")
        for say in (
            lambda: context.progress(0.5),
            lambda: context.push_chunk("numbers", 1),
            lambda: context.close_stream("numbers"),
        ):
            try:
                waits = say()
                if waits is not None:
                    await waits
            except Exception as fault:
                self.heard.append(type(fault).__name__)
        context.log.info("still here")
        return {}


class Listed(Task):
    """Its numbers as they are."""

    name = "test.list"
    effect = "none"

    class Inputs(Ports):
        values: list[int] = []

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        return inputs.values


def registry_of_limits():
    registry = registry_of_tests()
    for each in (Gate, EffectGate, Crowd, Deaf, Listed):
        registry.register(each)
    return registry


def reset() -> None:
    """Close all gates, and forget who was crowded or deaf."""
    Gate.reset()
    Crowd.now = Crowd.most = 0
    Deaf.heard.clear()


def gate(name, **policy):
    return {"id": name, "type": "test.gate"} | ({"policy": policy} if policy else {})


def gates_of(count, **policy):
    return definition_of([gate(f"g{n}", **policy) for n in range(count)])


def host_of(**limits):
    slots = Slots({name.replace("_", ":", 1): most for name, most in limits.items()})
    return Host(slots=slots, now=virtual_time.now)


async def started(definition, host=None, **more):
    return await submit_and_begin(definition, registry=registry_of_limits(), host=host, **more)


async def quiet():
    await asyncio.sleep(1)
