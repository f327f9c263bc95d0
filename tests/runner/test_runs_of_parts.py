"""Runs of a part: trials, disabled tasks, nested graphs; how far they are, and what they show."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import DefinitionError
from runner.graph.building import GraphBuilder
from runner.graph.choices import Branch, Fallback, FirstOf, Merge
from runner.graph.definition import GraphDefinition
from runner.graph.loops import Map, Reduce, While
from runner.graph.task import task
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Held, broken, less, plus, same, times
from tests.runs import Driven, run
from tests.strategies import definitions
from tests.tasks import EXECUTED, Add, Double, Number, fault_message, registry_of_tests

# ── trials ──────────────────────────────────────────────────────────────────────────────────────


def chain() -> GraphBuilder:
    """Three tasks in a row, and one apart."""
    graph = GraphBuilder("chain")
    first = graph.add("first", same, value=1)
    second = graph.add("second", times, item=first.result)
    graph.output("last", graph.add("third", same, value=second.result).result)
    graph.output("apart", graph.add("apart", Number, value=5).result)
    return graph


@pytest.mark.parametrize(
    ("options", "ran", "outputs"),
    [
        ({"until": ["second"]}, {"first", "second"}, {}),
        ({"only": ["apart"]}, {"apart"}, {"apart": 5}),
        ({"pins": {"second": {"result": 7}}}, {"first", "third", "apart"}, {"last": 7, "apart": 5}),
        ({"only": ["third"], "pins": {"second": {"result": 7}}}, {"third"}, {"last": 7}),
    ],
)
async def test_a_trial_runs_what_it_was_told_to(options, ran, outputs):
    """Engine 1.5."""
    EXECUTED.clear()
    seen = await run(chain(), options=options)
    assert {path for _, path in EXECUTED} == ran
    assert seen.outputs == outputs
    assert seen.executor.state.graph.trial


async def test_a_trial_says_what_was_pinned_and_what_was_left_out():
    """Engine 1.4, 1.5."""
    pins = {"second": {"result": 7}}
    ran = await run(chain(), options={"only": ["third"], "pins": pins})
    assert [(each.path, each.said()) for each in ran.differences()] == [
        ("first", "left out"), ("second", "pinned"), ("apart", "left out"),
    ]  # fmt: skip


async def test_a_pinned_error_lets_its_handler_run():
    """Engine 1.5, 3.3."""
    graph = GraphBuilder("pinned")
    fail = graph.add("fail", broken, value=1)
    graph.output("message", graph.add("message", fault_message, fault=fail.error).result)
    graph.add("after", same, value=fail.result)
    error = {"type": "ValueError", "message": "as if", "task": "fail"}
    ran = await run(graph, options={"pins": {"fail": {"[error]": error}}})
    assert ran.outputs == {"message": "as if"}


# ── disabled tasks ──────────────────────────────────────────────────────────────────────────────


def disabled(graph: GraphBuilder, *tasks: str) -> GraphBuilder:
    graph.definition = replace(
        graph.definition,
        tasks=tuple(
            replace(each, disabled=True) if each.id in tasks else each
            for each in graph.definition.tasks
        ),
    )
    return graph


async def test_a_disabled_task_and_what_requires_it_are_skipped():
    """Engine 1.5, 3.4."""
    ran = await run(disabled(chain(), "second"))
    assert ran.outputs == {"apart": 5}
    assert ran.kinds("second") == ran.kinds("third") == ["TaskSkipped"]
    assert [(each.path, each.said()) for each in ran.differences()] == [
        ("second", "disabled"), ("third", "skipped"),
    ]  # fmt: skip


async def test_a_disabled_task_leaves_a_list_port_what_the_others_give():
    """Engine 1.5, 3.4."""
    graph = GraphBuilder("list")
    one, two = (graph.add(f"number_{n}", Number, value=n) for n in (1, 2))
    graph.output("sum", graph.add("sum", Add, values=[one.result, two.result]).result)
    ran = await run(disabled(graph, "number_1"))
    assert ran.outputs == {"sum": 2}


async def test_a_disabled_task_in_an_item_is_skipped_in_every_item():
    """Engine 1.5, 8.1."""
    body = GraphBuilder("body")
    item = body.input("item", "int")
    ten = body.add("ten", times, item=item)
    body.output("sum", body.add("sum", Add, values=[item, ten.result]).result)
    graph = GraphBuilder("items")
    each = Map.of(disabled(body, "ten").as_task(), over=["item"])
    graph.output("many", graph.add("each", each, item=[1, 2]).sum)
    ran = await run(graph)
    assert ran.outputs == {"many": [1, 2]}
    assert ran.kinds("each[1]/ten") == ["TaskSkipped"]


async def test_a_disabled_alternative_is_none():
    """Engine 1.5, 8.1."""
    graph = GraphBuilder("tries")
    fallback = Fallback.of(same, broken)
    definition = disabled(_holding(fallback), "same").definition
    control = Fallback(None, definition, fallback.registry)
    graph.add("tried", control, value=1)
    ran = await run(graph)
    assert ran.error == "1 does not please"


def _holding(control: Any) -> GraphBuilder:
    graph = GraphBuilder("holding")
    graph.definition = control.definition
    return graph


# ── nesting ─────────────────────────────────────────────────────────────────────────────────────


def nested(depth: int) -> GraphBuilder:
    graph = GraphBuilder("deepest")
    graph.output("result", graph.add("task", times, item=graph.input("item", "int")).result)
    for level in range(depth):
        inner, graph = graph, GraphBuilder(f"level_{level}")
        whole = graph.add("in", inner.as_task(), item=graph.input("item", "int"))
        graph.output("result", whole.result)
    return graph


async def test_graphs_nest_32_deep_and_paths_say_so():
    """Engine 2.7."""
    ran = await run(nested(32), {"item": 3})
    path = "in/" * 32 + "task"
    assert ran.outputs == {"result": 30}
    assert ran.kinds(path) == ["TaskStarted", "TaskCompleted"]
    assert [ran.kinds("/".join(["in"] * level))[-1] for level in range(1, 33)] == [
        "TaskCompleted"
    ] * 32


def test_graphs_that_nest_33_deep_are_refused():
    """Engine 2.7."""
    with pytest.raises(DefinitionError, match="32"):
        nested(33).as_task()


# ── how far a run is ────────────────────────────────────────────────────────────────────────────


async def test_n_of_m_counts_leaves_and_grows_as_a_map_unfolds():
    """Engine 5.9."""
    GATES.clear()
    graph = GraphBuilder("grows")
    numbers = graph.add("source", Held, count=4)
    graph.add("each", Map.of(times, over=["item"]), item=numbers.numbers)
    async with Driven(graph) as driven:
        assert driven.executor.state.progress.total == 2
        await driven.until("TaskStarted", "each[0]/times")
        assert driven.executor.state.progress.total == 2
        GATES["gate"].set()
        ran = await driven.end()
    assert (ran.kept.progress.done, ran.kept.progress.total) == (5, 5)


async def test_the_bar_weighs_the_tasks_that_were_drawn():
    """Engine 5.9."""
    graph = GraphBuilder("weights")
    each = graph.add("each", Map.of(times, over=["item"], limit=1), item=[1, 2, 3, 4])
    graph.add("after", Add, values=each.result)
    ran = await run(graph)
    assert sorted({round(each, 4) for each in ran.bars}) == [0, 0.125, 0.25, 0.375, 0.5, 1.0]


def test_the_bar_of_a_random_run_never_falls_and_ends_full():
    """Engine 5.9. R12."""
    _bars_of_random_runs()


@settings(max_examples=60, deadline=None)
@given(definitions())
def _bars_of_random_runs(definition: str) -> None:
    graph = GraphBuilder("random", registry=registry_of_tests())
    graph.definition = GraphDefinition.from_json(definition)
    asyncio.run(run(graph))


@task(effect="none", name="test.three")
async def three(value: int) -> list[int]:
    """A number, and what follows it."""
    return [value, value + 1, value + 2]


@st.composite
def controls(draw: st.DrawFn, depth: int = 2) -> GraphBuilder:
    """Draw a graph from a number to a number, of controls in controls."""
    graph = GraphBuilder(f"drawn_{draw(st.integers(0, 999))}")
    port = graph.input("value", "int")
    for index in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("task", "graph", "map", "while", "reduce", "fallback", "race",
                                     "branch"))) if depth else "task"  # fmt: skip
        name = f"t{index}"
        part: Any = draw(controls(depth - 1)).as_task() if kind != "task" and depth else same
        port = _ADD[kind](graph, name, part, port)
    graph.output("result", port)
    return graph


def _add_map(graph: GraphBuilder, name: str, part: Any, port: Any) -> Any:
    items = graph.add(f"{name}_items", three, value=port)
    each = graph.add(name, Map.of(part, over=["value"], limit=2), value=items.result)
    return graph.add(f"{name}_sum", Add, values=each.result).result


def _add_while(graph: GraphBuilder, name: str, part: Any, port: Any) -> Any:
    body = GraphBuilder("turn")
    inner = body.add("part", part, value=body.input("value", "int"))
    body.output("value", inner.result)
    body.output("left", body.add("less", less, left=body.input("left", "int")).result)
    condition = {"port": "left", "is": ">", "value": 0}
    return graph.add(name, While.of(body.as_task(), condition=condition), value=port, left=2).value


def _add_reduce(graph: GraphBuilder, name: str, part: Any, port: Any) -> Any:
    body = GraphBuilder("item")
    inner = body.add("part", part, value=body.input("item", "int"))
    total = body.input("total", "int")
    body.output("total", body.add("plus", plus, total=total, item=inner.result).result)
    each = Reduce.of(body.as_task(), over=["item"])
    items = graph.add(f"{name}_items", three, value=port)
    return graph.add(name, each, item=items.result, total=0).total


def _add_branch(graph: GraphBuilder, name: str, part: Any, port: Any) -> Any:
    case = {"name": "big", "if": {"port": "value", "is": ">", "value": 3}}
    way = graph.add(name, Branch({"branches": [case], "otherwise": "small"}), value=port)
    big = graph.add(f"{name}_big", part, value=way.big)
    return graph.add(f"{name}_merge", Merge(), values=[big.result, way.small]).value


_ADD: Mapping[str, Any] = {
    "task": lambda graph, name, part, port: graph.add(name, part, value=port).result,
    "graph": lambda graph, name, part, port: graph.add(name, part, value=port).result,
    "map": _add_map,
    "while": _add_while,
    "reduce": _add_reduce,
    "fallback": lambda graph, name, part, port: (
        graph.add(name, Fallback.of(broken, part), value=port).result
    ),
    "race": lambda graph, name, part, port: (
        graph.add(name, FirstOf.of(broken, part), value=port).result
    ),
    "branch": _add_branch,
}


def test_the_bar_of_controls_in_controls_never_falls_and_ends_full():
    """Engine 5.9, 5.10. R12."""
    _bars_of_controls()


@settings(max_examples=80, deadline=None)
@given(controls(), st.integers(0, 6))
def _bars_of_controls(graph: GraphBuilder, value: int) -> None:
    one, other = (asyncio.run(run(graph, {"value": value})) for _ in range(2))
    assert one.kept.status is RunStatus.COMPLETED
    assert one.outputs == other.outputs


# ── what is shown ───────────────────────────────────────────────────────────────────────────────


async def test_differences_of_a_run_are_said_at_the_tasks_that_were_drawn():
    """Engine 1.4."""
    case = {"name": "big", "if": {"port": "value", "is": ">", "value": 15}}
    body = GraphBuilder("body")
    ten = body.add("ten", times, item=body.input("item", "int"))
    way = body.add("way", Branch({"branches": [case]}), value=ten.result)
    body.output("result", body.add("big", same, value=way.big).result)
    graph = GraphBuilder("drawn")
    graph.add("each", Map.of(body.as_task(), over=["item"]), item=[1, 2, 3])
    graph.add("tried", Fallback.of(broken, same), value=1)
    ran = await run(graph)
    assert [(each.path, each.said()) for each in ran.differences()] == [
        ("each", "expanded ×3"), ("each/way", "branch big not taken"), ("each/big", "skipped"),
        ("tried", "expanded ×2"),
    ]  # fmt: skip


async def test_every_event_names_its_task_by_ids_and_numbers():
    """Engine 2.7."""
    inner = GraphBuilder("inner", title="A title, with [brackets]/slashes")
    each = inner.add("each", Map.of(times, over=["item"]), item=inner.input("items", "list[int]"))
    inner.output("result", each.result)
    graph = GraphBuilder("outer")
    graph.add("whole", inner.as_task(), items=[1, 2])
    ran = await run(graph)
    assert {getattr(each, "path", "") for each in ran.events} == {
        "", "whole", "whole/each", "whole/each[0]/times", "whole/each[1]/times",
    }  # fmt: skip


async def test_a_stream_of_a_nested_compound_reaches_the_last_task_at_its_first_chunk():
    """Engine 4.6, 2.7."""
    GATES.clear()
    inner = GraphBuilder("inner")
    inner.output(
        "numbers", inner.add("double", Double, numbers=inner.input("numbers", "list[int]")).numbers
    )
    outer = GraphBuilder("outer")
    outer.output(
        "numbers",
        outer.add("in", inner.as_task(), numbers=outer.input("numbers", "list[int]")).numbers,
    )
    graph = GraphBuilder("graph")
    source = graph.add("source", Held, count=3)
    through = graph.add("through", outer.as_task(), numbers=source.numbers)
    graph.output("numbers", graph.add("last", Double, numbers=through.numbers).numbers)
    async with Driven(graph) as driven:
        await driven.until("StreamOpened", "last")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"numbers": [0, 4, 8]}
