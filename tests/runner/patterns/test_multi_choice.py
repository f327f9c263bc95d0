"""Workflow pattern 6, multi choice: each way that applies is taken, however many do."""

import pytest

from runner import GraphBuilder, task
from runner.graph.choices import Branch
from tests.runs import run


def divides() -> Branch:
    """A branch that is taken where nothing remains, asked on the side."""
    when = {"port": "rest", "is": "==", "value": 0}
    return Branch({"branches": [{"name": "yes", "if": when}]})


@task(effect="none")
async def rest(value: int, by: int) -> int:
    """What remains after a division."""
    return value % by


@task(effect="none")
async def half(value: int, by: int) -> int:
    """A part of a number."""
    return value // by


@pytest.mark.parametrize(
    ("value", "outputs"),
    [(6, {"by_2": 3, "by_3": 2}), (4, {"by_2": 2}), (9, {"by_3": 3}), (7, {})],
)
async def test_a_branch_for_each_condition_side_by_side(value, outputs):
    """Engine 3.4, 8.1."""
    graph = GraphBuilder("choices")
    number = graph.input("value", "int")
    for by in (2, 3):
        left = graph.add(f"rest_{by}", rest, value=number, by=by)
        way = graph.add(f"way_{by}", divides(), value=number, rest=left.result)
        graph.output(f"by_{by}", graph.add(f"half_{by}", half, value=way.yes, by=by).result)

    ran = await run(graph, {"value": value})

    assert ran.outputs == outputs


async def test_one_branch_may_take_all_whose_condition_holds():
    """Engine 8.1."""
    cases = [
        {"name": "some", "if": {"port": "value", "is": ">", "value": 0}},
        {"name": "many", "if": {"port": "value", "is": ">", "value": 5}},
    ]
    graph = GraphBuilder("choices")
    way = graph.add("way", Branch({"branches": cases, "mode": "all"}), value=8)
    graph.output("some", way.some)
    graph.output("many", way.many)

    ran = await run(graph)

    assert ran.outputs == {"some": 8, "many": 8}
