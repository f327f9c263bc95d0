"""Workflow pattern 3, synchronisation: a task with several inputs waits for all of them."""

from runner import GraphBuilder, task
from tests.held_tasks import GATES, Until
from tests.runs import Driven


@task(effect="none")
async def sum_of(left: int, right: int) -> int:
    """The sum of two numbers."""
    return left + right


async def test_a_task_begins_when_all_its_inputs_are_there():
    """Engine 4.2."""
    GATES.clear()
    graph = GraphBuilder("synchronisation")
    left = graph.add("left", Until({"gate": "left"}), value=1)
    right = graph.add("right", Until({"gate": "right"}), value=2)
    both = graph.add("both", sum_of, left=left.result, right=right.result)
    graph.output("sum", both.result)

    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "right")
        GATES["right"].set()
        await driven.until("TaskCompleted", "right")
        assert driven.seen().of("both") == []
        GATES["left"].set()
        ran = await driven.end()

    assert ran.outputs == {"sum": 3}
