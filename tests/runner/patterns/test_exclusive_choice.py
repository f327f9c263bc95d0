"""Workflow pattern 4, exclusive choice: one of several ways is taken, the others are skipped."""

import pytest

from runner import GraphBuilder, task
from runner.graph.choices import Branch
from tests.runs import run

SIZE = Branch(
    {
        "branches": [{"name": "small", "if": {"port": "value", "is": "<", "value": 10}}],
        "otherwise": "large",
    }
)


@task(effect="none")
async def keep(value: int) -> str:
    """Say that a number stays."""
    return f"{value} stays"


@task(effect="none")
async def split(value: int) -> str:
    """Say that a number is halved."""
    return f"{value // 2} twice"


@pytest.mark.parametrize(
    ("value", "outputs"), [(4, {"small": "4 stays"}), (40, {"large": "20 twice"})]
)
async def test_one_way_is_taken_and_what_was_not_is_skipped(value, outputs):
    """Engine 3.4, 8.1."""
    graph = GraphBuilder("choice")
    size = graph.add("size", SIZE, value=graph.input("value", "int"))
    graph.output("small", graph.add("keep", keep, value=size.small).result)
    graph.output("large", graph.add("split", split, value=size.large).result)

    ran = await run(graph, {"value": value})

    assert ran.outputs == outputs
    assert sorted((ran.status("keep"), ran.status("split"))) == ["completed", "skipped"]
