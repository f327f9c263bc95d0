"""Workflow pattern 22, recursion: a workflow that runs itself, as long as it has an end."""

from runner import GraphBuilder, task
from runner.graph.choices import Branch, Merge
from runner.graph.definition import GraphDefinition
from runner.graph.subgraph import SubGraph
from tests.runs import run

MORE = Branch(
    {
        "branches": [{"name": "more", "if": {"port": "value", "is": ">", "value": 1}}],
        "otherwise": "enough",
    }
)


@task(effect="none")
async def one_less(value: int) -> int:
    """One less."""
    return value - 1


@task(effect="none")
async def times(left: int, right: int) -> int:
    """A product."""
    return left * right


def factorial() -> GraphBuilder:
    """The product of all numbers up to one: n times that of n - 1."""
    graph = GraphBuilder("factorial")
    empty = GraphDefinition.from_json(OUTSIDE)
    graph.registry = graph.registry.with_workflows({"factorial": empty})
    value = graph.input("value", "int")
    way = graph.add("way", MORE, value=value)
    less = graph.add("less", one_less, value=way.more)
    again = graph.add(
        "again", SubGraph({"workflow": "factorial"}, graph.registry), value=less.result
    )
    product = graph.add("product", times, left=way.more, right=again.result)
    merge = graph.add("merge", Merge(), values=[product.result, way.enough])
    graph.output("result", merge.value)
    return graph


#: What the workflow looks like from outside, before it is drawn.
OUTSIDE = """{"v": 1, "name": "factorial", "inputs": [{"name": "value", "type": "int"}],
    "outputs": [{"name": "result", "from": "$inputs.value"}]}"""


async def test_a_workflow_runs_itself_until_it_is_enough():
    """Engine 6.8."""
    graph = factorial()
    ran = await run(graph, {"value": 5}, workflows={"factorial": graph.definition})
    assert ran.outputs == {"result": 120}
    assert ran.status("again/again/again/product") == "completed"


async def test_a_recursion_that_goes_too_deep_fails_loudly():
    """Engine 6.8."""
    graph = factorial()
    ran = await run(graph, {"value": 40}, workflows={"factorial": graph.definition})
    assert "deeper than 32 levels" in ran.error
