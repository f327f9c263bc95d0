"""Runs of Branch and Merge: which way values and streams go, and what follows from it."""

from typing import Any

import pytest

from runner.graph.building import GraphBuilder, OutputPort
from runner.graph.choices import Branch, Merge
from runner.graph.loops import Map
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Held, Listed, same, times
from tests.runs import Driven, run
from tests.tasks import Add, Braid, Double, Emit, Number, Total


def when(port: str, test: str, value: Any = None) -> dict[str, Any]:
    return {"port": port, "is": test, "value": value}


def branch(**more: Any) -> Branch:
    """Low below 10, high from 5 on."""
    cases = [
        {"name": "low", "if": when("value", "<", 10)},
        {"name": "high", "if": when("value", ">=", 5)},
    ]
    return Branch({"branches": cases, **more})


def on_the_side(otherwise: str | None = "no") -> Branch:
    """Yes if `ask` is above 0, whatever the value."""
    case = {"name": "yes", "if": when("ask", ">", 0)}
    return Branch({"branches": [case], "otherwise": otherwise})


def end(task: str, port: str) -> OutputPort:
    """Give an output of a task that was added before."""
    return OutputPort(f"{task}.{port}", Number().outputs["result"])


def both_ways(chosen: Branch, *ways: str) -> GraphBuilder:
    graph = GraphBuilder("ways")
    size = graph.add("size", chosen, value=graph.input("value", "int"))
    for way in ways:
        graph.output(way, graph.add(f"on_{way}", same, value=size[way]).result)
    return graph


@pytest.mark.parametrize(
    ("mode", "value", "taken"),
    [
        ("first", 3, ["low"]), ("first", 7, ["low"]), ("first", 12, ["high"]),
        ("all", 3, ["low"]), ("all", 7, ["low", "high"]), ("all", 12, ["high"]),
    ],
)  # fmt: skip
async def test_a_branch_takes_the_first_or_all_whose_condition_holds(mode, value, taken):
    """Engine 8.1, 3.4."""
    ran = await run(both_ways(branch(mode=mode), "low", "high"), {"value": value})
    assert ran.outputs == dict.fromkeys(taken, value)
    assert [ran.status(f"on_{way}") for way in ("low", "high")] == [
        "completed" if way in taken else "skipped" for way in ("low", "high")
    ]
    (decided,) = ran.of("size", "TaskDecided")
    assert decided.decision == taken


@pytest.mark.parametrize(("otherwise", "taken"), [("else_", {"else_": 3}), (None, {})])
async def test_where_no_condition_holds_otherwise_is_taken_or_nothing(otherwise, taken):
    """Engine 8.1, 3.4."""
    chosen = Branch(
        {"branches": [{"name": "big", "if": when("value", ">", 9)}], "otherwise": otherwise}
    )
    ran = await run(both_ways(chosen, *([otherwise] if otherwise else []), "big"), {"value": 3})
    assert ran.outputs == taken
    assert ran.status("on_big") == "skipped"


async def test_what_is_skipped_skips_all_that_requires_it_and_says_why():
    """Engine 3.4."""
    graph = both_ways(branch(), "low")
    beyond = graph.add("beyond", same, value=end("size", "high"))
    graph.add("further", same, value=beyond.result)
    ran = await run(graph, {"value": 1})
    assert (ran.status("beyond"), ran.status("further")) == ("skipped", "skipped")
    assert [each.reason for each in ran.of("further", "TaskSkipped")] == [
        "nothing was taken for value"
    ]


async def test_a_list_port_drops_what_is_not_taken():
    """Engine 3.2, 3.4."""
    graph = both_ways(branch(), "low", "high")
    number = graph.add("number", Number, value=100)
    ends = [end("on_high", "result"), end("on_low", "result"), number.result]
    graph.output("sum", graph.add("sum", Add, values=ends).result)
    ran = await run(graph, {"value": 4})
    assert ran.outputs["sum"] == 104


async def test_a_list_port_that_gets_nothing_is_an_empty_list_if_it_has_that_default():
    """Engine 3.4."""
    graph = GraphBuilder("none")
    size = graph.add("size", branch(), value=20)
    graph.output("sum", graph.add("sum", Add, values=[size.low]).result)
    ran = await run(graph)
    assert ran.outputs == {"sum": 0}


async def test_a_value_that_is_not_taken_leaves_the_default():
    """Engine 3.4."""
    graph = GraphBuilder("default")
    size = graph.add("size", branch(), value=20)
    graph.output("number", graph.add("number", Number, value=size.low).result)
    ran = await run(graph)
    assert ran.outputs == {"number": 1}


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


def streamed(source: Any, ask: int, **more: Any) -> GraphBuilder:
    """A stream that goes through a branch asked on the side, each way read by a task."""
    graph = GraphBuilder("streamed")
    numbers = graph.add("source", source, **more)
    asked = graph.add("asked", Number, value=ask)
    way = graph.add("way", on_the_side(), value=numbers.numbers, ask=asked.result)
    for name in ("yes", "no"):
        graph.output(name, graph.add(f"on_{name}", Double, numbers=way[name]).numbers)
    return graph


@pytest.mark.parametrize(("ask", "taken"), [(1, "yes"), (0, "no")])
async def test_a_branch_asked_on_the_side_lets_a_stream_through(ask, taken):
    """Engine 4.6."""
    GATES.clear()
    async with Driven(streamed(Held, ask)) as driven:
        await driven.until("StreamOpened", f"on_{taken}")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {taken: [0, 2, 4]}
    other = {"yes": "no", "no": "yes"}[taken]
    assert ran.kinds(f"on_{other}") == ["TaskSkipped"]


async def test_a_branch_asked_about_the_stream_waits_for_its_end():
    """Engine 4.6."""
    graph = GraphBuilder("whole")
    numbers = graph.add("source", Emit, count=3)
    case = {"name": "some", "if": {"port": "value", "is": "not empty"}}
    way = graph.add("way", Branch({"branches": [case]}), value=numbers.numbers)
    graph.output("doubled", graph.add("double", Double, numbers=way.some).numbers)
    ran = await run(graph)
    assert ran.outputs == {"doubled": [0, 2, 4]}
    assert ran.place("TaskCompleted", "source") < ran.place("TaskDecided", "way")


async def test_a_producer_that_is_tried_again_streams_through_a_branch_anew():
    """Engine 4.7, 5.5."""
    twice = {"retry": {"attempts": 2, "delay": 0.0}}
    ran = await run(streamed(Flaky({"fails": 1, "after": 2}), 1, policy=twice))
    assert ran.outputs == {"yes": [400, 402, 404]}
    assert len(ran.of("source", "TaskRetrying")) == 1
    assert [each.decision for each in ran.of("way", "TaskDecided")] == [["yes"], ["yes"]]


async def test_a_producer_that_fails_behind_a_branch_takes_its_readers_along():
    """Engine 4.7."""
    ran = await run(streamed(Flaky({"fails": 1, "after": 2}), 1))
    assert ran.kept.status is RunStatus.FAILED
    assert [ran.status(each) for each in ("source", "way", "on_yes", "on_no")] == [
        "failed", "upstream-failed", "upstream-failed", "skipped",
    ]  # fmt: skip


async def test_a_branch_passes_a_stream_on_to_a_task_with_an_effect_at_its_end():
    """Engine 4.8."""
    graph = GraphBuilder("effect")
    numbers = graph.add("source", Emit, count=4)
    asked = graph.add("asked", Number, value=1)
    way = graph.add("way", on_the_side(), value=numbers.numbers, ask=asked.result)
    graph.output("total", graph.add("total", Total, numbers=way.yes).result)
    ran = await run(graph)
    assert ran.outputs == {"total": 6}
    assert ran.place("TaskCompleted", "way") < ran.place("TaskStarted", "total")


# ── a compound behind a branch ──────────────────────────────────────────────────────────────────


def inner() -> GraphBuilder:
    graph = GraphBuilder("inner")
    value = graph.input("value", "int")
    fixed = graph.add("fixed", Number, value=5)
    graph.output("sum", graph.add("sum", Add, values=[value, fixed.result]).result)
    graph.output("fixed", fixed.result)
    return graph


@pytest.mark.parametrize(("value", "outputs"), [(3, {"sum": 8, "fixed": 5}), (20, {})])
async def test_a_compound_behind_a_branch_is_skipped_as_a_whole(value, outputs):
    """Engine 3.4, 2.7."""
    graph = GraphBuilder("compound")
    size = graph.add("size", branch(), value=graph.input("value", "int"))
    whole = graph.add("whole", inner().as_task(), value=size.low)
    graph.output("sum", whole.sum)
    graph.output("fixed", whole.fixed)
    ran = await run(graph, {"value": value})
    assert ran.outputs == outputs
    wanted = "completed" if outputs else "skipped"
    assert (ran.status("whole/fixed"), ran.status("whole/sum")) == (wanted, wanted)
    assert ran.kinds("whole") == (["TaskStarted", "TaskCompleted"] if outputs else ["TaskSkipped"])


@pytest.mark.parametrize(("value", "outputs"), [(3, {"many": [30, 30]}), (20, {})])
async def test_a_map_behind_a_branch_is_skipped_before_it_unfolds(value, outputs):
    """Engine 3.4."""
    graph = GraphBuilder("mapped")
    size = graph.add("size", branch(), value=graph.input("value", "int"))
    pair = graph.add("pair", Braided, value=size.low)
    each = graph.add("each", Map.of(times, over=["item"]), item=pair.result)
    graph.output("many", each.result)
    ran = await run(graph, {"value": value})
    assert ran.outputs == outputs
    assert len(ran.of("each", "TaskExpanded")) == len(outputs)


class Braided(Braid):
    """A number, twice in a list."""

    name = "test.twice"

    class Inputs(Number.Inputs):
        """The number; it is required."""

        value: int

    async def execute(self, inputs, context):
        return [inputs.value, inputs.value]


# ── merges ──────────────────────────────────────────────────────────────────────────────────────


def merged(mode: str = "first") -> GraphBuilder:
    graph = both_ways(branch(mode=mode), "low", "high")
    ends = [end("on_high", "result"), end("on_low", "result")]
    merge = graph.add("merge", Merge(), values=ends)
    graph.output("merged", graph.add("after", same, value=merge.value).result)
    return graph


@pytest.mark.parametrize(("value", "index"), [(12, 0), (3, 1)])
async def test_a_merge_goes_on_with_the_one_that_is_taken(value, index):
    """Engine 8.1."""
    ran = await run(merged(), {"value": value})
    assert ran.outputs["merged"] == value
    (decided,) = ran.of("merge", "TaskDecided")
    assert decided.decision == index


async def test_of_several_that_are_taken_a_merge_goes_on_with_the_first_that_was_drawn():
    """Engine 8.1, 5.10."""
    graph = GraphBuilder("several")
    size = graph.add("size", branch(mode="all"), value=7)
    ten = graph.add("ten", times, item=size.high)
    merge = graph.add("merge", Merge(), values=[ten.result, size.low])
    graph.output("merged", merge.value)
    ran = await run(graph)
    assert ran.outputs == {"merged": 70}


async def test_a_merge_is_skipped_only_if_nothing_is_taken():
    """Engine 3.4."""
    graph = GraphBuilder("nothing")
    size = graph.add("size", branch(), value=2)
    other = graph.add("other", branch(), value=2)
    merge = graph.add("merge", Merge(), values=[size.high, other.high])
    graph.output("merged", graph.add("after", same, value=merge.value).result)
    ran = await run(graph)
    assert ran.outputs == {}
    assert (ran.status("merge"), ran.status("after")) == ("skipped", "skipped")


async def test_a_merge_passes_the_taken_stream_as_it_comes():
    """Engine 4.6."""
    GATES.clear()
    graph = streamed(Held, 1)
    ends = [end("on_no", "numbers"), end("on_yes", "numbers")]
    merge = graph.add("merge", Merge(), values=ends)
    graph.output("listed", graph.add("listed", Double, numbers=merge.value).numbers)
    async with Driven(graph) as driven:
        await driven.until("StreamOpened", "listed")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs["listed"] == [0, 4, 8]


async def test_a_merge_of_a_stream_and_a_value_gives_either():
    """Engine 4.6, 4.3."""
    for ask, wanted in ((1, [0, 1, 2]), (0, [7])):
        graph = GraphBuilder("either")
        numbers = graph.add("source", Emit, count=3)
        asked = graph.add("asked", Number, value=ask)
        way = graph.add("way", on_the_side(), value=numbers.numbers, ask=asked.result)
        flat = graph.add("flat", Seven, start=way.no)
        merge = graph.add("merge", Merge(), values=[way.yes, flat.result])
        graph.output("listed", graph.add("listed", Listed, numbers=merge.value).result)
        ran = await run(graph)
        assert ran.outputs == {"listed": wanted}


class Seven(Braid):
    """A list with a seven in it, that comes as one value."""

    name = "test.seven"

    class Inputs(Listed.Inputs):
        """Something that says whether to run."""

        numbers: Any = None
        start: list[int]

    async def execute(self, inputs, context):
        return [7]
