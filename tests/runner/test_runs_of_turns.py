"""Runs of Reduce and While: what is handed on from turn to turn, and when it ends."""

from typing import Any

import pytest

from runner.graph.building import GraphBuilder, OutputPort
from runner.graph.loops import Reduce, While
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.run.events import TaskStarted
from runner.run.status import RunStatus
from tests.held_tasks import less, plus, same, times
from tests.runs import run
from tests.tasks import Add, Double, Emit, Number

# ── reduce ──────────────────────────────────────────────────────────────────────────────────────


def reducing(items: Any) -> GraphBuilder:
    graph = GraphBuilder("reducing")
    each = graph.add("each", Reduce.of(summing().as_task(), over=["item"]), item=items, total=100)
    graph.output("total", each.total)
    return graph


def summing() -> GraphBuilder:
    body = GraphBuilder("summing")
    total, item = body.input("total", "int"), body.input("item", "int")
    body.output("total", body.add("plus", plus, total=total, item=item).result)
    return body


@pytest.mark.parametrize("items", [[], [1], [1, 2, 3, 4]])
async def test_a_reduce_hands_on_from_item_to_item(items):
    """Engine 8.1."""
    ran = await run(reducing(items))
    assert ran.outputs == {"total": 100 + sum(items)}
    starts = [each.path for each in ran.events if isinstance(each, TaskStarted)]
    assert starts[1:] == [f"each[{item}]/plus" for item in range(len(items))]


async def test_a_reduce_over_a_stream_waits_for_its_width():
    """Engine 8.1, 1.3."""
    graph = GraphBuilder("stream")
    numbers = graph.add("source", Emit, count=4)
    each = graph.add(
        "each", Reduce.of(summing().as_task(), over=["item"]), item=numbers.numbers, total=0
    )
    graph.output("total", each.total)
    ran = await run(graph)
    assert ran.outputs == {"total": 6}


async def test_after_an_error_in_a_reduce_nothing_is_handed_on():
    """Engine 5.4."""
    body = GraphBuilder("body")
    total = body.input("total", "int")
    ten = body.add("ten", times, item=body.input("item", "int"))
    body.output("total", body.add("plus", plus, total=total, item=ten.result).result)
    graph = GraphBuilder("broken")
    each = graph.add("each", Reduce.of(body.as_task(), over=["item"]), item=[1, -1, 2], total=0)
    graph.output("total", each.total)
    ran = await run(graph)
    assert ran.error == "-1 is below zero"
    assert [ran.status(f"each[{item}]/plus") for item in range(3)] == [
        "completed", "upstream-failed", "upstream-failed",
    ]  # fmt: skip


# ── while ───────────────────────────────────────────────────────────────────────────────────────


def counting(left: Any, limit: int = 1000) -> GraphBuilder:
    """Count down to nothing, adding up on the way."""
    graph = GraphBuilder("counting")
    condition = {"port": "left", "is": ">", "value": 0}
    loop = graph.add(
        "loop", While.of(turn().as_task(), condition=condition, limit=limit), left=left, total=0
    )
    graph.output("left", loop.left)
    graph.output("total", loop.total)
    return graph


def turn() -> GraphBuilder:
    body = GraphBuilder("turn")
    left, total = body.input("left", "int"), body.input("total", "int")
    body.output("left", body.add("less", less, left=left).result)
    body.output("total", body.add("plus", plus, total=total, item=left).result)
    return body


@pytest.mark.parametrize("turns", [0, 1, 5])
async def test_a_loop_tests_first_and_goes_on_while_its_condition_holds(turns):
    """Engine 8.1."""
    ran = await run(counting(turns))
    assert ran.outputs == {"left": 0, "total": sum(range(turns + 1))}
    assert [each.turn for each in ran.of("loop", "TaskExpanded")] == list(range(turns))
    assert [each.said() for each in ran.differences()] == [f"expanded ×{turns}"]


async def test_a_loop_that_exceeds_its_limit_fails_loudly():
    """Engine 8.1."""
    ran = await run(counting(9, limit=3))
    assert ran.kept.status is RunStatus.FAILED
    assert "would go on after 3 turns" in ran.error
    assert len(ran.of("loop", "TaskExpanded")) == 3
    assert ran.status("loop[2]/plus") == "completed"


async def test_loops_nest():
    """Engine 8.1."""
    outer = GraphBuilder("outer")
    rounds, total = outer.input("rounds", "int"), outer.input("total", "int")
    condition = {"port": "left", "is": ">", "value": 0}
    inner = outer.add(
        "inner", While.of(turn().as_task(), condition=condition), left=rounds, total=total
    )
    outer.output("total", inner.total)
    outer.output("rounds", outer.add("fewer", less, left=rounds).result)
    graph = GraphBuilder("nested")
    more = {"port": "rounds", "is": ">", "value": 0}
    loop = graph.add("loop", While.of(outer.as_task(), condition=more), rounds=3, total=0)
    graph.output("total", loop.total)
    ran = await run(graph)
    assert ran.outputs == {"total": 6 + 3 + 1}
    assert ran.status("loop[0]/inner[2]/plus") == "completed"


async def test_an_error_in_a_turn_fails_the_loop():
    """Engine 8.1, 5.4."""
    body = GraphBuilder("body")
    total = body.input("total", "int")
    body.output("total", body.add("times", times, item=total).result)
    graph = GraphBuilder("broken")
    condition = {"port": "total", "is": "<", "value": 5}
    loop = graph.add("loop", While.of(body.as_task(), condition=condition), total=-1)
    graph.output("total", loop.total)
    ran = await run(graph)
    assert ran.error == "-1 is below zero"
    assert ran.status("loop") == "failed"


async def test_a_condition_that_cannot_be_compared_fails_the_loop_with_a_sentence():
    """Engine 8.1."""
    body = GraphBuilder("body")
    body.output("total", body.add("same", Anything, value=body.input("total", "any")).result)
    graph = GraphBuilder("strange")
    condition = {"port": "total", "is": "<", "value": 5}
    graph.add("loop", While.of(body.as_task(), condition=condition), total="five")
    ran = await run(graph)
    assert ran.status("loop") == "failed"
    assert "compare" in ran.error


class Anything(Task):
    """What it is given."""

    name = "test.anything"
    effect = "none"

    class Inputs(Ports):
        value: Any

    class Outputs(Ports):
        result: Any

    async def execute(self, inputs, context):
        return inputs.value


async def test_a_loop_starts_from_a_stream_that_a_turn_reads():
    """Engine 4.10, 4.6."""
    body = GraphBuilder("body")
    numbers = body.input("numbers", "list[int]")
    left = body.input("left", "int")
    body.output("numbers", body.add("double", Double, numbers=numbers).numbers)
    body.output("left", body.add("less", less, left=left).result)
    graph = GraphBuilder("streamed")
    source = graph.add("source", Emit, count=3)
    two = graph.add("two", Number, value=2)
    condition = {"port": "left", "is": ">", "value": 0}
    loop = graph.add(
        "loop",
        While.of(body.as_task(), condition=condition),
        numbers=source.numbers,
        left=two.result,
    )
    graph.output("numbers", loop.numbers)
    graph.output("sum", graph.add("sum", Add, values=loop.numbers).result)
    ran = await run(graph)
    assert ran.outputs == {"numbers": [0, 4, 8], "sum": 12}


async def test_what_follows_a_loop_that_ran_no_turn_reads_its_inputs():
    """Engine 8.1."""
    graph = counting(0)
    port = OutputPort("loop.left", Number().outputs["result"])
    graph.output("after", graph.add("after", same, value=port).result)
    ran = await run(graph)
    assert ran.outputs["after"] == 0
