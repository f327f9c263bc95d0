"""Workflow patterns 7 and 37, synchronising merge: wait for all that was taken, however nested."""

import pytest

from runner import GraphBuilder, task
from runner.graph.choices import Branch
from tests.runs import run


def above(limit: int) -> Branch:
    """A branch that numbers above a limit take."""
    when = {"port": "value", "is": ">", "value": limit}
    return Branch({"branches": [{"name": "yes", "if": when}]})


@task(effect="none")
async def ten(value: int) -> int:
    """Ten times a number."""
    return 10 * value


@task(effect="none")
async def together(values: list[int]) -> list[int]:
    """All that came, in the order drawn."""
    return values


@pytest.mark.parametrize(("value", "outputs"), [(3, [3, 30, 3]), (1, [1, 10]), (0, [0])])
async def test_a_list_port_waits_for_all_and_drops_what_is_not_taken(value, outputs):
    """Engine 3.4, 3.2."""
    graph = GraphBuilder("merge")
    number = graph.input("value", "int")
    first = graph.add("first", above(0), value=number)
    times = graph.add("times", ten, value=first.yes)
    second = graph.add("second", above(2), value=first.yes)
    ends = [number, times.result, second.yes]
    graph.output("all", graph.add("together", together, values=ends).result)

    ran = await run(graph, {"value": value})

    assert ran.outputs == {"all": outputs}
