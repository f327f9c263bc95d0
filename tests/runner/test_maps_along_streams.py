"""A map along a stream: what it takes the items from, passes on, and leaves when it is stopped."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from runner.execution import run_log
from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch
from runner.graph.loops import Map
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task, task
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Held, same, times
from tests.runs import Driven, run
from tests.tasks import Emit


class Whole(Task):
    """A list that could be streamed, returned as a whole."""

    name = "whole.list"
    effect = "none"

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        return {"numbers": [1, 2, 3]}


async def test_a_map_goes_through_a_list_that_was_returned_instead_of_streamed():
    """Engine 4.3, 4.10."""
    graph = GraphBuilder("whole")
    numbers = graph.add("source", Whole).numbers
    graph.output("many", graph.add("each", Map.of(times, over=["item"]), item=numbers).result)
    ran = await run(graph)
    assert ran.outputs == {"many": [10, 20, 30]}


@pytest.mark.parametrize(
    ("setting", "streamed"),
    [("stream", ["0", "1", "2"]), ("as_finished", ["[0,0]", "[1,1]", "[2,2]"])],
)
async def test_a_map_streams_what_its_body_only_hands_on(setting, streamed):
    """Engine 4.10: the items themselves."""
    body = GraphBuilder("body")
    item = body.input("item", "int")
    body.add("times", times, item=item)
    body.output("item", item)
    graph = GraphBuilder("handed-on")
    numbers = graph.add("source", Emit, count=3).numbers
    config = {"over": ["item"], setting: True}
    each = graph.add("each", Map.of(body.as_task(), **config), item=numbers)
    graph.output("many", each.item)
    ran = await run(graph)
    assert ran.outputs == {"many": [0, 1, 2]}
    assert [item for batch in ran.kept.chunks if batch.path == "each" for item in batch.items] == (
        streamed
    )


async def test_a_map_that_is_cancelled_by_what_its_item_does_begins_no_other():
    """Engine 5.8."""
    cancel: list[Callable[[], None]] = []

    @task(name="cancels.run", effect="none")
    async def cancels(item: int) -> int:
        cancel[0]()
        return item

    graph = GraphBuilder("cancelled")
    numbers = graph.add("source", Emit, count=5).numbers
    graph.add("each", Map.of(cancels, over=["item"]), item=numbers)
    async with Driven(graph) as driven:
        cancel.append(lambda: driven.executor.cancel("alice"))
        ran = await driven.end()
    assert ran.kept.status is RunStatus.CANCELLED
    assert len(ran.of("each", "TaskExpanded")) == 1


def skipping() -> Any:
    """A body that leaves a compound out."""
    inner = GraphBuilder("inner")
    inner.output("value", inner.add("same", same, value=inner.input("value", "int")).result)
    body = GraphBuilder("body")
    item = body.input("item", "int")
    never = {"port": "value", "is": "<", "value": 0}
    way = body.add("way", Branch({"branches": [{"name": "low", "if": never}]}), value=item)
    body.add("box", inner.as_task(), value=way.low)
    body.output("item", item)
    return body.as_task()


async def test_a_compound_that_ended_in_an_item_ends_again_when_the_items_are_unfolded_anew(
    monkeypatch,
):
    """Engine 4.7, 5.3: its process dies before it is known which items there are."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    GATES.clear()
    graph = GraphBuilder("anew")
    numbers = graph.add("source", Held, count=2).numbers
    each = graph.add("each", Map.of(skipping(), over=["item"]), item=numbers)
    graph.output("many", each.item)
    async with Driven(graph) as driven:
        await driven.until("TaskSkipped", "each[0]/box")
        await driven.stop()
        GATES["gate"] = asyncio.Event()
        GATES["gate"].set()
        await driven.take_up()
        ran = await driven.end()
    assert ran.outputs == {"many": [0, 1]}
    assert ran.kinds("each[0]/box")[-1] == "TaskSkipped"
    assert ran.place("TaskSkipped", "each[1]/box")
