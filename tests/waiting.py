"""Tasks that wait, in runs on a virtual clock."""

import asyncio
from datetime import timedelta

from runner.execution.host import Host
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.flow.ask import Ask
from runner.library.flow.wait import Wait
from tests import virtual_time
from tests.drive import definition_of
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin

APPROVAL = definition_of(
    [{"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}}],
    outputs={"approved": "ask.approved", "note": "ask.note"},
)
FIELDS = [{"name": "age", "type": "int"}]


class Chatter(Task):
    """Streams while it asks; gives what it was told."""

    name = "test.chatter"
    effect = "none"

    class Outputs(Ports):
        numbers: list[int]
        answer: int

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        asking = asyncio.create_task(context.ask({"kind": "input"}))
        for number in range(200):
            await context.push_chunk("numbers", number)
        answer = await asking
        await context.push_chunk("numbers", 200)
        return {"answer": answer["age"]}


class Until(Task):
    """Waits for so many seconds from its first start, in its own way."""

    name = "test.until"
    effect = "repeatable"

    class Inputs(Ports):
        seconds: int = 5

    class Outputs(Ports):
        result: str

    async def execute(self, inputs, context):
        until = await context.decide("until", lambda: in_seconds(inputs.seconds))
        await context.wait_until(until)
        return until.isoformat()


def in_seconds(seconds):
    return virtual_time.now() + timedelta(seconds=seconds)


def registry_of_waits():
    registry = registry_of_tests()
    for each in (Ask, Wait, Chatter, Until):
        registry.register(each)
    return registry


def host_of(**more):
    return Host(now=virtual_time.now, **more)


async def started(definition, **more):
    host = more.pop("host", None) or host_of()
    return await submit_and_begin(definition, registry=registry_of_waits(), host=host, **more)


async def again(run, host=None):
    return await begin(run.store, run.run, registry_of_waits(), host or host_of())
