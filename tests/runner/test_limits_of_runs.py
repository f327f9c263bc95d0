"""Runs under limits, and runs that are cancelled: what starts, what waits, what is given back."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.execution.memory import MemoryStore
from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.run.status import RunStatus
from tests import virtual_time
from tests.crowding import Crowd, gate, gates_of, host_of, quiet, reset, started
from tests.drive import definition_of, outputs_of
from tests.gates import Gate
from tests.tasks import Number
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    reset()


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


@virtual
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"process": 2}, "this server"),
        ({"run_run-1": 2}, "this run"),
        ({"user_ada": 2}, "user ada"),
        ({"group_ollama": 2}, "group ollama"),
    ],
)
async def test_each_limit_holds_back_and_says_why(limits, said):
    """Engine 5.7, 5.2."""
    host = host_of(**limits)
    run = await started(gates_of(3, group="ollama"), host, identity="ada")
    queued = await run.until_event("TaskQueued")
    await quiet()

    assert Gate.begun == ["g0", "g1"]
    assert (queued.path, said in queued.reason) == ("g2", True)
    Gate.open("g0", "g1", "g2")
    assert (await run.end()).status is RunStatus.COMPLETED
    (name,) = (each.replace("_", ":", 1) for each in limits)
    assert name.startswith("run:") or host.slots.held(name) == 0


@virtual
async def test_other_users_groups_and_runs_are_not_held_back():
    """Engine 5.7."""
    host = host_of(user_bob=1, group_other=1)
    run = await started(gates_of(3, group="ollama"), host, identity="ada")
    await quiet()

    assert len(Gate.begun) == 3
    assert not run.events("TaskQueued")
    await run.kill()


@virtual
async def test_two_runs_share_a_limit():
    """Engine 5.7."""
    host, store = host_of(process=1), MemoryStore()
    first = await started(gates_of(1), host, store=store)
    await first.until_event("TaskStarted")
    second = await started(definition_of([gate("other")]), host, store=store)
    await second.until_event("TaskQueued")
    await quiet()
    assert Gate.begun == ["g0"]
    Gate.open("g0", "other")
    await first.end()
    assert (await second.end()).status is RunStatus.COMPLETED


@virtual
async def test_control_tasks_take_no_slot():
    """Engine 5.7."""
    graph = GraphBuilder("mapped")
    each = graph.add("each", Map.of(Number, over=["value"]), value=[1, 2, 3])
    graph.output("all", each.result)
    run = await started(graph.definition.to_json(), host_of(process=1))

    assert outputs_of(await run.end()) == {"all": [1, 2, 3]}


@virtual
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_streams_go_on_under_any_limit(count):
    """Engine 4.5, 5.7."""
    tasks: list[dict[str, Any]] = [
        {"id": "emit", "type": "test.emit", "inputs": {"count": 500}},
        {"id": "a", "type": "test.double"},
        {"id": "b", "type": "test.double"},
        {"id": "total", "type": "test.total"},
    ]
    flows = [
        ("emit.numbers", "a.numbers"),
        ("a.numbers", "b.numbers"),
        ("b.numbers", "total.numbers"),
    ]
    host = host_of(process=count)
    run = await started(definition_of(tasks, flows, outputs={"n": "total.result"}), host)

    assert outputs_of(await run.end()) == {"n": 4 * sum(range(500))}
    assert host.slots.held("process") == host.slots.working("process") == 0


@virtual
async def test_a_retrying_task_holds_no_slot():
    """Engine 5.7."""
    policy = {"retry": {"attempts": 2, "delay": 5, "jitter": False}}
    host = host_of(process=1)
    tasks = [{"id": "fail", "type": "test.fail", "policy": policy}, gate("gate")]
    run = await started(definition_of(tasks), host)
    await run.until_event("TaskRetrying")
    await run.until_event("TaskStarted", "gate")
    Gate.open("gate")
    assert (await run.end()).status is RunStatus.FAILED
    assert host.slots.held("process") == 0


@virtual
@pytest.mark.parametrize("end", ["cancel", "stop", "kill"])
async def test_who_stands_in_line_leaves_it_when_the_run_ends(end):
    """Engine 5.7, 5.8."""
    host, store = host_of(process=1), MemoryStore()
    run = await started(gates_of(3), host, store=store)
    await run.until_event("TaskQueued", "g2")
    if end == "cancel":
        run.executor.cancel("ada")
        await run.end()
    else:
        await getattr(run, end)()
    other = await started(definition_of([{"id": "one", "type": "test.number"}]), host, store=store)

    assert (await other.end()).status is RunStatus.COMPLETED
    assert Gate.begun == ["g0"]
    assert host.slots.held("process") == 0


@virtual
async def test_a_run_that_is_taken_over_gives_its_slots_back():
    """Engine 5.7, 7.5."""
    host = host_of(process=1)
    run = await started(gates_of(2), host)
    await run.until_event("TaskQueued")
    run.kept.epoch += 1
    run.executor.cancel("ada")
    with pytest.raises(Exception, match="another owner"):
        await run.end()
    await quiet()

    assert host.slots.held("process") == 0


@virtual
async def test_a_queued_task_whose_source_is_lost_leaves_the_line_and_may_join_it_again():
    """Engine 5.7, 4.7."""
    policy = {"retry": {"attempts": 2, "delay": 3, "jitter": False}}
    emit = {"id": "fail", "type": "test.fail", "inputs": {"chunks": 1}, "policy": policy}
    tasks = [gate("gate"), emit, {"id": "double", "type": "test.double"}]
    host = host_of(process=2)
    run = await started(definition_of(tasks, [("fail.numbers", "double.numbers")]), host)
    await run.until_event("TaskRetrying", "fail")
    await run.until_event("TaskFailed", "fail")
    Gate.open("gate")
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert host.slots.held("process") == 0


@virtual
async def test_a_task_told_twice_to_start_stands_in_line_once():
    """Engine 5.7, 5.3."""
    host = host_of(process=1)
    run = await started(gates_of(2), host)
    await run.until_event("TaskQueued", "g1")
    run.executor.pause("ada")
    other = host.slots.acquire(("process",), lambda: None)
    run.executor.go_on("ada")
    run.executor.pause("ada")
    run.executor.go_on("ada")
    Gate.open("g0", "g1")
    await run.until_event("TaskCompleted", "g0")
    other.release()

    assert (await run.end()).status is RunStatus.COMPLETED
    assert Gate.begun == ["g0", "g1"]
    assert host.slots.held("process") == 0


@virtual
async def test_ten_thousand_tasks_behind_a_limit_cost_no_search():
    """Engine 5.7."""

    async def seconds(count):
        tasks = [{"id": f"t{n}", "type": "test.crowd"} for n in range(count)]
        run = await started(definition_of(tasks), host_of(process=8))
        since = time.process_time()
        assert (await run.end()).status is RunStatus.COMPLETED
        return time.process_time() - since

    few, many = await seconds(1_000), await seconds(10_000)

    assert Crowd.most == 8
    assert many < 40 * few


# ── the same whatever comes first ────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(paces=st.lists(st.integers(0, 6), min_size=6, max_size=6), limit=st.integers(1, 4))
def test_outputs_are_the_same_whatever_the_interleaving(paces, limit):
    """Engine 5.10."""
    numbers = [
        {"id": f"n{n}", "type": "test.number", "inputs": {"value": n}, "config": {"yields": pace}}
        for n, pace in enumerate(paces[:4])
    ]
    emits = [
        {"id": f"e{n}", "type": "test.emit", "inputs": {"count": n + 2}, "config": {"yields": pace}}
        for n, pace in enumerate(paces[4:])
    ]
    tasks: list[dict[str, Any]] = [
        *numbers,
        *emits,
        {"id": "list", "type": "test.list"},
        {"id": "braid", "type": "test.braid"},
    ]
    flows = [(f"n{n}.result", "list.values") for n in (2, 0, 3, 1)]
    flows += [(f"e{n}.numbers", "braid.streams") for n in (1, 0)]
    outputs = {"list": "list.result", "braid": "braid.result"}

    async def once():
        definition = definition_of(tasks, flows, outputs=outputs)
        return outputs_of(await (await started(definition, host_of(process=limit))).end())

    with asyncio.Runner(loop_factory=virtual_time.VirtualLoop) as runner:
        assert runner.run(once()) == {"list": [2, 0, 3, 1], "braid": [0, 1, 2, 0, 1]}
