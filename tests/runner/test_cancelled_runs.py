"""What is cancelled, or given up because its graph failed: nothing starts, nothing late counts."""

import asyncio

import pytest

from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.crowding import Deaf, gate, gates_of, host_of, registry_of_limits, reset, started
from tests.drive import definition_of, kinds_of
from tests.gates import Gate
from tests.under_way import begin
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    reset()


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
