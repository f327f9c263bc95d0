"""A compound with nothing in it has an end of its own, wherever it stands."""

from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.choices import Fallback, FirstOf
from runner.graph.loops import Map, While
from tests.held_tasks import broken, less, times
from tests.runs import Ran, crash_everywhere, run
from tests.tasks import Emit


def nothing() -> Any:
    """A compound with nothing in it."""
    return GraphBuilder("nothing").as_task()


def nested() -> Any:
    """A compound with only an empty one in it."""
    graph = GraphBuilder("nested")
    graph.add("empty", nothing())
    return graph.as_task()


def body(*, alone: bool) -> Any:
    """What runs again and again: empty compounds, with a task beside them or `alone`."""
    graph = GraphBuilder("body")
    left = graph.input("left", "int")
    graph.add("empty", nothing())
    graph.add("nested", nested())
    graph.output("left", left if alone else graph.add("less", less, left=left).result)
    return graph.as_task()


def over_a_list(inner: Any) -> GraphBuilder:
    graph = GraphBuilder("items")
    graph.add("each", Map.of(inner, over=["left"]), left=[1, 2])
    return graph


def along_a_stream(inner: Any) -> GraphBuilder:
    graph = GraphBuilder("stream")
    numbers = graph.add("emit", Emit, count=2).numbers
    graph.add("each", Map.of(inner, over=["left"]), left=numbers)
    return graph


def in_a_race(inner: Any) -> GraphBuilder:
    graph = GraphBuilder("race")
    graph.add("tried", FirstOf.of(inner, inner), left=1)
    return graph


def in_an_alternative(inner: Any) -> GraphBuilder:
    first = GraphBuilder("first")
    first.output("left", first.add("broken", broken, value=1).result)
    graph = GraphBuilder("alternatives")
    graph.add("tried", Fallback.of(first.as_task(), inner), left=1)
    return graph


AROUND = [
    (over_a_list, ["each[0]", "each[1]"]),
    (along_a_stream, ["each[0]", "each[1]"]),
    (in_a_race, ["tried/body", "tried/body_2"]),
    (in_an_alternative, ["tried/body"]),
]


def ends(ran: Ran, path: str) -> list[str]:
    """Give the kinds of the ends of one compound that were said."""
    return [each.kind for each in ran.of(path, "TaskCompleted", "TaskSkipped", "TaskCancelled")]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("around", "places"), AROUND)
async def test_an_empty_compound_ends_where_it_is_unfolded(around, places, alone):
    """Engine 5.3."""
    ran = await run(around(body(alone=alone)))
    for place in places:
        for name in ("empty", "nested", "nested/empty"):
            assert ends(ran, f"{place}/{name}") == ["TaskCompleted"], (place, name)
        inner = ran.place("TaskCompleted", f"{place}/nested/empty")
        assert inner < ran.place("TaskCompleted", f"{place}/nested")


async def test_an_empty_compound_ends_in_every_turn_of_a_loop():
    """Engine 5.3."""
    graph = GraphBuilder("turns")
    condition = {"port": "left", "is": ">", "value": 0}
    graph.add("loop", While.of(body(alone=False), condition=condition), left=3)
    ran = await run(graph)
    for turn in range(3):
        assert ends(ran, f"loop[{turn}]/nested/empty") == ["TaskCompleted"]
        end = ran.place("TaskCompleted", f"loop[{turn}]/nested")
        assert end < ran.place("TaskCompleted", f"loop[{turn}]/less")


@pytest.mark.parametrize(("around", "places"), AROUND)
async def test_an_empty_compound_ends_once_whatever_crashes(around, places, monkeypatch):
    """Engine 5.3, 7.1."""
    for ran in await crash_everywhere(around(body(alone=False)), monkeypatch):
        for place in places:
            assert ends(ran, f"{place}/nested/empty") == ["TaskCompleted"]


@pytest.mark.parametrize("items", [[], [[]], [[], [1], []]])
async def test_a_map_without_items_ends_in_every_item_of_another(items):
    """Engine 5.3, 8.1."""
    inner = GraphBuilder("inner")
    lists = inner.input("lists", "list[int]")
    inner.output("many", inner.add("each", Map.of(times, over=["item"]), item=lists).result)
    graph = GraphBuilder("outer")
    outer = graph.add("outer", Map.of(inner.as_task(), over=["lists"]), lists=items)
    graph.output("many", outer.many)
    ran = await run(graph)
    assert ran.outputs == {"many": [[10 * number for number in each] for each in items]}
    for item in range(len(items)):
        assert ends(ran, f"outer[{item}]/each") == ["TaskCompleted"]
    assert ends(ran, "outer") == ["TaskCompleted"]
