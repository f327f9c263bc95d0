"""Runs of Map: order, limits, streams, failures."""

import asyncio
from typing import Any

import pytest

from runner.graph.building import GraphBuilder, OutputPort
from runner.graph.loops import Map
from runner.graph.ports import Chunks, Ports
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Held, Listed, Until, plus, times
from tests.runs import Driven, run
from tests.tasks import EXECUTED, Add, Double, Emit, observe

RETRY = {"retry": {"attempts": 2, "delay": 0.0}}


def mapped(
    body: Any = times, source: Any = Emit, *, policy: Any = None, **config: Any
) -> GraphBuilder:
    """A stream of numbers and a map over them, whose body takes `item`."""
    graph = GraphBuilder("mapped")
    count = graph.input("count", "int")
    numbers = graph.add("source", source, count=count, policy=policy)
    each = graph.add("each", Map.of(body, over=["item"], **config), item=numbers.numbers)
    graph.output("many", each.result)
    return graph


@pytest.mark.parametrize("count", [0, 1, 5, 40])
@pytest.mark.parametrize("limit", [1, 3, 8])
async def test_a_map_keeps_the_order_of_its_items(count, limit):
    """Engine 5.10, 8.1."""
    ran = await run(mapped(limit=limit), {"count": count})
    assert ran.outputs == {"many": [10 * item for item in range(count)]}


class Peak(Task):
    """Counts how many of it are under way."""

    name = "test.peak"
    effect = "none"
    now, most = 0, 0

    class Inputs(Ports):
        item: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        Peak.now += 1
        Peak.most = max(Peak.most, Peak.now)
        for _ in range(3):
            await asyncio.sleep(0)
        Peak.now -= 1
        return inputs.item


@pytest.mark.parametrize("limit", [1, 3])
async def test_a_map_runs_no_more_items_at_a_time_than_its_limit(limit):
    """Engine 8.1."""
    Peak.now = Peak.most = 0
    await run(mapped(Peak, limit=limit), {"count": 9})
    assert Peak.most == limit


async def test_a_map_over_a_list_unfolds_once_and_counts_its_items():
    """Engine 5.9, 1.3."""
    graph = GraphBuilder("list")
    each = graph.add("each", Map.of(times, over=["item"]), item=[1, 2, 3])
    graph.output("many", each.result)
    ran = await run(graph)
    assert ran.outputs == {"many": [10, 20, 30]}
    (unfolded,) = ran.of("each", "TaskExpanded")
    assert (unfolded.turn, unfolded.decision) == (0, 3)
    assert ran.kept.progress.total == 3
    assert [(each.path, each.said()) for each in ran.differences()] == [("each", "expanded ×3")]


async def test_lists_that_a_map_goes_over_side_by_side_have_one_length():
    """Engine 8.1."""
    graph = GraphBuilder("pairs")
    each = graph.add("each", Map.of(plus, over=["item", "total"]), item=[1, 2], total=[1, 2, 3])
    graph.output("many", each.result)
    ran = await run(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert "differ in length" in ran.error


async def test_maps_nest():
    """Engine 2.7, 8.1."""
    inner = GraphBuilder("inner")
    row = inner.input("row", "list[int]")
    inner.output("result", inner.add("cells", Map.of(times, over=["item"]), item=row).result)
    graph = GraphBuilder("outer")
    rows = graph.add("rows", Map.of(inner.as_task(), over=["row"]), row=[[1, 2], [], [3]])
    graph.output("many", rows.result)
    ran = await run(graph)
    assert ran.outputs == {"many": [[10, 20], [], [30]]}
    assert ran.status("rows[0]/cells[1]/times") == "completed"


async def test_after_an_error_in_one_item_the_others_go_on():
    """Engine 5.4."""
    graph = GraphBuilder("errors")
    each = graph.add("each", Map.of(times, over=["item"], limit=1), item=[1, -2, 3, -4])
    after = graph.add("after", Add, values=each.result)
    graph.output("sum", after.result)
    ran = await run(graph)
    assert ran.error == "-2 is below zero"
    assert [ran.status(f"each[{item}]/times") for item in range(4)] == [
        "completed", "failed", "completed", "failed",
    ]  # fmt: skip
    assert (ran.status("each"), ran.status("after")) == ("failed", "upstream-failed")


# ── along a stream ──────────────────────────────────────────────────────────────────────────────


async def test_over_a_stream_item_i_starts_at_chunk_i():
    """Engine 4.10."""
    GATES.clear()
    async with Driven(mapped(source=Held), {"count": 3}) as driven:
        await driven.until("TaskStarted", "each[0]/times")
        assert "each[1]/times" not in driven.executor.state.tasks
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"many": [0, 10, 20]}
    assert [each.decision for each in ran.of("each", "TaskExpanded")] == [1, 2, 3]
    assert [each.decision for each in ran.of("each", "TaskDecided")] == [3]
    assert ran.place("TaskCompleted", "source") < ran.place("TaskCompleted", "each[0]/times")


async def test_what_reads_a_map_along_a_stream_waits_for_its_items():
    """Engine 4.2."""
    GATES.clear()
    graph = GraphBuilder("slow")
    numbers = graph.add("source", Emit, count=2)
    each = graph.add("each", Map.of(held_item().as_task(), over=["item"]), item=numbers.numbers)
    graph.output("sum", graph.add("sum", Add, values=each.result).result)
    async with Driven(graph) as driven:
        await driven.until("TaskCompleted", "source")
        assert driven.executor.state.tasks["sum"].status == "pending"
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"sum": 1}


def held_item() -> GraphBuilder:
    graph = GraphBuilder("body")
    until = graph.add("until", Until, value=graph.input("item", "int"))
    graph.output("result", until.result)
    return graph


async def test_a_producer_that_is_tried_again_unfolds_its_map_anew():
    """Engine 4.7, 5.5."""
    graph = mapped(source=Flaky({"fails": 1, "after": 2}), policy=RETRY)
    ran = await run(graph, {"count": 3})
    assert ran.outputs == {"many": [2000, 2010, 2020]}
    assert len(ran.of("each", "TaskDropped")) == 1
    assert ran.kept.progress.total == 4


async def test_a_producer_that_is_tried_again_may_stream_less():
    """Engine 4.7."""
    EXECUTED.clear()
    graph = mapped(source=Shorter, policy=RETRY)
    ran = await run(graph, {"count": 5})
    assert ran.outputs == {"many": [0, 10]}
    assert "each[4]/times" not in ran.statuses()


class Shorter(Flaky):
    """All its numbers the first time, and two the second."""

    name = "test.shorter"

    async def execute(self, inputs, context):
        for number in range(inputs.count if context.attempt == 1 else 2):
            await context.push_chunk("numbers", number)
        for _ in range(50):
            await asyncio.sleep(0)
        if context.attempt == 1:
            raise ValueError("not yet")


async def test_a_producer_that_fails_takes_the_map_and_its_items_along():
    """Engine 4.7, 5.4."""
    GATES.clear()
    source = Flaky({"fails": 1, "after": 2, "gate": "fail"})
    async with Driven(mapped(source=source), {"count": 3}) as driven:
        await driven.until("TaskStarted", "each[0]/times")
        GATES.setdefault("fail", asyncio.Event()).set()
        ran = await driven.end()
    assert ran.kept.status is RunStatus.FAILED
    assert ran.status("each") == "upstream-failed"
    assert ran.kinds("each[0]/times")[-1] == "TaskDropped"


@pytest.mark.parametrize("count", [0, 1, 7])
async def test_a_map_may_stream_its_results_in_item_order(count):
    """Engine 4.10."""
    graph = mapped(stream=True)
    graph.output("doubled", graph.add("double", Double, numbers=EACH).numbers)
    ran = await run(graph, {"count": count})
    assert ran.outputs == {
        "many": [10 * item for item in range(count)],
        "doubled": [20 * item for item in range(count)],
    }


#: The output of the map, whose results are lists.
EACH = OutputPort("each.result", Emit().outputs["numbers"])


async def test_results_of_a_map_go_on_before_its_source_ends():
    """Engine 4.10, 4.6."""
    GATES.clear()
    graph = mapped(source=Held, stream=True)
    graph.output("doubled", graph.add("double", Double, numbers=EACH).numbers)
    async with Driven(graph, {"count": 3}) as driven:
        await driven.until("StreamOpened", "double")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs["doubled"] == [0, 20, 40]


class Backwards(Task):
    """A number, the later ones first."""

    name = "test.backwards"
    effect = "none"

    class Inputs(Ports):
        item: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        observe(context)
        for _ in range(30 - 10 * inputs.item):
            await asyncio.sleep(0)
        return inputs.item


class Indexed(Task):
    """Lists what a map gave as it finished."""

    name = "test.indexed"
    effect = "none"

    class Inputs(Ports):
        items: Chunks[Any]

    class Outputs(Ports):
        result: list[Any]

    async def execute(self, inputs, context):
        return [each async for each in inputs.items]


@pytest.mark.parametrize("source", [Emit, None])
async def test_a_map_may_stream_results_as_they_finish_and_adds_them_up_in_order(source):
    """Engine 4.10, 5.10."""
    graph = GraphBuilder("finished")
    numbers = graph.add("source", Emit, count=3).numbers if source else [0, 1, 2]
    body = Map.of(Backwards, over=["item"], as_finished=True)
    each = graph.add("each", body, item=numbers)
    graph.output("many", each.result)
    graph.output("seen", graph.add("seen", Indexed, items=each.result).result)
    ran = await run(graph)
    assert ran.outputs["many"] == [0, 1, 2]
    assert sorted(ran.outputs["seen"]) == [[0, 0], [1, 1], [2, 2]]
    assert ran.outputs["seen"][0] == [2, 2]


async def test_a_streaming_map_that_has_begun_starts_anew_with_its_producer():
    """Engine 4.7."""
    graph = mapped(source=Flaky({"fails": 1, "after": 2}), policy=RETRY, stream=True)
    graph.output("listed", graph.add("listed", Listed, numbers=EACH).result)
    ran = await run(graph, {"count": 3})
    assert ran.outputs["listed"] == [2000, 2010, 2020]


async def test_an_error_in_one_item_ends_the_stream_of_a_map():
    """Engine 4.7, 5.4."""
    graph = GraphBuilder("broken")
    each = graph.add("each", Map.of(times, over=["item"], stream=True), item=[1, -2, 3])
    graph.add("listed", Listed, numbers=each.result)
    ran = await run(graph)
    assert ran.error == "-2 is below zero"
    assert ran.status("listed") == "upstream-failed"
    assert ran.status("each[2]/times") == "completed"


async def test_a_map_goes_along_a_map_that_goes_along_a_stream():
    """Engine 4.10, 4.6."""
    GATES.clear()
    graph = mapped(source=Held, stream=True)
    again = graph.add("again", Map.of(times, over=["item"], stream=True), item=EACH)
    graph.output("more", again.result)
    async with Driven(graph, {"count": 3}) as driven:
        await driven.until("TaskStarted", "again[0]/times")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs["more"] == [0, 100, 200]


@pytest.mark.parametrize(("index", "gave"), [(0, [0]), (2, [20])])
async def test_one_item_of_a_map_runs_alone(index, gave):
    """Engine 1.5."""
    ran = await run(mapped(), {"count": 3}, options={"items": {"each": index}})
    assert ran.outputs == {"many": gave}
    assert [path for path in ran.statuses() if path.startswith("each[")] == ["each[0]/times"]


async def test_an_item_beyond_the_list_fails_with_its_length():
    ran = await run(mapped(), {"count": 2}, options={"items": {"each": 2}})
    assert "Map has no item 3: its list has 2 items." in ran.error
