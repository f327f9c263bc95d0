"""Lists put in order, cut short, and freed of doubles, by expressions."""

import asyncio

import pytest

from runner.errors import RunFault
from runner.execution.expressions import ExpressionLimits, MontyExpressions
from runner.execution.host import Host
from runner.library.data import over_items
from runner.library.data.filter import Filter
from runner.library.data.limit import Limit
from runner.library.data.sort import Sort
from runner.library.data.unique import Unique
from tests.runner.library.flowing import cancelled, fed, first_of, listed

TOWNS = [{"name": "Ulm", "size": 3}, {"name": "bonn", "size": 9}, {"name": "Aachen", "size": 3}]


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"expression": "item['name'].lower()"}, ["Aachen", "bonn", "Ulm"]),
        ({"expression": "item['size']"}, ["Ulm", "Aachen", "bonn"]),
        ({"expression": "[-item['size'], item['name']]"}, ["bonn", "Aachen", "Ulm"]),
        ({"expression": "index", "descending": True}, ["Aachen", "bonn", "Ulm"]),
    ],
)
async def test_a_list_is_sorted_by_what_an_expression_gives(config, names):
    outputs = await listed(Sort(config), TOWNS)
    assert [each["name"] for each in outputs["sorted"]] == names


async def test_items_without_an_order_get_a_sentence():
    with pytest.raises(RunFault, match="These items have no order"):
        await listed(Sort(), [1, "x"])


@pytest.mark.parametrize(
    ("config", "kept"),
    [({"most": 2}, [0, 1]), ({"most": 2, "skip": 3}, [3, 4]), ({"most": 0}, []), ({}, [0, 1, 2, 3, 4])],
)  # fmt: skip
async def test_only_the_first_items_are_kept(config, kept):
    assert await listed(Limit(config), list(range(5))) == {"kept": kept}


async def test_doubles_are_dropped_whatever_the_order_of_their_fields():
    items = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2}]
    outputs = await listed(Unique(), items)
    assert outputs == {"kept": [items[0], items[2]], "dropped": [items[1]]}


async def test_what_makes_items_the_same_is_an_expression():
    config = {"expression": "item['size']"}
    outputs = await listed(Unique(config), TOWNS)
    assert [each["name"] for each in outputs["dropped"]] == ["Aachen"]


@pytest.mark.parametrize(
    "it", [Filter({"expression": "True"}), Limit({"most": 3}), Unique()], ids=lambda it: it.name
)
async def test_the_first_item_flows_on_before_the_last_one_comes(it):
    assert await first_of(fed(it, "items", [7, 8], "kept"), "kept") == 7


@pytest.mark.parametrize(
    ("it", "output"), [(Sort(), "sorted"), (Unique(), "kept"), (Limit(), "kept")]
)
async def test_a_list_that_never_ends_can_be_left(it, output):
    run = fed(it, "items", [7, 8], output)
    await asyncio.sleep(0)
    assert await cancelled(run) < 1


async def test_enough_items_are_enough_while_more_could_come():
    gate = asyncio.Event()
    run = fed(Limit({"most": 1}), "items", [7, 8], "kept", gate=gate)
    async for event in run.events():
        if event.kind == "StreamClosed":
            gate.set()  # the source itself waits for this
    assert await run.outputs() == {"kept": [7]}


async def test_many_items_are_worked_out_together(monkeypatch):
    """Engine 8.3."""
    monkeypatch.setattr(over_items, "TOGETHER", 4)
    config = {"expression": "index % 3 == 0  # every third"}
    outputs = await listed(Filter(config), list(range(10)))
    assert outputs == {"kept": [0, 3, 6, 9], "dropped": [1, 2, 4, 5, 7, 8]}


async def test_items_that_are_too_much_together_are_worked_out_one_by_one():
    """Engine 8.3."""
    host = Host(expressions=MontyExpressions(ExpressionLimits(value_bytes=1_000)))
    outputs = await listed(
        Filter({"expression": "len(item) > 1"}), ["a", "b" * 600, "c" * 600], host=host
    )
    assert outputs == {"kept": ["b" * 600, "c" * 600], "dropped": ["a"]}
    await host.expressions.close()


async def test_an_item_that_fails_is_named():
    with pytest.raises(RunFault, match="At item 1: "):
        await listed(Filter({"expression": "10 // item"}), [1, 0, 1])
