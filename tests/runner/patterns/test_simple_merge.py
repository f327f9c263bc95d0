"""Workflow pattern 5, simple merge: the ways of one choice come together again."""

import pytest

from runner import GraphBuilder, task
from runner.graph.choices import Branch, Merge
from tests.runs import run

SIGN = Branch(
    {
        "branches": [{"name": "below", "if": {"port": "value", "is": "<", "value": 0}}],
        "otherwise": "above",
    }
)


@task(effect="none")
async def turned(value: int) -> int:
    """A number with the other sign."""
    return -value


@task(effect="none")
async def said(value: int) -> str:
    """A number in words."""
    return f"it is {value}"


@pytest.mark.parametrize("value", [-3, 3])
async def test_whichever_way_was_taken_what_follows_goes_on_once(value):
    """Engine 3.4, 8.1."""
    graph = GraphBuilder("merge")
    sign = graph.add("sign", SIGN, value=graph.input("value", "int"))
    positive = graph.add("turned", turned, value=sign.below)
    merge = graph.add("merge", Merge(), values=[positive.result, sign.above])
    graph.output("said", graph.add("said", said, value=merge.value).result)

    ran = await run(graph, {"value": value})

    assert ran.outputs == {"said": "it is 3"}
