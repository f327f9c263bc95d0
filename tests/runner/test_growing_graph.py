"""The graph of a run: made by the system, grown only by recorded decisions, made again the same."""

import dataclasses
from collections.abc import Mapping

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.choices import Fallback
from runner.graph.loops import Map, While
from tests.gates import Gate
from tests.held_tasks import broken, less, same, times
from tests.runs import Driven, Ran
from tests.tasks import Emit, Number


def growing() -> GraphBuilder:
    """A map, a loop and alternatives, and a task that holds the run open."""
    Gate.reset()
    graph = GraphBuilder("growing")
    numbers = graph.add("emit", Emit, count=2).numbers
    graph.output("many", graph.add("each", Map.of(times, over=["item"]), item=numbers).result)
    turn = GraphBuilder("turn")
    turn.output("left", turn.add("less", less, left=turn.input("left", "int")).result)
    more = {"port": "left", "is": ">", "value": 0}
    graph.output("left", graph.add("loop", While.of(turn.as_task(), condition=more), left=2).left)
    graph.output("tried", graph.add("tried", Fallback.of(broken, same), value=7).result)
    graph.output("held", graph.add("held", Gate).result)
    return graph


def drawn(ran: Ran) -> Mapping[str, object]:
    """Give where each task of a run takes its inputs from, by path."""
    tasks = ran.executor.state.tasks
    return {path: (each.planned.sources, each.planned.parent) for path, each in tasks.items()}


async def grown(driven: Driven) -> None:
    """Wait until all has unfolded."""
    for path in ("each", "loop", "tried"):
        await driven.until("TaskCompleted", path)


async def test_a_graph_grows_by_items_turns_and_alternatives_each_of_them_recorded():
    """Engine 1.2, 1.3."""
    async with Driven(growing()) as driven:
        before = set(driven.executor.state.tasks)
        await grown(driven)
        ran = driven.seen()
    assert before == {"emit", "each", "loop", "tried", "held"}
    assert set(ran.statuses()) - before == {
        "each[0]/times", "each[1]/times", "loop[0]/less", "loop[1]/less",
        "tried/broken", "tried/same",
    }  # fmt: skip
    expanded = [each for each in ran.events if each.kind == "TaskExpanded"]
    assert len(expanded) == 2 + 2 + 2


async def test_whoever_takes_a_run_up_has_the_same_graph():
    """Engine 1.2, 1.3: made again of the definition, the inputs and the recorded expansions."""
    async with Driven(growing()) as driven:
        await grown(driven)
        whole = drawn(driven.seen())
        await driven.stop()
        await driven.take_up()
        await driven.until("TaskStarted", "held", times=2)
        again = driven.seen()
        assert drawn(again) == whole
        Gate.open("held")
        ran = await driven.end()
    assert ran.outputs == {"many": [0, 10], "left": 0, "tried": 7, "held": 1}
    assert len([each for each in ran.events if each.kind == "TaskExpanded"]) == 6


def test_nobody_changes_a_plan():
    """Engine 1.2."""
    graph = GraphBuilder("fixed")
    graph.add("one", Number)
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.as_task().checked.definition.title = "another"  # type: ignore[misc]
