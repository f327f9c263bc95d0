"""Workflow patterns 25 and 26: cancel a part of the graph, or all instances of a task."""

from runner import GraphBuilder, Map, task
from runner.graph.choices import FirstOf
from runner.library.flow.ask import Ask
from tests.held_tasks import GATES, Until, same
from tests.runs import Driven, Ran


@task(effect="none")
async def nothing(approved: bool) -> int:
    """What stands for a part that was given up."""
    return 0


@task(effect="none")
async def total(values: list[int]) -> int:
    """The sum of numbers."""
    return sum(values)


def region() -> GraphBuilder:
    """Two tasks, one after the other."""
    graph = GraphBuilder("region")
    work = graph.add("work", Until, value=1)
    graph.output("result", graph.add("after", same, value=work.result).result)
    return graph


def instances() -> GraphBuilder:
    """The same task for two items."""
    body = GraphBuilder("body")
    body.output("result", body.add("work", Until, value=body.input("item", "int")).result)
    graph = GraphBuilder("region")
    each = graph.add("each", Map.of(body.as_task(), over=["item"]), item=[1, 2])
    graph.output("result", graph.add("total", total, values=each.result).result)
    return graph


async def given_up(part: GraphBuilder, begun: str) -> Ran:
    """Run a part beside a question that gives it up, and answer once it has begun."""
    GATES.clear()
    asked = GraphBuilder("asked")
    ask = asked.add("ask", Ask({"title": "Give up?"}))
    asked.output("result", asked.add("nothing", nothing, approved=ask.approved).result)
    graph = GraphBuilder("cancel")
    first = graph.add("first", FirstOf.of(part.as_task(), asked.as_task()))
    graph.output("result", graph.add("after", same, value=first.result).result)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", begun)
        await driven.until("TaskAwaiting", "first/asked/ask")
        driven.executor.answer("first/asked/ask", {"approved": True}, "alice")
        return await driven.end()


async def test_25_all_that_is_in_a_graph_is_cancelled_with_it():
    """Engine 8.1."""
    ran = await given_up(region(), "first/region/work")
    assert ran.outputs == {"result": 0}
    assert ran.status("first/region/work") == ran.status("first/region/after") == "cancelled"


async def test_26_all_items_of_a_map_are_cancelled_with_it():
    """Engine 8.1."""
    ran = await given_up(instances(), "first/region/each[1]/work")
    assert ran.outputs == {"result": 0}
    inside = [path for path in ran.statuses() if path.startswith("first/region/")]
    assert {ran.status(path) for path in inside} == {"cancelled"}
    assert "first/region/each[0]/work" in inside
