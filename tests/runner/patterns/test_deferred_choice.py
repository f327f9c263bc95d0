"""Workflow pattern 16, deferred choice: a person or the clock decides, whoever comes first."""

from datetime import datetime

from runner import GraphBuilder, task
from runner.graph.choices import FirstOf
from runner.library.flow.ask import Ask
from runner.library.flow.wait import Wait
from tests.runs import Driven, run


@task(effect="none")
async def late(until: datetime) -> str:
    """What is said when the time is over."""
    return "late"


def choice(seconds: float) -> GraphBuilder:
    """Either somebody approves, or the time is over."""
    asked = GraphBuilder("asked")
    asked.output("value", asked.add("ask", Ask({"title": "Go on?"})).note)
    clock = GraphBuilder("clock")
    wait = clock.add("wait", Wait({"seconds": seconds}))
    clock.output("value", clock.add("late", late, until=wait.until).result)
    graph = GraphBuilder("choice")
    first = graph.add("first", FirstOf.of(asked.as_task(), clock.as_task()))
    graph.output("said", first.value)
    return graph


async def test_a_person_may_be_first():
    """Engine 8.1."""
    async with Driven(choice(3600)) as driven:
        await driven.until("TaskAwaiting", "first/asked/ask")
        answer = {"approved": True, "note": "yes"}
        assert driven.executor.answer("first/asked/ask", answer, "alice")
        ran = await driven.end()
    assert ran.outputs == {"said": "yes"}
    assert ran.status("first/clock/wait") == "cancelled"


async def test_the_clock_may_be_first():
    """Engine 8.1."""
    ran = await run(choice(0))
    assert ran.outputs == {"said": "late"}
    assert ran.status("first/asked/ask") == "cancelled"
