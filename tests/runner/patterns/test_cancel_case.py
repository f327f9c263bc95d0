"""Workflow pattern 20, cancel case: a person ends the whole run."""

from runner import GraphBuilder
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Until, same
from tests.runs import Driven


async def test_a_cancelled_run_begins_nothing_more_and_keeps_what_was_done():
    """Engine 5.8; P8."""
    GATES.clear()
    graph = GraphBuilder("cancel")
    done = graph.add("done", same, value=1)
    slow = graph.add("slow", Until, value=done.result)
    graph.add("never", same, value=slow.result)

    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "slow")
        driven.executor.cancel("alice")
        ran = await driven.end()

    assert ran.kept.status is RunStatus.CANCELLED
    assert ran.statuses() == {"done": "completed", "slow": "cancelled", "never": "cancelled"}
