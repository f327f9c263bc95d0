"""A paused run: what still runs, what does not start, and what a pause outlives."""

import asyncio

import pytest

from runner.execution import run_executor
from runner.execution.host import Host
from runner.execution.slots import Slots
from runner.library.flow.ask import Ask
from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import EffectGate, Gate
from tests.tasks import registry_of_tests
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


def registry_of_pause():
    registry = registry_of_tests()
    for each in (Gate, EffectGate, Ask):
        registry.register(each)
    return registry


def gate(name, **more):
    return {"id": name, "type": "test.gate"} | more


CHAIN = definition_of(
    [gate("one"), gate("two")],
    [("one.result", "two.value")],
    outputs={"result": "two.result"},
)
ASK = {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}}


async def started(definition, host=None, **more):
    host = host or Host(now=virtual_time.now)
    return await submit_and_begin(definition, registry=registry_of_pause(), host=host, **more)


async def again(run):
    return await begin(run.store, run.run, registry_of_pause(), Host(now=virtual_time.now))


async def paused(definition=CHAIN, **more):
    run = await started(definition, **more)
    await run.until_event("TaskStarted")
    run.executor.pause("ada")
    await run.until_event("RunPaused")
    return run


async def quiet(run):
    """Let everything happen that is to happen by itself."""
    await asyncio.sleep(30)


@virtual
async def test_a_paused_run_ends_what_runs_and_starts_nothing():
    """Engine 5.1."""
    run = await paused()
    Gate.open("one", "two")
    await run.until_event("TaskCompleted", "one")
    await quiet(run)

    assert Gate.begun == ["one"]
    assert run.kept.status is RunStatus.PAUSED
    run.executor.go_on("bob")
    kept = await run.end()
    assert outputs_of(kept) == {"result": 1}
    assert [each.actor for each in run.events("RunContinued")] == ["bob"]


@virtual
async def test_a_pause_is_said_once_and_so_is_going_on():
    """Engine 6.3."""
    run = await paused()
    run.executor.pause("bob")
    run.executor.go_on("bob")
    run.executor.go_on("cid")
    Gate.open("one", "two")
    kept = await run.end()
    run.executor.pause("ada")
    run.executor.go_on("ada")

    assert kinds_of(kept).count("RunPaused") == kinds_of(kept).count("RunContinued") == 1


@virtual
async def test_queued_tasks_go_back_and_hold_no_place_in_line():
    """Engine 5.7."""
    slots = Slots({"process": 1})
    tasks = [gate("one"), gate("two"), gate("three")]
    run = await started(definition_of(tasks), host=Host(slots=slots))
    await run.until_event("TaskQueued", "three")
    run.executor.pause("ada")
    Gate.open("one", "two", "three")
    await run.until_event("TaskCompleted", "one")
    await quiet(run)

    assert slots.held("process") == 0
    statuses = [run.executor.state.tasks[path].status for path in ("two", "three")]
    assert statuses == [TaskStatus.PENDING] * 2
    run.executor.go_on("ada")
    kept = await run.end()
    assert kept.status is RunStatus.COMPLETED
    assert slots.held("process") == 0


@virtual
async def test_a_slot_that_comes_as_the_run_pauses_is_given_back():
    """Engine 5.7."""
    slots = Slots({"process": 1})
    other = slots.acquire(("process",), lambda: None)
    run = await started(definition_of([gate("one"), gate("two")]), host=Host(slots=slots))
    await run.until_event("TaskQueued", "two")
    other.release()
    run.executor.pause("ada")
    await quiet(run)
    assert (slots.held("process"), Gate.begun) == (0, [])

    again_taken = slots.acquire(("process",), lambda: None)
    run.executor.go_on("ada")
    await quiet(run)
    again_taken.release()
    Gate.open("one", "two")
    kept = await run.end()
    assert kept.status is RunStatus.COMPLETED
    assert slots.held("process") == 0


@virtual
async def test_no_task_is_lost_when_a_run_pauses_that_has_much_to_do(monkeypatch):
    """Engine 5.1, 5.7."""
    monkeypatch.setattr(run_executor, "LOOK_EVERY", 1)
    monkeypatch.setattr(run_executor, "SLICE_SECONDS", -1.0)
    slots = Slots({"process": 1})
    other = slots.acquire(("process",), lambda: None)
    run = await started(definition_of([gate("one"), gate("two")]), host=Host(slots=slots))
    await run.until_event("TaskQueued", "two")
    other.release()
    run.executor.pause("ada")
    Gate.open("one", "two")
    await quiet(run)
    run.executor.go_on("ada")

    kept = await run.end()
    assert kept.status is RunStatus.COMPLETED


@virtual
@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_paused_run_stays_paused_when_its_process_ends(end):
    """Engine 5.1."""
    run = await paused()
    await getattr(run, end)()
    assert run.kept.status is RunStatus.PAUSED
    run = await again(run)
    Gate.open("one", "two")
    await quiet(run)

    assert Gate.begun == ["one"]
    assert run.kept.status is RunStatus.PAUSED
    run.executor.go_on("ada")
    assert outputs_of(await run.end()) == {"result": 1}


@virtual
@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_cancel_outlives_the_process_it_was_told_to(end):
    """Engine 5.8."""
    run = await started(CHAIN)
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    run.executor.log.close()
    await getattr(run, end)()
    if run.kept.status is not RunStatus.CANCELLED:
        assert run.kept.status is RunStatus.CANCELLING
        run = await again(run)
        await run.end()
    assert run.kept.status is RunStatus.CANCELLED
    assert Gate.begun == ["one"]


@virtual
async def test_a_paused_run_can_be_cancelled():
    """Engine 5.1, 5.8."""
    run = await paused()
    run.executor.cancel("ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    run.executor.go_on("ada")
    assert "RunContinued" not in kinds_of(kept)


@virtual
async def test_a_cancelled_run_is_not_paused():
    """Engine 5.3."""
    run = await started(CHAIN)
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    run.executor.pause("ada")
    kept = await run.end()

    assert "RunPaused" not in kinds_of(kept)


@virtual
async def test_a_pause_hides_that_the_run_awaits_and_going_on_shows_it_again():
    """Engine 5.1."""
    run = await started(definition_of([ASK]))
    await run.until_event("RunAwaiting")
    run.executor.pause("ada")
    await run.until_event("RunPaused")
    await run.stop()
    run = await again(run)
    await quiet(run)
    hidden = run.kept.status
    assert hidden is RunStatus.PAUSED
    run.executor.go_on("ada")
    await run.until_event("TaskAwaiting", times=2)
    await run.until_event("RunAwaiting", times=2)

    assert run.kept.status is RunStatus.AWAITING
    run.executor.answer("ask", {"approved": True}, "ada")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_an_answer_in_a_paused_run_ends_its_task_and_starts_no_other():
    """Engine 5.1."""
    after = gate("after") | {"inputs": {"value": 3}}
    run = await paused(definition_of([ASK, after], [("ask.approved", "after.after")]))
    await run.until_event("TaskAwaiting")
    run.executor.answer("ask", {"approved": True}, "ada")
    await run.until_event("TaskCompleted", "ask")
    await quiet(run)

    assert run.kept.status is RunStatus.PAUSED
    assert Gate.begun == []
    Gate.open("after")
    run.executor.go_on("ada")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_a_retry_that_comes_due_in_a_pause_waits_for_its_end():
    """Engine 5.1, 5.5."""
    policy = {"retry": {"attempts": 2, "delay": 5, "jitter": False}}
    task = {"id": "fail", "type": "test.fail", "policy": policy}
    run = await started(definition_of([task]))
    await run.until_event("TaskRetrying")
    run.executor.pause("ada")
    await quiet(run)
    assert len(run.events("TaskStarted")) == 1
    run.executor.go_on("ada")
    kept = await run.end()

    assert len(run.events("TaskStarted")) == 2
    assert kept.status is RunStatus.FAILED
