"""Runs of Fallback, FirstOf and SubGraph: whose result counts, and how deep it goes."""

import asyncio
import json
from typing import Any

from runner.graph.building import GraphBuilder
from runner.graph.choices import Fallback, FirstOf
from runner.graph.definition import GraphDefinition
from runner.graph.loops import Map, While
from runner.graph.ports import Ports
from runner.graph.subgraph import SubGraph
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests.held_tasks import GATES, Flaky, Held, Until, broken, less, same, times
from tests.runs import Driven, run
from tests.tasks import Double, Emit, Number, observe


def trying(*alternatives: Any, kind: type[Any] = Fallback, **inputs: Any) -> GraphBuilder:
    graph = GraphBuilder("trying")
    tried = graph.add("tried", kind.of(*alternatives), **(inputs or {"value": 7}))
    for port in tried.task.outputs:
        graph.output(port, tried[port])
    return graph


# ── fallbacks ───────────────────────────────────────────────────────────────────────────────────


async def test_a_fallback_tries_the_next_alternative_after_a_failure():
    """Engine 8.1."""
    ran = await run(trying(broken, broken, same))
    assert ran.outputs == {"result": 7}
    assert [each.decision for each in ran.of("tried", "TaskExpanded")] == [0, 1, 2]
    assert ran.status("tried/broken_2") == "failed"
    assert ran.status("tried") == "completed"


async def test_a_fallback_stops_at_the_first_that_completes():
    """Engine 8.1."""
    ran = await run(trying(same, broken))
    assert ran.outputs == {"result": 7}
    assert "tried/broken" not in ran.statuses()


async def test_a_fallback_all_of_whose_alternatives_fail_fails_with_the_last():
    """Engine 8.1."""
    ran = await run(trying(broken, Unlucky))
    assert ran.kept.status is RunStatus.FAILED
    assert ran.error == "no luck at all"
    assert ran.status("tried") == "failed"


class Unlucky(Task):
    """Fails with a sentence of its own."""

    name = "test.unlucky"
    effect = "none"

    class Inputs(Ports):
        value: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        raise ValueError("no luck at all")


async def test_a_fallback_tries_no_more_when_the_run_is_cancelled():
    """Engine 8.1, 5.8."""
    GATES.clear()
    async with Driven(trying(Until, same)) as driven:
        await driven.until("TaskStarted", "tried/until")
        driven.executor.cancel("alice")
        ran = await driven.end()
    assert ran.kept.status is RunStatus.CANCELLED
    assert ran.statuses() == {"tried": "cancelled", "tried/until": "cancelled"}


async def test_the_stream_of_a_fallback_starts_again_at_each_alternative():
    """Engine 4.10."""
    graph = GraphBuilder("anew")
    tried = graph.add(
        "tried", Fallback.of(Flaky({"fails": 9, "after": 2}), Emit), count=3, start=50
    )
    graph.output("numbers", tried.numbers)
    graph.output("doubled", graph.add("double", Double, numbers=tried.numbers).numbers)
    ran = await run(graph)
    assert ran.outputs == {"numbers": [0, 1, 2], "doubled": [0, 2, 4]}
    kinds = ran.kinds("tried")
    assert kinds.index("StreamOpened") < kinds.index("StreamSuperseded")
    assert "TaskDropped" in ran.kinds("double")
    assert (kinds.count("StreamOpened"), kinds.count("StreamClosed")) == (2, 1)


async def test_the_first_chunk_of_an_alternative_comes_through_a_fallback():
    """Engine 4.6."""
    GATES.clear()
    graph = GraphBuilder("through")
    tried = graph.add("tried", Fallback.of(Held, Emit), count=3)
    graph.output("doubled", graph.add("double", Double, numbers=tried.numbers).numbers)
    async with Driven(graph) as driven:
        await driven.until("StreamOpened", "double")
        assert not driven.seen().of("tried", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"doubled": [0, 2, 4]}


async def test_alternatives_may_be_graphs_and_have_retries_of_their_own():
    """Engine 8.1, 5.5."""
    first = GraphBuilder("first")
    value = first.input("value", "int")
    first.output("result", first.add("broken", broken, value=value, policy=AGAIN).result)
    ran = await run(trying(first.as_task(), same))
    assert ran.outputs == {"result": 7}
    assert len(ran.of("tried/first/broken", "TaskRetrying")) == 1
    assert ran.kinds("tried/first") == ["TaskStarted", "TaskFailed"]


AGAIN = {"retry": {"attempts": 2, "delay": 0.0}}


async def test_what_a_failed_alternative_began_is_not_among_what_remains_to_do():
    """Engine 5.9."""
    ran = await run(trying(broken, same))
    assert (ran.kept.progress.done, ran.kept.progress.total) == (1, 1)
    assert ran.kept.progress.failed == 0


async def test_a_map_may_fall_back_in_each_of_its_items():
    """Engine 8.1."""
    body = GraphBuilder("body")
    item = body.input("item", "int")
    tried = body.add("tried", Fallback.of(times, Zero), item=item)
    body.output("result", tried.result)
    graph = GraphBuilder("mapped")
    each = graph.add("each", Map.of(body.as_task(), over=["item"]), item=[1, -1, 2])
    graph.output("many", each.result)
    ran = await run(graph)
    assert ran.outputs == {"many": [10, 0, 20]}


class Zero(Task):
    """Nothing, whatever the item."""

    name = "test.zero"
    effect = "none"

    class Inputs(Ports):
        item: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        observe(context)
        return 0


# ── races ───────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_to_complete_wins_and_the_others_are_cancelled():
    """Engine 8.1."""
    GATES.clear()
    ran = await run(trying(Until, same, kind=FirstOf))
    assert ran.outputs == {"result": 7}
    assert [each.decision for each in ran.of("tried", "TaskDecided")] == [1]
    assert ran.status("tried/until") == "cancelled"
    assert ran.status("tried/same") == "completed"


async def test_a_race_goes_on_while_one_may_still_win():
    """Engine 8.1."""
    ran = await run(trying(broken, same, kind=FirstOf))
    assert ran.outputs == {"result": 7}
    assert ran.kept.status is RunStatus.COMPLETED
    assert (ran.kept.progress.done, ran.kept.progress.total) == (1, 1)


async def test_a_race_that_nobody_completes_fails():
    """Engine 8.1."""
    ran = await run(trying(broken, Unlucky, kind=FirstOf))
    assert ran.kept.status is RunStatus.FAILED
    assert ran.status("tried") == "failed"


async def test_losers_that_are_graphs_are_cancelled_as_a_whole():
    """Engine 8.1."""
    GATES.clear()
    slow = GraphBuilder("slow")
    value = slow.input("value", "int")
    until = slow.add("until", Until, value=value)
    slow.output("result", slow.add("after", same, value=until.result).result)
    ran = await run(trying(slow.as_task(), same, kind=FirstOf))
    assert ran.outputs == {"result": 7}
    assert ran.status("tried/slow/until") == ran.status("tried/slow/after") == "cancelled"
    assert ran.kinds("tried/slow") == ["TaskStarted", "TaskCancelled"]


async def test_losers_that_are_maps_are_cancelled_with_their_items():
    """Engine 8.1."""
    GATES.clear()
    body = GraphBuilder("body")
    body.output("result", body.add("until", Until, value=body.input("item", "int")).result)
    slow = GraphBuilder("slow")
    value = slow.input("value", "int")
    each = slow.add("each", Map.of(body.as_task(), over=["item"]), item=[1, 2])
    slow.output("result", slow.add("sum", Sum, values=each.result, value=value).result)
    ran = await run(trying(slow.as_task(), Waiter, kind=FirstOf))
    assert ran.outputs == {"result": -1}
    found = {path: each for path, each in ran.statuses().items() if path.startswith("tried/slow")}
    assert set(found.values()) == {"cancelled"}
    assert "tried/slow/each[1]/until" in found


class Waiter(Unlucky):
    """Completes when the others are well under way."""

    name = "test.waiter"

    async def execute(self, inputs, context):
        for _ in range(20):
            await asyncio.sleep(0)
        return -1


class Sum(Task):
    """A sum, beside a value."""

    name = "test.sum"
    effect = "none"

    class Inputs(Ports):
        values: list[int]
        value: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        return sum(inputs.values)


async def test_races_nest():
    """Engine 8.1."""
    GATES.clear()
    inner = GraphBuilder("inner")
    value = inner.input("value", "int")
    inner.output("result", inner.add("race", FirstOf.of(Until, same), value=value).result)
    ran = await run(trying(Until, inner.as_task(), kind=FirstOf))
    assert ran.outputs == {"result": 7}
    assert ran.status("tried/until") == "cancelled"
    assert ran.status("tried/inner/race/until") == "cancelled"


async def test_a_race_in_a_loop_is_run_in_every_turn():
    """Engine 8.1."""
    GATES.clear()
    body = GraphBuilder("body")
    left = body.input("left", "int")
    race = body.add("race", FirstOf.of(Until, same), value=left)
    body.output("left", body.add("less", less, left=race.result).result)
    graph = GraphBuilder("loop")
    loop = graph.add(
        "loop", While.of(body.as_task(), condition={"port": "left", "is": ">", "value": 0}), left=3
    )
    graph.output("left", loop.left)
    ran = await run(graph)
    assert ran.outputs == {"left": 0}
    assert ran.status("loop[2]/race/until") == "cancelled"


# ── sub-graphs ──────────────────────────────────────────────────────────────────────────────────


def workflow(name: str, body: Any) -> GraphBuilder:
    graph = GraphBuilder(name)
    value = graph.input("value", "int")
    graph.output("result", graph.add("inside", body, value=value).result)
    return graph


def calling(
    *inside: GraphBuilder, name: str = "", value: int = 7
) -> tuple[GraphBuilder, dict[str, Any]]:
    """A graph that runs the first of these workflows, and the workflows by name."""
    workflows = {each.definition.name: each.definition for each in inside}
    graph = GraphBuilder("calling")
    for each in inside:
        graph.registry.update(each.registry)
    graph.registry = graph.registry.with_workflows(workflows)
    sub = SubGraph({"workflow": name or inside[0].definition.name}, graph.registry)
    called = graph.add("called", sub, value=value)
    graph.output("result", called.result)
    return graph, workflows


async def test_a_sub_graph_runs_the_workflow_that_was_pinned():
    """Engine 6.8."""
    graph, _ = calling(workflow("shared", same))
    graph.registry.register(times)
    pinned = workflow("shared", Tenfold)
    graph.registry.update(pinned.registry)
    ran = await run(graph, workflows={"shared": pinned.definition})
    assert ran.outputs == {"result": 70}
    assert ran.status("called/inside") == "completed"


class Tenfold(Unlucky):
    """Ten times a value."""

    name = "test.tenfold"

    async def execute(self, inputs, context):
        observe(context)
        return 10 * inputs.value


def countdown(floor: int) -> GraphBuilder:
    """A workflow that calls itself until its value is no longer above the floor."""
    name = "countdown"
    document: Any = {
        "v": 1, "name": name,
        "inputs": [{"name": "value", "type": "int"}],
        "outputs": [{"name": "result", "from": "merge.value"}],
        "tasks": [
            {"id": "way", "type": "flow.branch", "config": {"branches": [
                {"name": "more", "if": {"port": "value", "is": ">", "value": floor}}],
                "otherwise": "enough"}},
            {"id": "less", "type": "test.less"},
            {"id": "again", "type": "flow.subgraph", "config": {"workflow": name}},
            {"id": "merge", "type": "flow.merge"},
        ],
        "dataflows": [
            {"from": "$inputs.value", "to": "way.value"},
            {"from": "way.more", "to": "less.left"},
            {"from": "less.result", "to": "again.value"},
            {"from": "again.result", "to": "merge.values"},
            {"from": "way.enough", "to": "merge.values"},
        ],
    }  # fmt: skip
    graph = GraphBuilder(name)
    graph.registry.register(less)
    graph.definition = GraphDefinition.from_json(json.dumps(document))
    return graph


async def test_a_workflow_may_call_itself_as_long_as_it_ends():
    """Engine 6.8."""
    graph, workflows = calling(countdown(0), value=4)
    ran = await run(graph, workflows=workflows)
    assert ran.outputs == {"result": 0}
    assert ran.status("called/again/again/less") == "completed"
    assert ran.status("called/again/again/again/again/less") == "skipped"


async def test_a_workflow_may_call_itself_32_deep():
    """Engine 6.8."""
    graph, workflows = calling(countdown(0), value=31)
    ran = await run(graph, workflows=workflows)
    assert ran.outputs == {"result": 0}


async def test_a_workflow_that_calls_itself_33_deep_fails_loudly():
    """Engine 6.8."""
    graph, workflows = calling(countdown(0), value=32)
    ran = await run(graph, workflows=workflows)
    assert ran.kept.status is RunStatus.FAILED
    assert "nests workflows deeper than 32 levels" in ran.error


async def test_a_stream_goes_into_a_workflow_and_out_again_as_it_comes():
    """Engine 4.6."""
    GATES.clear()
    inside = GraphBuilder("stream")
    numbers = inside.input("value", "list[int]")
    inside.output("result", inside.add("double", Double, numbers=numbers).numbers)
    graph = GraphBuilder("calling")
    workflows = {"stream": inside.definition}
    graph.registry.update(inside.registry)
    graph.registry = graph.registry.with_workflows(workflows)
    source = graph.add("source", Held, count=3)
    called = graph.add(
        "called", SubGraph({"workflow": "stream"}, graph.registry), value=source.numbers
    )
    graph.output("twice", graph.add("twice", Double, numbers=called.result).numbers)
    async with Driven(graph, workflows=workflows) as driven:
        await driven.until("StreamOpened", "twice")
        assert not driven.seen().of("source", "StreamClosed")
        GATES["gate"].set()
        ran = await driven.end()
    assert ran.outputs == {"twice": [0, 4, 8]}


async def test_a_workflow_that_ignores_a_stream_ends_when_its_tasks_do():
    """Engine 4.7."""
    GATES.clear()
    inside = GraphBuilder("deaf")
    inside.input("value", "list[int]")
    inside.output("result", inside.add("number", Number, value=3).result)
    graph = GraphBuilder("calling")
    workflows = {"deaf": inside.definition}
    graph.registry.update(inside.registry)
    graph.registry = graph.registry.with_workflows(workflows)
    source = graph.add("source", Flaky({"fails": 1, "after": 1}), policy=AGAIN)
    called = graph.add(
        "called", SubGraph({"workflow": "deaf"}, graph.registry), value=source.numbers
    )
    graph.output("result", called.result)
    ran = await run(graph, workflows=workflows)
    assert ran.outputs == {"result": 3}
