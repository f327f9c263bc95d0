"""Runs under limits, and runs that are cancelled: what starts, what waits, what is given back."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.slots import Slots
from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import EffectGate, Gate
from tests.tasks import Number, registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()
    Crowd.now = Crowd.most = 0
    Deaf.heard.clear()


class Crowd(Task):
    """Counts how many of its kind work at once."""

    name = "test.crowd"
    effect = "none"
    now = most = 0

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        Crowd.now += 1
        Crowd.most = max(Crowd.most, Crowd.now)
        await asyncio.sleep(0)
        Crowd.now -= 1
        return 1


class Deaf(Task):
    """Does not listen when it is cancelled; notes what it is refused later."""

    name = "test.deaf"
    effect = "none"
    heard: list = []

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        Gate.begun.append(context.path)
        until = virtual_time.passed() + 30
        while virtual_time.passed() < until:
            try:
                await asyncio.sleep(until - virtual_time.passed())
            except asyncio.CancelledError:
                self.heard.append("cancel")
        for say in (
            lambda: context.progress(0.5),
            lambda: context.push_chunk("numbers", 1),
            lambda: context.close_stream("numbers"),
        ):
            try:
                waits = say()
                if waits is not None:
                    await waits
            except Exception as fault:
                self.heard.append(type(fault).__name__)
        context.log.info("still here")
        return {}


class Listed(Task):
    """Its numbers as they are."""

    name = "test.list"
    effect = "none"

    class Inputs(Ports):
        values: list[int] = []

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        return inputs.values


def registry_of_limits():
    registry = registry_of_tests()
    for each in (Gate, EffectGate, Crowd, Deaf, Listed):
        registry.register(each)
    return registry


def gate(name, **policy):
    return {"id": name, "type": "test.gate"} | ({"policy": policy} if policy else {})


def gates_of(count, **policy):
    return definition_of([gate(f"g{n}", **policy) for n in range(count)])


def host_of(**limits):
    slots = Slots({name.replace("_", ":", 1): most for name, most in limits.items()})
    return Host(slots=slots, now=virtual_time.now)


async def started(definition, host=None, **more):
    return await submit_and_begin(definition, registry=registry_of_limits(), host=host, **more)


async def quiet():
    await asyncio.sleep(1)


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


# ── cancel ───────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_nothing_starts_after_a_cancel():
    """Engine 5.8."""
    tasks = [gate("one"), gate("two"), gate("three")]
    run = await started(definition_of(tasks, [("one.result", "two.value")]))
    await run.until_event("TaskStarted", "three")
    run.executor.cancel("ada")
    Gate.open("one", "two", "three")
    kept = await run.end()

    assert Gate.begun == ["one", "three"]
    assert virtual_time.passed() < 1
    assert kept.status is RunStatus.CANCELLED
    assert {each.path for each in run.events("TaskCancelled")} == {"one", "two", "three"}


@virtual
async def test_a_cancelled_run_is_cancelled_once():
    """Engine 5.3."""
    run = await started(gates_of(1))
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    run.executor.cancel("bob")
    kept = await run.end()
    run.executor.cancel("cid")

    assert [each.actor for each in run.events("RunCancelling")] == ["ada"]
    assert kinds_of(kept)[-1] == "RunCancelled"


@virtual
async def test_what_ignores_a_cancel_is_abandoned_after_ten_seconds():
    """Engine 5.8."""
    host = host_of(process=1)
    run = await started(definition_of([{"id": "deaf", "type": "test.deaf"}]), host)
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    kept = await run.end()

    assert 10 <= virtual_time.passed() < 11
    assert kinds_of(kept)[-3:] == ["TaskStuck", "TaskCancelled", "RunCancelled"]
    assert host.slots.held("process") == 0


@virtual
async def test_whatever_an_abandoned_body_still_says_is_refused():
    """Engine 5.8."""
    run = await started(definition_of([{"id": "deaf", "type": "test.deaf"}]))
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    kept = await run.end()
    said = len(kept.entries)
    await asyncio.sleep(60)

    assert Deaf.heard.count("TaskAbandoned") == 3
    assert len(kept.entries) == said
    assert "TaskLogged" not in kinds_of(kept)


@virtual
async def test_a_failure_that_cancels_the_rest_does_not_wait_for_what_ignores_it():
    """Engine 5.4, 5.8."""
    tasks = [{"id": "deaf", "type": "test.deaf"}, {"id": "fail", "type": "test.fail"}]
    run = await started(definition_of(tasks, fail_fast=True))
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert 10 <= virtual_time.passed() < 11
    assert len(run.events("TaskStuck", "deaf")) == 1


@virtual
async def test_a_retry_that_was_to_come_does_not_come_after_a_cancel():
    """Engine 5.8, 5.5."""
    policy = {"retry": {"attempts": 3, "delay": 5, "jitter": False}}
    task = {"id": "fail", "type": "test.fail", "policy": policy}
    run = await started(definition_of([task, gate("gate")]))
    await run.until_event("TaskRetrying")
    run.executor.cancel("ada")
    await run.end()
    await asyncio.sleep(20)

    assert len(run.events("TaskStarted", "fail")) == 1


@virtual
async def test_a_stop_gives_bodies_five_seconds_and_no_more():
    """Engine 5.8, 7.3."""
    run = await started(definition_of([{"id": "deaf", "type": "test.deaf"}]))
    await run.until_event("TaskStarted")
    await run.executor.stop()
    await run.driving

    assert 5 <= virtual_time.passed() < 6
    assert run.kept.status is RunStatus.INTERRUPTED


@virtual
async def test_a_stop_after_the_end_changes_nothing():
    """Engine 5.3."""
    run = await started(definition_of([{"id": "one", "type": "test.number"}]))
    kept = await run.end()
    await run.executor.stop()

    assert kinds_of(kept)[-1] == "RunCompleted"


# ── the rest of a graph that failed ──────────────────────────────────────────────────────────────


@virtual
async def test_what_does_not_depend_on_a_failure_goes_on():
    """Engine 5.4."""
    tasks = [gate("gate"), {"id": "fail", "type": "test.fail"}, gate("after")]
    run = await started(definition_of(tasks, [("gate.result", "after.value")]))
    await run.until_event("TaskFailed")
    Gate.open("gate", "after")
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert len(run.events("TaskCompleted")) == 2


@virtual
async def test_a_failure_cancels_the_rest_where_the_graph_says_so():
    """Engine 5.4."""
    tasks = [gate("gate"), {"id": "fail", "type": "test.fail"}, gate("after")]
    flows = [("gate.result", "after.value")]
    run = await started(definition_of(tasks, flows, fail_fast=True))
    kept = await run.end()

    statuses = {path: each.status for path, each in run.executor.state.tasks.items()}
    assert kept.status is RunStatus.FAILED
    assert statuses["gate"] is TaskStatus.CANCELLED
    assert statuses["after"] in {TaskStatus.CANCELLED, TaskStatus.UPSTREAM_FAILED}
    assert run.events("RunFailed")[0].path == "fail"


@virtual
async def test_a_run_that_failed_fast_goes_on_when_it_is_resumed():
    """Engine 5.4, 7.1."""
    tasks = [gate("gate"), {"id": "fail", "type": "test.fail"}]
    run = await started(definition_of(tasks, fail_fast=True))
    await run.end()
    run.store.ask(run.run, "resume", "ada")
    (stored,) = await run.store.claim("test", 1)
    run.kept.owner = ""
    Gate.open("gate")
    run.kept.reopened = stored.reopened
    run = await begin(run.store, run.run, registry_of_limits())
    kept = await run.end()

    assert kept.status is RunStatus.FAILED
    assert Gate.begun.count("gate") == 2


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
