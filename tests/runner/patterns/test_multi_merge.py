"""Workflow pattern 8, multi merge: what follows runs once for each way that was taken."""

import pytest

from runner import GraphBuilder, Map, task
from runner.graph.choices import Branch
from tests.runs import run


@task(effect="none")
async def review(order: int) -> str:
    """Say who looks at an order."""
    return f"order {order} was looked at"


@task(effect="none")
async def gather(orders: list[int]) -> list[int]:
    """The orders that came."""
    return orders


@pytest.mark.parametrize(("value", "count"), [(50, 2), (8, 1), (2, 0)])
async def test_what_follows_runs_for_each_that_was_taken(value, count):
    """Engine 3.4, 8.1."""
    cases = [
        {"name": name, "if": {"port": "value", "is": ">", "value": limit}}
        for name, limit in (("some", 5), ("much", 20))
    ]
    graph = GraphBuilder("merge")
    ways = graph.add("ways", Branch({"branches": cases, "mode": "all"}), value=value)
    orders = graph.add("orders", gather, orders=[ways.some, ways.much])
    each = graph.add("each", Map.of(review, over=["order"]), order=orders.result)
    graph.output("said", each.result)

    ran = await run(graph)

    assert ran.outputs.get("said", []) == [f"order {value} was looked at"] * count
