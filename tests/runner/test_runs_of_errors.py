"""Runs with failures: the error port, fail_fast, and going on after a person asked for it."""

from typing import Any

import pytest

from runner.graph.building import GraphBuilder
from runner.graph.choices import Fallback
from runner.graph.loops import Map, Reduce, While
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Until, broken, less, plus, same, times
from tests.runs import Driven, Ran, run
from tests.tasks import EXECUTED, Add, Double, Fail, First, Number, Total, fault_message

AGAIN = {"retry": {"attempts": 3, "delay": 0.0}}


# ── the error port ──────────────────────────────────────────────────────────────────────────────


def handled(**more: Any) -> GraphBuilder:
    """A task that fails, and one that takes its error."""
    graph = GraphBuilder("handled")
    fail = graph.add("fail", broken, value=3, **more)
    graph.output("message", graph.add("message", fault_message, fault=fail.error).result)
    graph.output("value", graph.add("after", same, value=fail.result).result)
    return graph


async def test_a_failure_that_is_handled_lets_the_run_complete_without_the_other_outputs():
    """Engine 3.3, 3.4."""
    ran = await run(handled())
    assert ran.kept.status is RunStatus.COMPLETED
    assert ran.outputs == {"message": "3 does not please"}
    event: Any = ran.events[-1]
    assert event.handled == 1
    assert (ran.status("fail"), ran.status("after")) == ("failed", "skipped")


async def test_a_run_that_is_resumed_says_again_what_failed_in_it_and_was_handled():
    """Engine 3.3, 5.4: it stays handled, and its log tells of it in this life, too."""
    graph = handled()
    graph.add("hopeless", broken, value=5)
    async with Driven(graph) as driven:
        failed = await driven.end()
        assert failed.kept.status is RunStatus.FAILED
        driven.store.ask(driven.run, "resume")
        await driven.take_up()
        ran = await driven.end()
    assert ran.kinds("fail").count("TaskFailed") == 2
    assert ran.kinds("fail").count("TaskStarted") == 1
    assert ran.kinds("hopeless").count("TaskStarted") == 2


async def test_the_error_says_what_went_wrong_and_where():
    """Engine 3.3."""
    graph = GraphBuilder("said")
    graph.output("error", graph.add("fail", broken, value=3).error)
    ran = await run(graph)
    wanted = {"type": "ValueError", "message": "3 does not please", "task": "fail"}
    assert ran.outputs == {"error": wanted}


async def test_the_error_comes_after_the_last_attempt():
    """Engine 3.3, 5.5."""
    ran = await run(handled(policy=AGAIN))
    assert len(ran.of("fail", "TaskRetrying")) == 2
    assert [each.attempt for each in ran.of("fail", "TaskFailed")] == [3]
    assert ran.outputs == {"message": "3 does not please"}


async def test_where_nothing_fails_what_takes_the_error_is_skipped():
    """Engine 3.3, 3.4."""
    graph = GraphBuilder("well")
    well = graph.add("well", same, value=3)
    graph.add("message", fault_message, fault=well.error)
    graph.output("value", well.result)
    ran = await run(graph)
    assert ran.outputs == {"value": 3}
    assert ran.status("message") == "skipped"


async def test_what_had_begun_on_the_stream_of_a_handled_failure_ends_skipped():
    """Engine 3.3."""
    graph = GraphBuilder("stream")
    fail = graph.add("fail", Fail, chunks=2)
    reads = graph.add("reads", Double, numbers=fail.numbers)
    graph.add("total", Total, numbers=reads.numbers)
    graph.output("message", graph.add("message", fault_message, fault=fail.error).result)
    ran = await run(graph)
    assert ran.outputs == {"message": "no such luck"}
    assert "TaskStarted" in ran.kinds("reads")
    assert (ran.status("reads"), ran.status("total")) == ("skipped", "skipped")


async def test_a_cancel_gives_no_error():
    """Engine 3.3."""
    GATES.clear()
    graph = GraphBuilder("cancel")
    until = graph.add("until", Until, value=1)
    graph.add("message", fault_message, fault=until.error)
    async with Driven(graph) as driven:
        await driven.until("TaskStarted", "until")
        driven.executor.cancel("alice")
        ran = await driven.end()
    assert ran.kept.status is RunStatus.CANCELLED
    assert ran.statuses() == {"until": "cancelled", "message": "cancelled"}


async def test_a_failure_upstream_gives_no_error():
    """Engine 3.3."""
    graph = GraphBuilder("upstream")
    fail = graph.add("fail", broken, value=3)
    after = graph.add("after", same, value=fail.result)
    graph.add("message", fault_message, fault=after.error)
    ran = await run(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert (ran.status("after"), ran.status("message")) == ("upstream-failed", "upstream-failed")


async def test_a_compound_hands_on_the_error_of_what_failed_in_it():
    """Engine 3.3, 2.7."""
    inner = GraphBuilder("inner")
    fixed = inner.add("fixed", Number, value=1)
    fail = inner.add("fail", broken, value=inner.input("value", "int"))
    inner.output("fixed", fixed.result)
    inner.output("result", fail.result)
    graph = GraphBuilder("outer")
    whole = graph.add("whole", inner.as_task(), value=3)
    graph.output("error", whole.error)
    graph.output("fixed", whole.fixed)
    ran = await run(graph)
    assert ran.outputs["error"]["task"] == "whole/fail"
    assert "fixed" not in ran.outputs
    assert (ran.status("whole"), ran.status("whole/fixed")) == ("failed", "completed")


@pytest.mark.parametrize("kind", ["map", "reduce", "while", "fallback"])
async def test_a_control_hands_on_the_error_of_what_failed_in_it(kind):
    """Engine 3.3, 8.1."""
    made: Any = {
        "map": lambda: (Map.of(times, over=["item"]), {"item": [1, -1]}),
        "reduce": lambda: (Reduce.of(adding(), over=["item"]), {"item": [1, -1], "total": 0}),
        "while": lambda: (While.of(adding(), condition=BELOW), {"item": -1, "total": 0}),
        "fallback": lambda: (Fallback.of(times, times), {"item": -1}),
    }
    control, inputs = made[kind]()
    graph = GraphBuilder("control")
    tried = graph.add("tried", control, **inputs)
    graph.output("message", graph.add("message", fault_message, fault=tried.error).result)
    ran = await run(graph)
    assert ran.outputs == {"message": "-1 is below zero"}
    assert ran.status("tried") == "failed"


BELOW = {"port": "total", "is": "<", "value": 5}


def adding() -> Any:
    """Add ten times an item to a total."""
    body = GraphBuilder("adding")
    total = body.input("total", "int")
    ten = body.add("ten", times, item=body.input("item", "int"))
    body.output("total", body.add("plus", plus, total=total, item=ten.result).result)
    return body.as_task()


async def test_errors_in_items_are_handled_item_by_item():
    """Engine 3.3, 8.1."""
    body = GraphBuilder("body")
    ten = body.add("ten", times, item=body.input("item", "int"))
    body.output("result", ten.result)
    body.output("message", body.add("message", fault_message, fault=ten.error).result)
    graph = GraphBuilder("items")
    each = graph.add("each", Map.of(body.as_task(), over=["item"]), item=[1, -1])
    graph.output("many", each.result)
    graph.output("messages", each.message)
    ran = await run(graph)
    assert ran.outputs == {"many": [10, None], "messages": [None, "-1 is below zero"]}


# ── fail fast ───────────────────────────────────────────────────────────────────────────────────


async def ended(graph: GraphBuilder) -> Ran:
    """Run to the end with tasks that would wait for ever."""
    GATES.clear()
    return await run(graph)


async def test_without_fail_fast_what_does_not_depend_on_a_failure_goes_on():
    """Engine 5.4."""
    graph = GraphBuilder("slow")
    graph.add("fail", broken, value=1)
    first = graph.add("first", same, value=2)
    graph.add("second", same, value=first.result)
    ran = await run(graph)
    assert ran.statuses() == {"fail": "failed", "first": "completed", "second": "completed"}


async def test_with_fail_fast_a_failure_cancels_the_rest():
    """Engine 5.4."""
    graph = GraphBuilder("fast", fail_fast=True)
    graph.add("fail", broken, value=1)
    until = graph.add("until", Until, value=2)
    graph.add("after", same, value=until.result)
    ran = await ended(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert ran.statuses() == {"fail": "failed", "until": "cancelled", "after": "cancelled"}


async def test_a_handled_failure_is_none_that_fail_fast_heeds():
    """Engine 5.4, 3.3."""
    graph = GraphBuilder("fast", fail_fast=True)
    fail = graph.add("fail", broken, value=1)
    graph.output("error", fail.error)
    slow = graph.add("emit", Flaky, count=20)
    graph.output("numbers", slow.numbers)
    ran = await run(graph)
    assert len(ran.outputs["numbers"]) == 20


async def test_a_compound_that_fails_fast_cancels_itself_and_nothing_else():
    """Engine 5.4, 2.7."""
    inner = GraphBuilder("inner", fail_fast=True)
    value = inner.input("value", "int")
    inner.add("fail", broken, value=value)
    inner.output("result", inner.add("until", Until, value=value).result)
    graph = GraphBuilder("outer")
    graph.add("whole", inner.as_task(), value=1)
    graph.output("apart", graph.add("apart", Flaky, count=20).numbers)
    ran = await ended(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert ran.status("whole/until") == "cancelled"
    assert ran.status("apart") == "completed"


def item_body(*, fail_fast: bool = False) -> Any:
    """A task that fails below zero, and one that waits above."""
    body = GraphBuilder("body", fail_fast=fail_fast)
    ten = body.add("ten", times, item=body.input("item", "int"))
    body.output("result", body.add("until", Until, value=ten.result).result)
    return body.as_task()


async def test_a_map_that_fails_fast_cancels_its_other_items():
    """Engine 5.4, 8.1."""
    graph = GraphBuilder("map")
    each = Map.of(item_body(fail_fast=True), over=["item"])
    graph.add("each", each, item=[1, -1, 2])
    graph.output("apart", graph.add("apart", Flaky, count=20).numbers)
    ran = await ended(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert ran.error == "-1 is below zero"
    assert ran.status("each[0]/until") == ran.status("each[2]/until") == "cancelled"
    assert (ran.status("each"), ran.status("apart")) == ("failed", "completed")


async def test_a_failure_in_an_item_reaches_the_graph_that_fails_fast():
    """Engine 5.4."""
    graph = GraphBuilder("map", fail_fast=True)
    graph.add("each", Map.of(item_body(), over=["item"]), item=[1, -1, 2])
    graph.add("apart", Until, value=1)
    ran = await ended(graph)
    assert ran.kept.status is RunStatus.FAILED
    assert ran.error == "-1 is below zero"
    assert ran.status("apart") == "cancelled"


async def test_a_failed_alternative_cancels_nothing_around_it():
    """Engine 5.4, 8.1."""
    graph = GraphBuilder("tries", fail_fast=True)
    graph.output("result", graph.add("tried", Fallback.of(broken, same), value=2).result)
    graph.output("numbers", graph.add("apart", Flaky, count=20).numbers)
    ran = await run(graph)
    assert ran.outputs["result"] == 2


# ── going on after a failure ────────────────────────────────────────────────────────────────────


class Mended:
    """What failed tasks ask whether they still fail."""

    done = False


class Mending(Number):
    """Fails below zero until it is mended."""

    name = "test.mending"

    class Inputs(Number.Inputs):
        value: int

    async def execute(self, inputs, context):
        EXECUTED.append((context.run, context.path))
        if inputs.value < 0 and not Mended.done:
            raise ValueError("not mended yet")
        return inputs.value


def mending(name: str = "item") -> Any:
    """A body whose first task is kept, and whose second one fails below zero."""
    body = GraphBuilder("body")
    first = body.add("first", same, value=body.input(name, "int"))
    body.output("result", body.add("second", Mending, value=first.result).result)
    return body.as_task()


def to_mend(kind: str) -> GraphBuilder:
    """A graph whose control fails until it is mended."""
    graph = GraphBuilder(kind)
    if kind == "map":
        each = graph.add("each", Map.of(mending(), over=["item"]), item=[1, -1, 2])
        graph.output("result", each.result)
    elif kind == "compound":
        graph.output("result", graph.add("each", mending(), item=-1).result)
    elif kind == "while":
        body = GraphBuilder("turn")
        left, total = body.input("left", "int"), body.input("total", "int")
        body.output("left", body.add("less", less, left=left).result)
        body.output("total", body.add("mend", Mending, value=total).result)
        condition = {"port": "left", "is": ">", "value": 0}
        loop = graph.add("each", While.of(body.as_task(), condition=condition), left=2, total=-7)
        graph.output("result", loop.total)
    else:
        graph.output(
            "result", graph.add("each", Fallback.of(mending(), broken_item()), item=-1).result
        )
    return graph


def broken_item() -> Any:
    """A body that always fails."""
    body = GraphBuilder("other")
    body.output("result", body.add("broken", broken, value=body.input("item", "int")).result)
    return body.as_task()


@pytest.mark.parametrize(("kind", "result"), [("map", [1, -1, 2]), ("compound", -1), ("while", -7)])
async def test_a_person_lets_a_failed_control_go_on_from_what_it_has(kind, result):
    """Engine 7.6, 5.4; P1."""
    Mended.done = False
    driven = Driven(to_mend(kind))
    await driven.take_up()
    failed = await driven.end()
    assert failed.kept.status is RunStatus.FAILED
    Mended.done = True
    driven.store.ask(driven.run, "resume", "alice")
    assert await driven.crash(10**6) == set()
    ran = driven.seen()
    assert ran.kept.status is RunStatus.COMPLETED
    assert ran.outputs == {"result": result}


async def test_a_fallback_none_of_whose_alternatives_worked_may_be_tried_again():
    """Engine 7.6, 8.1."""
    Mended.done = False
    driven = Driven(to_mend("fallback"))
    await driven.take_up()
    assert (await driven.end()).kept.status is RunStatus.FAILED
    Mended.done = True
    driven.store.ask(driven.run, "resume", "alice")
    assert await driven.crash(10**6) == set()
    assert driven.seen().kept.status in {RunStatus.FAILED, RunStatus.COMPLETED}


async def test_a_run_that_was_cancelled_between_two_alternatives_goes_on_with_the_second():
    """Engine 7.6, 8.1."""
    GATES.clear()
    graph = GraphBuilder("cancelled")
    graph.output("result", graph.add("tried", Fallback.of(broken, Until), value=5).result)
    driven = Driven(graph)
    await driven.take_up()
    await driven.until("TaskStarted", "tried/until")
    driven.executor.cancel("alice")
    assert (await driven.end()).kept.status is RunStatus.CANCELLED
    GATES["gate"].set()
    driven.store.ask(driven.run, "resume", "alice")
    assert await driven.crash(10**6) == set()
    ran = driven.seen()
    assert ran.outputs == {"result": 5}
    assert len(ran.of("tried/broken", "TaskStarted")) == 1


async def test_first_of_a_failed_stream_is_not_kept():
    """Engine 4.7."""
    graph = GraphBuilder("first")
    fail = graph.add("fail", Fail, chunks=2)
    first = graph.add("first", First, numbers=fail.numbers)
    graph.output("sum", graph.add("sum", Add, values=[first.result]).result)
    ran = await run(graph)
    assert (ran.status("first"), ran.status("sum")) == ("upstream-failed", "upstream-failed")
