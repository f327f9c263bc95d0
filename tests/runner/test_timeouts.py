"""Timeouts: how long a body may take or be silent, and which time counts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from runner.execution.host import Host
from runner.graph.ports import Chunks
from runner.graph.task import task
from runner.run.status import RunStatus
from tests.drive import outputs_of
from tests.handshake import events_of, steps_of
from tests.planned import control, written
from tests.trying import again, ended, steady
from tests.virtual_time import now, passed, virtual


@virtual
@pytest.mark.parametrize(("limit", "at_most"), [(3, 3), (20, 21.1), (0.5, 0.5)])
async def test_a_body_is_stopped_when_its_time_is_over(limit, at_most):
    """Engine 5.6: to the point for short times, within about a second for others."""
    run = await ended({"hang": {"type": "test.hang", "policy": {"timeout": limit}}}, "")
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.type == "TaskTimeout"
    assert failed.error.message == f"It ran longer than its timeout of {limit} s."
    assert limit <= passed() <= at_most


@virtual
@pytest.mark.parametrize("how", ["chunk", "progress", "state"])
@pytest.mark.parametrize("every", [2, 50])
async def test_signs_of_life_keep_a_body_from_being_idle(how, every):
    """Engine 5.6, 7.4: a chunk, progress, saved state."""
    policy = {"idle_timeout": every + 1, "timeout": None}
    run = await ended(
        {"says": {"type": "says.something", "policy": policy}}, "", steady(every, 5, how)
    )
    assert run.status is RunStatus.COMPLETED
    assert 5 * every <= passed() <= 5 * every + 1


@virtual
@pytest.mark.parametrize("idle", [3, 30])
async def test_a_body_that_says_nothing_is_stopped(idle):
    """Engine 5.6."""

    @task(name="falls.silent", effect="none")
    async def silent() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    run = await ended(
        {"silent": {"type": "falls.silent", "policy": {"idle_timeout": idle}}}, "", silent
    )
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.message == (
        f"It gave no chunk and no progress for {idle} s, its idle timeout."
    )
    assert steps_of(run, "silent")[-2:] == ["StreamSuperseded", "TaskFailed"]
    assert passed() == pytest.approx(idle, abs=0.01)


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_without_input_counts_toward_no_timeout(limit):
    """Engine 5.6: starved."""

    @task(name="reads.all", effect="none")
    async def reads(numbers: Chunks[int]) -> int:
        return sum([number async for number in numbers])

    @task(name="gets.all", effect="none")
    async def gets(numbers: Chunks[int]) -> int:
        return sum(await numbers.final())

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"says": "says.something", "reads": {"type": "reads.all", "policy": policy},
         "gets": {"type": "gets.all", "policy": policy}},
        "says.result > reads.numbers; says.result > gets.numbers", steady(40, 4), reads, gets,
        outputs={"read": "reads.result", "got": "gets.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"read": 6, "got": 6}


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_without_room_counts_toward_no_timeout(limit):
    """Engine 5.6: blocked in push_chunk."""

    @task(name="reads.slowly", effect="none")
    async def slowly(numbers: Chunks[int]) -> int:
        total = 0
        async for number in numbers:
            if number % 64 == 0:
                await asyncio.sleep(100)
            total += number
        return total

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"emit": {"type": "test.emit", "inputs": {"count": 300}, "policy": policy},
         "slowly": "reads.slowly"},
        "emit.numbers > slowly.numbers", slowly, outputs={"total": "slowly.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"total": sum(range(300))}
    assert passed() >= 300


@virtual
@pytest.mark.parametrize("limit", [3, 8])
async def test_time_spent_awaiting_counts_toward_no_timeout(limit):
    """Engine 5.6."""

    @task(name="waits.long", effect="repeatable")
    async def waits(context: Any) -> int:
        until = await context.decide("until", now() + timedelta(seconds=500))
        await context.wait_until(until)
        await asyncio.sleep(limit - 1)
        return 1

    policy = {"timeout": limit, "idle_timeout": limit}
    run = await ended(
        {"waits": {"type": "waits.long", "policy": policy}}, "", waits, host=Host(now=now)
    )
    assert run.status is RunStatus.COMPLETED


@virtual
async def test_each_attempt_has_its_own_time_and_a_timeout_may_be_tried_again():
    """Engine 5.5, 5.6."""
    policy = again(3, errors=["TaskTimeout"]) | {"timeout": 4}
    run = await ended({"hang": {"type": "test.hang", "policy": policy}}, "")
    assert steps_of(run, "hang") == [
        "TaskStarted", "TaskRetrying", "TaskStarted", "TaskRetrying", "TaskStarted", "TaskFailed",
    ]  # fmt: skip
    assert passed() == 12


@virtual
async def test_a_timeout_within_a_compound_uses_its_attempts():
    """Engine 5.5, 5.6."""
    inner = written({"hang": {"type": "test.hang", "policy": {"timeout": 1}}})
    run = await ended({"box": {**control("graph", inner), "policy": again(2)}}, "")
    assert [each.by for each in events_of(run, "TaskRetrying")] == ["box"]
    assert passed() == 2
