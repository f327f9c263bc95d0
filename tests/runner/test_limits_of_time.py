"""Limits of time are to the point, whatever a body said before and however it waited."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from runner.execution.bodies import SLACK_SECONDS
from runner.execution.chunk_flush import UNWATCHED_SECONDS
from runner.execution.host import Host
from runner.execution.memory import MemoryRun
from runner.graph.task import task
from tests.handshake import events_of, registry_with, text_of
from tests.planned import written
from tests.under_way import submit_and_begin
from tests.virtual_time import now, passed, virtual


async def failed(body: Any, **policy: float | None) -> MemoryRun:
    """Run one task until it has failed for its time."""
    graph = written({"one": {"type": body.name, "policy": policy}})
    run = await submit_and_begin(
        text_of(graph), registry=registry_with(body), host=Host(now=now), identity="alice"
    )
    kept = await run.end()
    (event,) = events_of(kept, "TaskFailed")
    assert event.error.type == "TaskTimeout"
    return kept


@virtual
@pytest.mark.parametrize("idle", [0.5, 1, 2, 7, 30])
@pytest.mark.parametrize("chunks", [1, 2, 5])
async def test_the_time_without_a_sign_of_life_begins_with_the_last_chunk(idle, chunks):
    """Engine 5.6: not with the last look at it; and never too early."""
    pause = idle * 0.6

    @task(name="falls.silent", effect="none")
    async def silent() -> AsyncIterator[int]:
        for number in range(chunks):
            await asyncio.sleep(pause)
            yield number
        await asyncio.Event().wait()

    await failed(silent, idle_timeout=idle, timeout=None)
    assert -0.001 <= passed() - (chunks * pause + idle) <= UNWATCHED_SECONDS + 0.01


@virtual
@pytest.mark.parametrize("idle", [0.5, 3, 30])
async def test_the_last_of_many_chunks_counts(idle):
    """Engine 5.6: also when all of them are kept at once."""

    @task(name="says.much", effect="none")
    async def much() -> AsyncIterator[int]:
        for number in range(10):
            await asyncio.sleep(0.01)
            yield number
        await asyncio.Event().wait()

    await failed(much, idle_timeout=idle, timeout=None)
    assert -0.001 <= passed() - (0.1 + idle) <= UNWATCHED_SECONDS + 0.01


@virtual
@pytest.mark.parametrize("limit", [0.5, 2, 20])
@pytest.mark.parametrize("effect", ["none", "repeatable"])
async def test_a_body_that_waited_near_its_limit_has_the_rest_afterwards(limit, effect):
    """Engine 5.6: to the point, though the wait was long."""

    @task(name="waits.late", effect=effect)
    async def late(context: Any) -> int:
        await asyncio.sleep(limit * 0.9)
        until = await context.decide("until", now() + timedelta(seconds=100))
        await context.wait_until(until)
        await asyncio.Event().wait()
        return 1

    await failed(late, idle_timeout=None, timeout=limit)
    begun = limit * 0.9 + 100
    assert -0.001 <= passed() - (begun + limit * 0.1) <= SLACK_SECONDS + 0.01


@virtual
async def test_a_sign_of_life_during_a_wait_gives_no_time_beyond_it():
    """Engine 5.6: one part of a body waits, another goes on."""

    @task(name="does.both", effect="repeatable")
    async def both(context: Any) -> int:
        async def speak() -> None:
            await asyncio.sleep(50)
            context.progress(0.5)

        speaking = asyncio.ensure_future(speak())
        await context.wait_until(now() + timedelta(seconds=60))
        await speaking
        await asyncio.Event().wait()
        return 1

    await failed(both, idle_timeout=8, timeout=None)
    assert passed() == pytest.approx(68, abs=0.3)


@virtual
async def test_a_task_without_limits_of_time_is_not_looked_at():
    """Engine 5.6: forever is None."""

    @task(name="sleeps.long", effect="none")
    async def long() -> int:
        await asyncio.sleep(10**5)
        return 1

    graph = written(
        {"one": {"type": "sleeps.long", "policy": {"timeout": None, "idle_timeout": None}}}
    )
    run = await submit_and_begin(text_of(graph), registry=registry_with(long))
    assert not events_of(await run.end(), "TaskFailed")
    assert passed() == 10**5
