"""Transforming a value and filtering a list, by expressions."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from runner import GraphBuilder, TaskGraphRunner, task
from runner.library.data.filter import Filter
from runner.run.status import RunStatus
from tests.drive import outputs_of


async def test_a_value_is_put_in_another_form(run_task):
    source = "{'name': value['title'].upper(), 'net': value['price'] * rate}"
    run = await run_task(
        "data.transform",
        {"expression": source},
        value={"title": "tea", "price": 4},
        named={"rate": 0.5},
    )

    assert outputs_of(run)["result"] == {"name": "TEA", "net": 2.0}


async def filtered(source, items):
    """Filter a list that flows in; give the items kept, and all that happened."""
    graph = GraphBuilder("filtered")
    it = graph.add("it", Filter({"expression": source}), items=graph.input("items", "list[any]"))
    graph.output("kept", it.kept)
    run = TaskGraphRunner().start(graph.as_task(), {"items": items})
    happened = [each async for each in run.events()]
    return happened, await run.outputs() if happened[-1].kind == "RunCompleted" else None


async def test_the_items_for_which_it_holds_are_kept_as_a_stream():
    """Engine 4.2."""
    items = [{"price": 3}, {"price": 30}, {"price": 50}]

    happened, outputs = await filtered("item['price'] < 10 or index == 1", items)

    assert outputs == {"kept": items[:2]}
    assert "StreamOpened" in [each.kind for each in happened]


async def test_an_item_that_is_kept_flows_on_before_the_next_one_comes():
    """Engine 4.2, 4.6."""
    passed = asyncio.Event()

    @task(effect="none", name="numbers")
    async def numbers() -> AsyncIterator[int]:
        yield 1
        await asyncio.wait_for(passed.wait(), 10)
        yield 2

    graph = GraphBuilder("flowing")
    keep = graph.add("keep", Filter({"expression": "item"}), items=graph.add("n", numbers).result)
    graph.output("kept", keep.kept)
    run = TaskGraphRunner().start(graph.as_task())
    seen = []
    async for each in run.stream("kept"):
        seen.append(each)
        passed.set()

    assert seen == [1, 2]


@pytest.mark.parametrize("items", [[], [0, "", None, False]])
async def test_nothing_that_holds_leaves_an_empty_list(items):
    assert (await filtered("item", items))[1] == {"kept": []}


async def test_a_failure_names_the_item():
    happened, _ = await filtered("item + 1", [1, "x"])

    (failed,) = [each for each in happened if each.kind == "TaskFailed"]
    assert failed.error.type == "ExpressionError"
    assert failed.error.message.startswith("At item 1: The expression failed at character 1")


async def test_a_list_inside_a_list_is_refused():
    happened, _ = await filtered("item", [[1]])

    assert happened[-1].kind == "RunFailed"


@pytest.mark.parametrize(
    ("kind", "source", "said"),
    [
        ("data.filter", "thing", "uses 'thing'; it may use index, item"),
        ("data.filter", "1 +", "This is not an expression"),
        ("data.transform", "", "The expression is empty"),
        ("data.transform", "1" * 2001, "at most 2"),
    ],
)
async def test_a_faulty_expression_is_refused_when_it_is_drawn(run_task, kind, source, said):
    """Engine 3.1."""
    with pytest.raises(ValueError, match=said):
        await run_task(kind, {"expression": source}, value=1, items=[])


async def test_the_value_keeps_its_name(run_task):
    run = await run_task("data.transform", {"expression": "value"}, value=1, named={"value": 2})

    assert run.status is RunStatus.FAILED
