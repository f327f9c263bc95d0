"""A compound that began on a stream which then counts no longer is skipped as a whole."""

import asyncio
from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.graph.ports import Chunks
from runner.graph.task import task
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, times
from tests.runs import Driven, Ran, crash_everywhere
from tests.tasks import give_way, observe


@task(name="skip.total", effect="none")
async def total(numbers: Chunks[int], context: Any) -> int:
    """The sum of a stream."""
    observe(context)
    return sum([number async for number in numbers])


@task(name="skip.alone", effect="none")
async def alone(context: Any, number: int = 3) -> int:
    """A number that needs nothing."""
    observe(context)
    return number


@task(name="skip.writes", effect="repeatable")
async def writes(context: Any, number: int = 3) -> int:
    """A number that needs nothing, with an effect."""
    observe(context)
    return number


@task(name="skip.told", effect="none")
async def told(error: Any, context: Any) -> str:
    """What the failure said."""
    observe(context)
    return str(error["message"])


def inside() -> GraphBuilder:
    """A compound with a reader of its stream, and tasks beside it."""
    inner = GraphBuilder("inner")
    inner.output(
        "total", inner.add("total", total, numbers=inner.input("numbers", "list[int]")).result
    )
    inner.output("alone", inner.add("alone", alone).result)
    inner.output("writes", inner.add("writes", writes).result)
    return inner


def around(inner: GraphBuilder) -> GraphBuilder:
    """The same one level down."""
    outer = GraphBuilder("outer")
    box = outer.add("in", inner.as_task(), numbers=outer.input("numbers", "list[int]"))
    for name in ("total", "alone", "writes"):
        outer.output(name, getattr(box, name))
    return outer


def handled(inner: GraphBuilder) -> GraphBuilder:
    """A compound on the stream of a task that fails, with its error handled."""
    graph = GraphBuilder("handled")
    source = graph.add("source", Flaky({"fails": 9, "after": 2, "gate": "fail"}))
    box = graph.add("box", inner.as_task(), numbers=source.numbers)
    graph.output("said", graph.add("told", told, error=source.error).result)
    for name in ("total", "alone", "writes"):
        graph.output(name, getattr(box, name))
    return graph


async def failing_late(graph: GraphBuilder, until: str) -> Ran:
    """Let the producer fail once a task has begun on its stream."""
    GATES.clear()
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", until)
        await give_way(30)
        GATES.setdefault("fail", asyncio.Event()).set()
        return await driven.end()


def skipped(ran: Ran, prefix: str) -> set[str]:
    """Give how the tasks under a path ended, and what is said of them in the end."""
    return {
        ran.of(path)[-1].kind
        for path in (*ran.executor.state.tasks, *ran.executor.state.groups)
        if path.startswith(prefix)
    }


@pytest.mark.parametrize(
    ("inner", "first"),
    [(inside(), "box/total"), (around(inside()), "box/in/total")],
    ids=["one", "nested"],
)
async def test_a_compound_that_began_on_the_stream_of_a_handled_failure_is_skipped(inner, first):
    """Engine 2.7, 3.3, 3.4: the compound, all in it, and what is in a compound in it."""
    ran = await failing_late(handled(inner), first)
    assert ran.kept.status is RunStatus.COMPLETED
    assert ran.outputs == {"said": "not yet"}
    assert ran.of("box", "TaskStarted")
    assert skipped(ran, "box") == {"TaskSkipped"}
    assert "box" not in ran.kept.running


async def test_that_holds_whatever_dies_meanwhile(monkeypatch):
    """Engine 3.3, 7.9."""
    GATES["fail"] = asyncio.Event()
    GATES["fail"].set()
    for ran in await crash_everywhere(handled(inside()), monkeypatch):
        assert skipped(ran, "box") == {"TaskSkipped"}


async def test_a_map_that_began_on_the_stream_of_a_handled_failure_is_skipped():
    """Engine 3.3, 4.10."""
    graph = GraphBuilder("mapped")
    source = graph.add("source", Flaky({"fails": 9, "after": 2, "gate": "fail"}))
    graph.output("all", graph.add("map", Map.of(times, over=["item"]), item=source.numbers).result)
    graph.output("said", graph.add("told", told, error=source.error).result)
    ran = await failing_late(graph, "map[1]/times")
    assert ran.outputs == {"said": "not yet"}
    assert ran.status("map") == "skipped"
    assert not [path for path in ran.executor.state.tasks if path.startswith("map[")]


async def test_a_compound_with_a_handled_failure_and_nothing_else_has_completed():
    """Engine 3.3: it ran, and its error is taken outside of it."""
    inner = GraphBuilder("inner")
    inner.output("failure", inner.add("fails", Flaky({"fails": 9})).error)
    graph = GraphBuilder("graph")
    graph.output(
        "said", graph.add("told", told, error=graph.add("box", inner.as_task()).failure).result
    )
    async with Driven(graph) as driven:
        ran = await driven.end()
    assert ran.outputs == {"said": "not yet"}
    assert ran.kinds("box") == ["TaskStarted", "TaskCompleted"]


async def test_that_holds_for_a_map_whatever_dies_meanwhile(monkeypatch):
    """Engine 3.3, 7.9."""
    GATES["fail"] = asyncio.Event()
    GATES["fail"].set()
    graph = GraphBuilder("mapped")
    source = graph.add("source", Flaky({"fails": 9, "after": 2, "gate": "fail"}))
    graph.output("all", graph.add("map", Map.of(times, over=["item"]), item=source.numbers).result)
    graph.output("said", graph.add("told", told, error=source.error).result)
    for ran in await crash_everywhere(graph, monkeypatch):
        assert ran.status("map") == "skipped"
