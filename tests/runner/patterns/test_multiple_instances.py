"""Workflow patterns 12 to 15, 41 and 42, multiple instances: a task once for each item."""

from runner import GraphBuilder, Map, task
from runner.graph.loops import Reduce
from runner.run.events import TaskStarted
from tests.held_tasks import GATES, Held, plus, times
from tests.runs import Driven, run


@task(effect="none")
async def listed(count: int) -> list[int]:
    """The numbers below a number."""
    return list(range(count))


def adding() -> GraphBuilder:
    """Add an item to a total."""
    body = GraphBuilder("adding")
    total, item = body.input("total", "int"), body.input("item", "int")
    body.output("total", body.add("plus", plus, total=total, item=item).result)
    return body


async def test_12_instances_whose_results_nobody_takes_still_end_before_the_run():
    """Engine 5.3."""
    graph = GraphBuilder("unheard")
    graph.add("each", Map.of(times, over=["item"]), item=[1, 2, 3])
    ran = await run(graph)
    assert [ran.status(f"each[{item}]/times") for item in range(3)] == ["completed"] * 3


async def test_13_how_many_is_known_when_it_is_drawn():
    """Engine 8.1."""
    graph = GraphBuilder("drawn")
    graph.output("all", graph.add("each", Map.of(times, over=["item"]), item=[1, 2]).result)
    graph.output("more", graph.add("more", times, item=3).result)
    ran = await run(graph)
    assert ran.outputs == {"all": [10, 20], "more": 30}


async def test_14_how_many_is_known_when_it_begins():
    """Engine 1.3."""
    graph = GraphBuilder("known")
    numbers = graph.add("listed", listed, count=graph.input("count", "int"))
    graph.output("all", graph.add("each", Map.of(times, over=["item"]), item=numbers.result).result)
    ran = await run(graph, {"count": 4})
    assert ran.outputs == {"all": [0, 10, 20, 30]}
    assert [each.decision for each in ran.of("each", "TaskExpanded")] == [4]


async def test_15_how_many_is_not_known_while_it_goes_on():
    """Engine 4.10."""
    GATES.clear()
    graph = GraphBuilder("unknown")
    numbers = graph.add("source", Held, count=3)
    each = graph.add("each", Map.of(times, over=["item"]), item=numbers.numbers)
    graph.output("all", each.result)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "each[0]/times")
        assert driven.seen().of("source", "StreamClosed") == []
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"all": [0, 10, 20]}


async def test_41_what_the_instances_gave_comes_together():
    """Engine 8.1, 5.10."""
    graph = GraphBuilder("together")
    each = graph.add("each", Map.of(times, over=["item"]), item=[1, 2, 3])
    sum_up = graph.add(
        "sum", Reduce.of(adding().as_task(), over=["item"]), item=each.result, total=0
    )
    graph.output("sum", sum_up.total)
    ran = await run(graph)
    assert ran.outputs == {"sum": 60}


async def test_42_one_thread_becomes_as_many_as_there_are_items():
    """Engine 8.1."""
    graph = GraphBuilder("split")
    each = graph.add("each", Map.of(times, over=["item"], limit=1), item=[5, 6])
    graph.output("all", each.result)
    ran = await run(graph)
    starts = [event.path for event in ran.events if isinstance(event, TaskStarted)]
    assert starts == ["each", "each[0]/times", "each[1]/times"]
