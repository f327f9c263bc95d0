"""What tasks that wait hold meanwhile, and how their run stands."""

import asyncio
from datetime import timedelta
from typing import Any

from runner.execution.body import Body
from runner.execution.context import TaskContext
from runner.execution.memory import MemoryStore
from runner.execution.slots import Slots
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.run.status import RunStatus, TaskStatus
from tests import virtual_time
from tests.drive import definition_of, kinds_of, outputs_of
from tests.under_way import submit_and_begin
from tests.virtual_time import EPOCH, virtual
from tests.waiting import (
    APPROVAL,
    again,
    host_of,
    registry_of_waits,
    started,
)


@virtual
async def test_a_task_that_waits_holds_no_slot():
    """Engine 5.7."""
    slots = Slots({"process": 1})
    tasks: list[dict[str, Any]] = [
        {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}},
        {"id": "one", "type": "test.number"},
    ]
    run = await started(definition_of(tasks), host=host_of(slots=slots))
    await run.until_event("TaskCompleted", "one")

    assert run.executor.state.tasks["ask"].status is TaskStatus.AWAITING
    assert slots.held("process") == 0
    run.executor.answer("ask", {"approved": True}, "ada")
    await run.end()
    assert slots.held("process") == 0


@virtual
async def test_a_run_awaits_while_everything_in_it_waits():
    """Engine 5.1."""
    run = await started(APPROVAL)
    awaiting = await run.until_event("RunAwaiting")
    assert (awaiting.reason, run.kept.status) == ("approval", RunStatus.AWAITING)
    run.executor.answer("ask", {"approved": True}, "ada")
    kept = await run.end()

    assert kinds_of(kept).index("RunWoke") > kinds_of(kept).index("RunAwaiting")
    assert kept.status is RunStatus.COMPLETED


@virtual
async def test_a_run_in_which_something_works_does_not_await():
    """Engine 5.1."""
    tasks: list[dict[str, Any]] = [
        {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}},
        {"id": "hang", "type": "test.hang"},
    ]
    run = await started(definition_of(tasks))
    await run.until_event("TaskAwaiting", "ask")
    await asyncio.sleep(5)

    assert run.kept.status is RunStatus.RUNNING
    run.executor.cancel("ada")
    await run.end()


@virtual
async def test_a_run_that_awaits_is_taken_up_and_awaits_again():
    """Engine 5.1."""
    run = await started(APPROVAL)
    await run.until_event("RunAwaiting")
    await run.kill()
    (stored,) = await MemoryStore.claim(run.store, "test", 5)
    run.kept.owner = ""
    run = await again(run)
    await run.until_event("RunAwaiting", times=2)

    assert stored.status is RunStatus.AWAITING
    run.executor.answer("ask", {"approved": True}, "ada")
    assert (await run.end()).status is RunStatus.COMPLETED


@virtual
async def test_a_question_can_be_cancelled():
    """Engine 5.8."""
    run = await started(APPROVAL)
    await run.until_event("TaskAwaiting", "ask")
    run.executor.cancel("ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    assert not run.executor.answer("ask", {"approved": True}, "ada")


@virtual
async def test_a_cancel_while_bodies_stand_in_line_again_ends_the_run():
    """Engine 5.7, 5.8."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    ask: dict[str, Any] = {"type": "flow.ask", "config": {"title": "Go on?"}}
    hang: dict[str, Any] = {"type": "test.hang"}
    tasks = [{"id": "h1"} | hang, {"id": "ask"} | ask, {"id": "more"} | ask, {"id": "h2"} | hang]
    slots = Slots({"process": 2})
    run = await started(definition_of(tasks), host=host_of(slots=slots))
    await run.until_event("TaskStarted", "h2")
    for path in ("ask", "more"):
        run.executor.answer(path, {"approved": True}, "ada")
    await asyncio.sleep(1)
    run.executor.cancel("ada")
    kept = await run.end()

    assert kept.status is RunStatus.CANCELLED
    assert not faults
    assert slots.held("process") == 0


async def test_slots_that_come_while_a_body_waits_elsewhere_count_as_waiting():
    """Engine 5.7, 4.5."""
    slots = Slots({"process": 1})
    desk: Any = None
    body = Body(TaskContext(desk, "run", "path", 1), None, lambda: 0.0)
    body.waits()
    body.hold(slots.acquire(("process",), lambda: None))
    assert slots.working("process") == 0
    body.works()
    assert slots.working("process") == 1
    body.waits()
    body.waits()
    assert slots.working("process") == 0
    body.works()
    body.works()
    assert slots.working("process") == 1


@virtual
async def test_a_body_that_has_waited_stands_in_line_for_its_slot_and_goes_on():
    """Engine 5.7."""
    slots = Slots({"process": 1})
    until: dict[str, Any] = {"id": "until", "type": "test.until"}
    long = {"id": "long", "type": "test.sleeper", "inputs": {"seconds": 60}}
    definition = definition_of([until, long], outputs={"at": "until.result"})
    registry = registry_of_waits()
    registry.register(Sleeper)
    run = await submit_and_begin(definition, registry=registry, host=host_of(slots=slots))
    await run.until_event("TaskStarted", "long")
    await asyncio.sleep(30)
    assert slots.held("process") == 1
    kept = await run.end()

    # Its time was over after five seconds, and its place was taken for sixty.
    assert 60 <= virtual_time.passed() < 61
    assert outputs_of(kept) == {"at": (EPOCH + timedelta(seconds=5)).isoformat()}
    assert slots.held("process") == 0


class Sleeper(Task):
    """Works for so many seconds."""

    name = "test.sleeper"
    effect = "none"

    class Inputs(Ports):
        seconds: int

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        await asyncio.sleep(inputs.seconds)
        return inputs.seconds
