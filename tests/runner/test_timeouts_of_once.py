"""What must not start twice and ran out of time, or lost its process: a person decides."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.errors import ValueFault
from runner.execution.deciding import settle_decision
from runner.execution.memory import MemoryStore
from runner.graph.task import Task, task
from runner.run.status import RunStatus, TaskStatus
from tests.drive import outputs_of
from tests.handshake import events_of, log_of, registry_with, steps_of
from tests.trying import under_way
from tests.under_way import UnderWay, begin
from tests.virtual_time import virtual


def once_only() -> type[Task]:
    """Give a task that streams a little, then hangs; its second attempt ends."""

    @task(name="once.only", effect="once")
    async def once(context: Any) -> AsyncIterator[int]:
        yield 10 * context.attempt
        if context.attempt == 1:
            await asyncio.Event().wait()

    return once


async def timed_out() -> tuple[UnderWay, Any]:
    """Run a task that must not start twice into its timeout; a reader has begun."""
    run = await under_way(
        {"once": {"type": "once.only", "policy": {"timeout": 2}}, "double": "test.double"},
        "once.result > double.numbers", once_only(), outputs={"doubled": "double.numbers"},
    )  # fmt: skip
    return run, await run.until_event("TaskAwaiting", "once")


@virtual
async def test_a_timeout_of_what_must_not_start_twice_waits_for_a_decision():
    """Engine 5.6, 7.3."""
    run, awaiting = await timed_out()
    await asyncio.sleep(1000)
    assert awaiting.reason == "decision"
    assert awaiting.detail == {"message": "It ran longer than its timeout of 2 s."}
    assert run.executor.state.tasks["once"].status is TaskStatus.AWAITING
    run.executor.cancel("alice")
    assert (await run.end()).status is RunStatus.CANCELLED


@virtual
@pytest.mark.parametrize(
    ("decision", "doubled"),
    [
        ({"action": "retry"}, [40]),
        ({"action": "complete", "outputs": {"result": [7, 8]}}, [14, 16]),
    ],
)
async def test_a_person_has_it_tried_again_or_says_what_it_gave(decision, doubled):
    """Engine 4.7, 7.3: what was read of the attempt that hung no longer counts."""
    run, _ = await timed_out()
    assert settle_decision(run.executor, "once", "alice", decision)
    kept = await run.end()
    assert outputs_of(kept) == {"doubled": doubled}
    assert steps_of(kept, "double").count("TaskStarted") == 2


@virtual
async def test_a_person_says_that_it_failed():
    """Engine 7.3."""
    run, _ = await timed_out()
    assert settle_decision(run.executor, "once", "alice", {"action": "fail"})
    kept = await run.end()
    (failed,) = events_of(kept, "TaskFailed")
    assert failed.error.message == "alice decided that it failed."
    assert steps_of(kept, "double")[-1] == "TaskUpstreamFailed"


@virtual
async def test_a_value_that_does_not_fit_decides_nothing():
    """Engine 7.3."""
    run, _ = await timed_out()
    with pytest.raises(ValueFault):
        settle_decision(
            run.executor, "once", "alice", {"action": "complete", "outputs": {"result": "seven"}}
        )
    assert settle_decision(run.executor, "double", "alice", {"action": "retry"}) is False
    assert run.executor.state.tasks["once"].status is TaskStatus.AWAITING
    run.executor.cancel("alice")
    await run.end()


@virtual
async def test_a_lost_process_leaves_the_decision_to_a_person_too():
    """Engine 7.3: never started twice by the system."""
    registry = registry_with(once_only())
    run = await under_way({"once": "once.only"}, "", once_only(), outputs={"all": "once.result"})
    await run.until_event("TaskStarted", "once")
    await run.kill()
    later = await begin(run.store, run.run, registry)
    awaiting = await later.until_event("TaskAwaiting", "once")
    assert awaiting.reason == "decision"
    assert settle_decision(later.executor, "once", "alice", {"action": "retry"})
    kept = await later.end()
    assert outputs_of(kept) == {"all": [20]}
    assert [each.attempt for each in events_of(kept, "TaskStarted", "once")] == [1, 2]
    assert ("TaskRetrying", "once") in log_of(kept)
    assert isinstance(run.store, MemoryStore)
