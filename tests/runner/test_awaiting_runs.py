"""What a run is said to wait for: not for those who were told to stop."""

import asyncio
from datetime import timedelta
from typing import Any

from runner import GraphBuilder, task
from runner.execution.host import Host
from runner.graph.choices import FirstOf
from runner.run.events import RunAwaiting
from tests.runs import Driven
from tests.virtual_time import now, passed, virtual


@task(name="awaits.person", effect="none")
async def person(context: Any) -> int:
    """Ask somebody; when that is called off, take five seconds to clear up."""
    try:
        await context.ask({"title": "Go on?"})
    finally:
        await asyncio.sleep(5)
    return 1


@task(name="awaits.clock", effect="none")
async def clock(context: Any) -> int:
    """Wait for a time."""
    await context.wait_until(now() + timedelta(seconds=10))
    return 2


@task(name="awaits.nobody", effect="none")
async def asked(context: Any) -> int:
    """Ask somebody."""
    await context.ask({"title": "And you?"})
    return 3


def race() -> GraphBuilder:
    """A person against the clock."""
    graph = GraphBuilder("race")
    first = FirstOf.of(_alone(person), _alone(clock))
    graph.output("first", graph.add("first", first).value)
    return graph


def _alone(body: Any) -> Any:
    graph = GraphBuilder(body.name.partition(".")[2])
    graph.output("value", graph.add("one", body).result)
    return graph.as_task()


def said(driven: Driven) -> list[str]:
    """Give when the run was said to wait, and to go on."""
    kinds = {"RunAwaiting", "RunWoke", "TaskDecided", "TaskCancelled"}
    return [each.kind for each in driven.seen().events if each.kind in kinds]


@virtual
async def test_a_run_does_not_wait_for_who_lost_a_race():
    """Engine 5.1, 8.1: though it takes its time to end."""
    async with Driven(race(), host=Host(now=now)) as driven:
        ran = await driven.end()
        assert said(driven)[:3] == ["RunAwaiting", "RunWoke", "TaskDecided"]
        assert "RunAwaiting" not in said(driven)[3:]
    assert ran.outputs == {"first": 2}
    assert passed() >= 15


@virtual
async def test_what_waits_beside_the_losers_is_what_the_run_waits_for():
    """Engine 5.1."""
    graph = race()
    graph.output("asked", graph.add("asked", asked).result)
    async with Driven(graph, host=Host(now=now)) as driven:
        await driven.until("RunAwaiting", times=2)
        assert passed() < 15
        assert driven.executor.answer("asked", None, "alice")
        ran = await driven.end()
    reasons = [each.reason for each in ran.events if isinstance(each, RunAwaiting)]
    assert reasons == ["input", "input"]
    assert ran.outputs == {"first": 2, "asked": 3}
