"""What is unfolded again goes on counting its attempts: no two of them have the same number."""

import asyncio
from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.run.events import TaskStarted
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Held, times
from tests.runs import Driven, Ran, crash_everywhere, run
from tests.tasks import Emit, Note, give_way

RETRY = {"retry": {"attempts": 2, "delay": 0.0}}


def mapped(
    source: Any, body: Any = times, config: dict[str, Any] | None = None, **more: Any
) -> GraphBuilder:
    """A stream of numbers, and a map along it."""
    graph = GraphBuilder("mapped")
    numbers = graph.add("source", source, **more)
    each = Map.of(body, over=["item"], **(config or {}))
    graph.output("many", graph.add("each", each, item=numbers.numbers).result)
    return graph


def nested() -> GraphBuilder:
    """A map with one item, as the body of another map."""
    graph = GraphBuilder("nested")
    item = graph.input("item", "int")
    graph.output("result", graph.add("in", Map.of(times, over=["item"]), item=[item]).result)
    return graph


def attempts(ran: Ran, path: str) -> list[int]:
    return [each.attempt for each in ran.of(path, "TaskStarted")]


async def test_what_is_unfolded_again_is_another_attempt():
    """Engine 4.7: what two attempts stream could not be told apart otherwise."""
    GATES.clear()
    source = Flaky({"fails": 1, "after": 2, "gate": "fail"})
    async with Driven(mapped(source, policy=RETRY)) as driven:
        await driven.until("TaskStarted", "each[0]/times")
        GATES.setdefault("fail", asyncio.Event()).set()
        ran = await driven.end()
    assert ran.outputs == {"many": [2000, 2010, 2020]}
    assert attempts(ran, "each[0]/times") == [1, 2]
    assert attempts(ran, "each[2]/times") == [1]


@pytest.mark.parametrize("body", [times, nested().as_task()])
async def test_no_attempt_has_the_number_of_another_after_a_kill(body, monkeypatch):
    """Engine 4.7, 5.8."""
    for ran in await crash_everywhere(mapped(Emit, body), monkeypatch):
        starts = [(each.path, each.attempt) for each in ran.events if isinstance(each, TaskStarted)]
        assert len(starts) == len(set(starts))


async def test_what_has_an_effect_begins_once_the_items_are_known():
    """Engine 4.8: also where it reads nothing of its item."""
    GATES.clear()
    body = GraphBuilder("body")
    item = body.input("item", "int")
    body.add("note", Note, values=[1])
    body.output("result", body.add("times", times, item=item).result)
    async with Driven(mapped(Held, body)) as driven:
        await driven.until("TaskStarted", "each[0]/times")
        assert driven.executor.state.tasks["each[0]/note"].status == "pending"
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.place("TaskDecided", "each") < ran.place("TaskStarted", "each[0]/note")


async def test_an_item_that_failed_has_nothing_to_stream_while_its_item_may_yet_be_another():
    """Engine 4.7, 4.10."""
    GATES.clear()
    source = Flaky({"fails": 1, "after": 9, "gate": "fail"})
    graph = mapped(source, config={"stream": True}, policy=RETRY, start=-101)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "each[2]/times")
        await give_way(20)
        GATES.setdefault("fail", asyncio.Event()).set()
        ran = await driven.end()
    assert ran.outputs == {"many": [990, 1000, 1010]}


async def test_an_item_that_failed_has_nothing_to_stream_when_the_rest_is_cancelled():
    """Engine 4.10, 5.4."""
    body = GraphBuilder("body", fail_fast=True)
    body.output("result", body.add("times", times, item=body.input("item", "int")).result)
    ran = await run(mapped(Flaky, body, {"stream": True, "limit": 1}, start=-101))
    event: Any = ran.events[-1]
    assert (ran.kept.status, event.error.message) == (RunStatus.FAILED, "-1 is below zero")
