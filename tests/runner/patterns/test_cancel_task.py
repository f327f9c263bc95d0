"""Workflow pattern 19, cancel task: somebody ends one task, and the run goes on without it."""

from typing import Any

from runner import GraphBuilder, task
from runner.graph.choices import FirstOf
from runner.library.flow.ask import Ask
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Until
from tests.runs import Driven


@task(effect="none")
async def given_up(approved: bool) -> int:
    """What stands for a result that nobody waits for."""
    return -1


def stoppable() -> GraphBuilder:
    """A task beside a question that ends it."""
    asked = GraphBuilder("asked")
    ask = asked.add("ask", Ask({"title": "Give up?"}))
    asked.output("result", asked.add("given_up", given_up, approved=ask.approved).result)
    worked = GraphBuilder("worked")
    worked.output("result", worked.add("work", Until, value=7).result)
    graph = GraphBuilder("stoppable")
    graph.output("result", graph.add("first", FirstOf.of(worked.as_task(), asked.as_task())).result)
    return graph


async def end_of(*, answers: bool) -> Any:
    GATES.clear()
    async with Driven(stoppable()) as driven:
        await driven.until("TaskAwaiting", "first/asked/ask")
        await driven.until("TaskStarted", "first/worked/work")
        if answers:
            driven.executor.answer("first/asked/ask", {"approved": True}, "alice")
        else:
            GATES["gate"].set()
        return await driven.end()


async def test_a_task_that_somebody_gives_up_is_cancelled_and_the_run_completes():
    """Engine 8.1."""
    ran = await end_of(answers=True)
    assert ran.outputs == {"result": -1}
    assert ran.status("first/worked/work") == "cancelled"
    assert ran.kept.status is RunStatus.COMPLETED


async def test_a_task_that_nobody_gives_up_completes_and_the_question_goes_away():
    """Engine 8.1."""
    ran = await end_of(answers=False)
    assert ran.outputs == {"result": 7}
    assert ran.status("first/asked/ask") == "cancelled"
