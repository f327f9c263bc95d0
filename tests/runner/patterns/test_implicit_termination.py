"""Workflow pattern 11, implicit termination: a run ends when nothing is left to do."""

from runner import GraphBuilder
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Until, same
from tests.runs import Driven


async def test_a_run_ends_with_the_last_of_its_tasks_though_nobody_waits_for_it():
    """Engine 5.3."""
    GATES.clear()
    graph = GraphBuilder("ends")
    graph.output("value", graph.add("quick", same, value=1).result)
    graph.add("slow", Until, value=2)

    async with Driven(graph) as driven:
        await driven.until("TaskCompleted", "quick")
        assert driven.seen().kept.status is RunStatus.RUNNING
        GATES["gate"].set()
        ran = await driven.end()

    assert ran.kept.status is RunStatus.COMPLETED
    assert set(ran.statuses().values()) == {"completed"}
