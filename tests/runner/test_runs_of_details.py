"""Runs at the edges: what is rare with controls, and must be right all the same."""

from dataclasses import replace
from typing import Any

import pytest

from runner.errors import IllegalMove
from runner.execution import run_executor, run_log
from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch, Fallback
from runner.graph.loops import Map, While
from runner.graph.task import task
from runner.run import events as happened
from runner.run.state import RunState
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Held, Until, broken, less, same, times
from tests.runs import Driven, run
from tests.tasks import EXECUTED, Add, Double, Note, Number

AGAIN = {"retry": {"attempts": 2, "delay": 0.0}}


async def test_a_condition_takes_a_state_that_was_not_taken_for_nothing():
    """Engine 3.4, 8.1."""
    body = GraphBuilder("turn")
    case = {"name": "more", "if": {"port": "value", "is": ">", "value": 0}}
    way = body.add("way", Branch({"branches": [case]}), value=body.input("value", "int"))
    body.output("value", body.add("less", less, left=way.more).result)
    graph = GraphBuilder("loop")
    condition = {"port": "value", "is": "not empty"}
    loop = graph.add("loop", While.of(body.as_task(), condition=condition), value=2)
    graph.output("value", loop.value)
    ran = await run(graph)
    assert ran.outputs == {}
    assert len(ran.of("loop", "TaskExpanded")) == 3


async def test_two_branches_let_the_same_stream_through():
    """Engine 4.6."""
    GATES.clear()
    graph = GraphBuilder("two")
    source = graph.add("source", Held, count=3)
    asked = graph.add("asked", Number, value=1)
    for index in range(2):
        case = {"name": "yes", "if": {"port": "ask", "is": ">", "value": 0}}
        route = Branch({"branches": [case]})
        way = graph.add(f"way_{index}", route, value=source.numbers, ask=asked.result)
        graph.output(f"out_{index}", graph.add(f"on_{index}", Double, numbers=way.yes).numbers)
    async with Driven(graph) as driven:
        for index in range(2):
            await driven.until("StreamOpened", f"on_{index}")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"out_0": [0, 2, 4], "out_1": [0, 2, 4]}


async def test_an_item_in_which_nothing_is_left_to_do_is_over_at_once():
    """Engine 1.5, 8.1."""
    body = GraphBuilder("body")
    body.output("result", body.add("ten", times, item=body.input("item", "int")).result)
    off = tuple(replace(each, disabled=True) for each in body.definition.tasks)
    body.definition = replace(body.definition, tasks=off)
    graph = GraphBuilder("nothing")
    graph.output(
        "many", graph.add("each", Map.of(body.as_task(), over=["item"]), item=[1, 2]).result
    )
    ran = await run(graph)
    assert ran.outputs == {"many": [None, None]}


async def test_a_compound_below_a_failure_ends_upstream_failed():
    """Engine 5.4, 2.7."""
    inner = GraphBuilder("inner")
    inner.output("result", inner.add("same", same, value=inner.input("value", "int")).result)
    graph = GraphBuilder("below")
    fail = graph.add("fail", broken, value=1)
    graph.add("whole", inner.as_task(), value=fail.result)
    ran = await run(graph)
    assert ran.kinds("whole")[-1] == "TaskUpstreamFailed"


def noted() -> Any:
    """A graph in a graph, with an effect at its end."""
    inner = GraphBuilder("inner")
    inner.output("result", inner.add("ten", times, item=inner.input("item", "int")).result)
    body = GraphBuilder("body")
    whole = body.add("in", inner.as_task(), item=body.input("item", "int"))
    again = body.add("again", Fallback.of(broken, same), value=whole.result)
    body.output("result", body.add("note", Note, values=[again.result]).result)
    return body.as_task()


@pytest.mark.parametrize("each_step", [False, True])
async def test_what_a_map_dropped_unfolds_anew_whenever_others_come_between(each_step, monkeypatch):
    """Engine 4.7."""
    if each_step:
        monkeypatch.setattr(run_executor, "SLICE_SECONDS", -1.0)
        monkeypatch.setattr(run_executor, "LOOK_EVERY", 1)
    EXECUTED.clear()
    graph = GraphBuilder("dropped")
    source = graph.add("source", Flaky({"fails": 1, "after": 2}), count=3, policy=AGAIN)
    each = graph.add("each", Map.of(noted(), over=["item"], stream=True), item=source.numbers)
    graph.output("many", each.result)
    graph.output("doubled", graph.add("double", Double, numbers=each.result).numbers)
    ran = await run(graph)
    assert ran.outputs["many"] == [2000, 2010, 2020]
    assert ran.outputs["doubled"] == [4000, 4020, 4040]


@pytest.mark.parametrize("commits", range(12))
async def test_a_run_that_dies_while_it_is_cancelled_is_cancelled_by_the_next(commits, monkeypatch):
    """Engine 5.8, 8.1; P8."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    body = GraphBuilder("turn")
    first = body.add("first", same, value=body.input("left", "int"))
    body.output("left", body.add("less", less, left=first.result).result)
    graph = GraphBuilder("loop")
    condition = {"port": "left", "is": ">", "value": 0}
    graph.add("loop", While.of(body.as_task(), condition=condition), left=3)
    driven = Driven(graph)
    await driven.crash(commits)
    driven.store.runs[driven.run].status = RunStatus.CANCELLING
    assert await driven.crash(10**6) == set()
    assert driven.store.runs[driven.run].status is RunStatus.CANCELLED
    driven.executor.state.check()


@task(name="test.cached", effect="none", cache=True)
async def cached(value: int, context: Any) -> int:
    """A number that is kept for others."""
    EXECUTED.append((context.run, context.path))
    return value + 1


async def test_a_result_from_the_cache_is_kept_like_any_other():
    """Engine 7.8, 7.1."""
    EXECUTED.clear()
    graph = GraphBuilder("cached")
    known = graph.add("known", cached, value=1)
    graph.output("sum", graph.add("sum", Add, values=[known.result]).result)
    first = await run(graph)
    driven = Driven(graph)
    driven.store.cache.update(first.store.cache)
    await driven.take_up()
    again = await driven.end()
    assert first.outputs == again.outputs == {"sum": 2}
    assert again.kinds("known")[-1] == "TaskCached"
    assert len([path for _, path in EXECUTED if path == "known"]) == 1


async def test_a_task_that_runs_may_not_be_started_again():
    """Engine 5.3."""
    GATES.clear()
    graph = GraphBuilder("once")
    graph.add("until", Until, value=1)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "until")
        assert not driven.executor.state.startable("until")
        GATES["gate"].set()
        ended: RunState = (await driven.end()).executor.state
    with pytest.raises(IllegalMove, match="ended"):
        ended.handle(happened.RunPaused("alice"))
