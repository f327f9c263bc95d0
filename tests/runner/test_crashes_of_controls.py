"""Runs of control tasks that crash after any commit: a resume decides nothing differently."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch, Fallback, FirstOf, Merge
from runner.graph.loops import Map, Reduce, While
from runner.graph.subgraph import SubGraph
from runner.library.flow.wait import Wait
from tests.held_tasks import broken, less, times
from tests.runs import crash_everywhere
from tests.tasks import Double, Emit, Fail, Note, Number, Total, fault_message

AGAIN = {"retry": {"attempts": 2, "delay": 0.0}}


def noted(value: str, *, name: str = "body", fails: Any = None) -> GraphBuilder:
    """A graph with an effect at its end: a number, and ten times it."""
    body = GraphBuilder(name)
    number = body.input(value, "int")
    ten = body.add("ten", times, item=number)
    last = body.add("broken", broken, value=ten.result) if fails else ten
    body.output("result", body.add("note", Note, values=[number, last.result]).result)
    return body


def branch() -> GraphBuilder:
    graph = GraphBuilder("branch")
    numbers = graph.add("source", Emit, count=3)
    asked = graph.add("asked", Number, value=1)
    case = {"name": "yes", "if": {"port": "ask", "is": ">", "value": 0}}
    route = Branch({"branches": [case], "otherwise": "no"})
    way = graph.add("way", route, value=numbers.numbers, ask=asked.result)
    yes = graph.add("on_yes", Double, numbers=way.yes)
    no = graph.add("on_no", Double, numbers=way.no)
    merge = graph.add("merge", Merge(), values=[no.numbers, yes.numbers])
    graph.output("numbers", merge.value)
    graph.output("total", graph.add("total", Total, numbers=merge.value).result)
    graph.output("way", way.yes)
    return graph


def compound_not_taken() -> GraphBuilder:
    graph = GraphBuilder("compound")
    case = {"name": "big", "if": {"port": "value", "is": ">", "value": 9}}
    asked = graph.add("asked", Number, value=3)
    way = graph.add("way", Branch({"branches": [case], "otherwise": "small"}), value=asked.result)
    big = graph.add("big", noted("value", name="big").as_task(), value=way.big)
    small = graph.add("small", noted("value", name="small").as_task(), value=way.small)
    merge = graph.add("merge", Merge(), values=[big.result, small.result])
    graph.output("result", graph.add("after", Note, values=[merge.value]).result)
    return graph


def map_of_a_list() -> GraphBuilder:
    graph = GraphBuilder("list")
    each = graph.add(
        "each", Map.of(noted("item").as_task(), over=["item"], limit=2), item=[1, 2, 3]
    )
    graph.output("many", each.result)
    graph.output("sum", graph.add("sum", Note, values=each.result).result)
    return graph


def map_along_a_stream() -> GraphBuilder:
    graph = GraphBuilder("stream")
    numbers = graph.add("source", Emit({"yields": 2}), count=3)
    each = graph.add("each", Map.of(noted("item").as_task(), over=["item"]), item=numbers.numbers)
    graph.output("many", each.result)
    graph.output("sum", graph.add("sum", Note, values=each.result).result)
    return graph


def map_along_a_stream_with_gaps() -> GraphBuilder:
    """Items in which a compound ends and a branch is not taken, while more items come."""
    body = GraphBuilder("item")
    item = body.input("item", "int")
    case = {"name": "even", "if": {"port": "value", "is": "==", "value": 0}}
    way = body.add("way", Branch({"branches": [case], "otherwise": "odd"}), value=item)
    even = body.add("even", noted("value", name="even").as_task(), value=way.even)
    odd = body.add("odd", noted("value", name="odd").as_task(), value=way.odd)
    body.output("result", body.add("merge", Merge(), values=[even.result, odd.result]).value)
    graph = GraphBuilder("gaps")
    numbers = graph.add("source", Emit({"yields": 2}), count=3)
    each = graph.add("each", Map.of(body.as_task(), over=["item"]), item=numbers.numbers)
    graph.output("many", each.result)
    return graph


def map_that_streams() -> GraphBuilder:
    graph = GraphBuilder("streams")
    numbers = graph.add("source", Emit({"yields": 2}), count=3)
    each = graph.add("each", Map.of(times, over=["item"], stream=True), item=numbers.numbers)
    again = graph.add("again", Map.of(times, over=["item"], stream=True), item=each.result)
    graph.output("many", each.result)
    graph.output("doubled", graph.add("double", Double, numbers=again.result).numbers)
    return graph


def map_as_finished() -> GraphBuilder:
    graph = GraphBuilder("finished")
    each = graph.add("each", Map.of(times, over=["item"], as_finished=True), item=[1, 2, 3])
    graph.output("many", each.result)
    return graph


def maps_in_maps() -> GraphBuilder:
    inner = GraphBuilder("inner")
    row = inner.input("row", "list[int]")
    cells = Map.of(noted("item").as_task(), over=["item"])
    inner.output("result", inner.add("cells", cells, item=row).result)
    graph = GraphBuilder("outer")
    rows = graph.add("rows", Map.of(inner.as_task(), over=["row"]), row=[[1, 2], [], [3]])
    graph.output("many", rows.result)
    return graph


def map_of_no_items() -> GraphBuilder:
    graph = GraphBuilder("none")
    each = graph.add("each", Map.of(times, over=["item"]), item=[])
    graph.output("many", each.result)
    return graph


def map_after_a_retry() -> GraphBuilder:
    graph = GraphBuilder("retry")
    numbers = graph.add("source", Number, value=3)
    emit = graph.add("emit", Emit, count=numbers.result)
    each = graph.add("each", Map.of(noted("item").as_task(), over=["item"]), item=emit.numbers)
    graph.output("many", each.result)
    return graph


def reduce() -> GraphBuilder:
    body = GraphBuilder("body")
    total, item = body.input("total", "int"), body.input("item", "int")
    body.output("total", body.add("note", Note, values=[total, item]).result)
    graph = GraphBuilder("reduce")
    each = graph.add("each", Reduce.of(body.as_task(), over=["item"]), item=[1, 2, 3], total=10)
    graph.output("total", each.total)
    return graph


def turn() -> GraphBuilder:
    body = GraphBuilder("turn")
    left, total = body.input("left", "int"), body.input("total", "int")
    body.output("left", body.add("less", less, left=left).result)
    body.output("total", body.add("note", Note, values=[total, left]).result)
    return body


def loop(limit: int = 9) -> GraphBuilder:
    graph = GraphBuilder("loop")
    condition = {"port": "left", "is": ">", "value": 0}
    body = While.of(turn().as_task(), condition=condition, limit=limit)
    left = graph.add("start", Number, value=3)
    whole = graph.add("loop", body, left=left.result, total=0)
    graph.output("total", whole.total)
    graph.output("after", graph.add("after", Note, values=[whole.total, whole.left]).result)
    return graph


def loop_beyond_its_limit() -> GraphBuilder:
    return loop(limit=2)


def fallback() -> GraphBuilder:
    graph = GraphBuilder("fallback")
    first = noted("value", name="first", fails=True)
    second = noted("value", name="second")
    tried = graph.add("tried", Fallback.of(first.as_task(), broken, second.as_task()), value=4)
    graph.output("result", tried.result)
    graph.output("after", graph.add("after", Note, values=[tried.result]).result)
    return graph


def fallback_that_streams() -> GraphBuilder:
    graph = GraphBuilder("streams")
    tried = graph.add("tried", Fallback.of(Breaks, Emit), count=3)
    graph.output("numbers", tried.numbers)
    graph.output("doubled", graph.add("double", Double, numbers=tried.numbers).numbers)
    graph.output("total", graph.add("total", Total, numbers=tried.numbers).result)
    return graph


class Breaks(Emit):
    """Streams a little, and fails."""

    name = "test.breaks"

    async def execute(self, inputs, context):
        await context.push_chunk("numbers", 99)
        raise ValueError("no such luck")


def fallback_of_nothing() -> GraphBuilder:
    graph = GraphBuilder("hopeless")
    graph.output("result", graph.add("tried", Fallback.of(broken, broken), value=4).result)
    return graph


def race() -> GraphBuilder:
    graph = GraphBuilder("race")
    slow = GraphBuilder("slow")
    value = slow.input("value", "int")
    wait = slow.add("wait", Wait({"seconds": 3600}))
    slow.output("result", slow.add("never", Later, value=value, until=wait.until).result)
    runs = FirstOf.of(slow.as_task(), noted("value", name="quick").as_task())
    first = graph.add("first", runs, value=4)
    graph.output("result", first.result)
    graph.output("after", graph.add("after", Note, values=[first.result]).result)
    return graph


class Later(Number):
    """A number, after something else."""

    name = "test.later"

    class Inputs(Number.Inputs):
        value: int
        until: Any = None


def sub_graph() -> GraphBuilder:
    inside = noted("value", name="inside")
    graph = GraphBuilder("calling")
    graph.registry.update(inside.registry)
    graph.registry = graph.registry.with_workflows({"inside": inside.definition})
    called = graph.add("called", SubGraph({"workflow": "inside"}, graph.registry), value=4)
    graph.output("result", graph.add("after", Note, values=[called.result]).result)
    return graph


def handled_error() -> GraphBuilder:
    graph = GraphBuilder("handled")
    fail = graph.add("fail", Fail, chunks=2)
    graph.add("reads", Double, numbers=fail.numbers)
    message = graph.add("message", fault_message, fault=fail.error)
    graph.output("message", message.result)
    graph.output("sum", graph.add("sum", Note, values=[]).result)
    return graph


def handled_compound() -> GraphBuilder:
    graph = GraphBuilder("enclosed")
    whole = graph.add("whole", noted("value", fails=True).as_task(), value=2)
    message = graph.add("message", fault_message, fault=whole.error)
    graph.output("message", message.result)
    graph.add("beyond", Note, values=[whole.result])
    return graph


def failing_item() -> GraphBuilder:
    graph = GraphBuilder("failing")
    each = graph.add("each", Map.of(noted("item").as_task(), over=["item"]), item=[1, -1, 2])
    graph.output("many", each.result)
    return graph


ALL: list[Callable[[], GraphBuilder]] = [
    branch, compound_not_taken, map_of_a_list, map_along_a_stream, map_along_a_stream_with_gaps,
    map_that_streams,
    map_as_finished, maps_in_maps, map_of_no_items, map_after_a_retry, reduce, loop,
    loop_beyond_its_limit, fallback, fallback_that_streams, fallback_of_nothing, race, sub_graph,
    handled_error, handled_compound, failing_item,
]  # fmt: skip


@pytest.mark.parametrize("made", ALL, ids=lambda each: each.__name__)
async def test_a_run_that_crashes_after_any_commit_ends_as_if_it_had_not(made, monkeypatch):
    """Engine 1.3, 7.9; P1."""
    graph = made()
    workflows = {"inside": noted("value", name="inside").definition} if made is sub_graph else None
    assert await crash_everywhere(graph, monkeypatch, workflows=workflows)


async def test_a_race_that_was_won_stays_won(monkeypatch):
    """Engine 8.1, 1.3."""
    for ran in await crash_everywhere(race(), monkeypatch):
        winners = {each.decision for each in ran.of("first", "TaskDecided")}
        assert winners == {1}
        assert ran.status("first/slow/wait") == "cancelled"


async def test_a_loop_keeps_the_turns_that_it_has_made(monkeypatch):
    """Engine 1.3, 8.1."""
    for ran in await crash_everywhere(loop(), monkeypatch):
        turns = [each.turn for each in ran.of("loop", "TaskExpanded")]
        assert turns == [0, 1, 2]
