"""Bodies that do not listen: stuck, abandoned, and refused from then on."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.execution import bodies
from runner.graph.ports import Chunks
from runner.graph.task import task
from runner.run.status import RunStatus
from tests.drive import outputs_of
from tests.handshake import events_of, steps_of
from tests.trying import again, ended, steady, under_way
from tests.virtual_time import passed, virtual


class Deaf:
    """A body on the loop that goes on though it was stopped, and what it was told then."""

    def __init__(self) -> None:
        self.refusals: list[str] = []

        @task(name="deaf.loop", effect="none")
        async def deaf(context: Any) -> AsyncIterator[int]:
            yield 1
            if context.attempt > 1:
                return
            for _ in range(40):
                try:
                    await asyncio.sleep(1)
                except asyncio.CancelledError:
                    continue
            for speak in (lambda: context.push_chunk("result", 2), lambda: context.progress(1.0),
                          lambda: context.save_state(1), lambda: context.close_stream("result")):  # fmt: skip
                await self._note(speak)
            context.log.info("late")
            yield 3

        self.task = deaf

    async def _note(self, speak: Any) -> None:
        try:
            said = speak()
            if said is not None:
                await said
        except Exception as fault:
            self.refusals.append(type(fault).__name__)


@virtual
async def test_a_body_that_ignores_its_timeout_is_stuck_and_what_it_says_is_refused():
    """Engine 5.2, 5.8: the next attempt does not wait for it."""
    deaf = Deaf()
    run = await under_way(
        {"deaf": {"type": "deaf.loop", "policy": again(2) | {"timeout": 2}},
         "late": {"type": "says.something"}}, "", deaf.task, steady(60, 1),
        outputs={"numbers": "deaf.result"},
    )  # fmt: skip
    kept = await run.end()
    assert outputs_of(kept) == {"numbers": [1]}
    assert [(each.attempt) for each in events_of(kept, "TaskStuck", "deaf")] == [1]
    assert deaf.refusals == ["TaskAbandoned"] * 4
    assert not events_of(kept, "TaskLogged", "deaf")
    assert steps_of(kept, "deaf").count("TaskCompleted") == 1


@virtual
async def test_a_body_that_ignores_a_cancel_is_abandoned_after_ten_seconds():
    """Engine 5.8."""
    deaf = Deaf()
    run = await under_way({"deaf": {"type": "deaf.loop"}}, "", deaf.task)
    await run.until_event("StreamOpened", "deaf")
    run.executor.cancel("alice")
    kept = await run.end()
    assert kept.status is RunStatus.CANCELLED
    assert steps_of(kept, "deaf")[-3:] == ["TaskStuck", "StreamSuperseded", "TaskCancelled"]
    assert passed() == pytest.approx(10, abs=0.1)


class DeafThread:
    """A body in a thread that goes on until it is told, and what it was told when it spoke."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.ended = threading.Event()
        self.refusals: list[str] = []

        @task(name="deaf.thread", effect="none")
        def deaf(context: Any) -> int:
            if context.attempt > 1:
                return 2
            self.go_on.wait(10)
            for speak in (lambda: context.save_state(1), lambda: context.progress(0.5)):
                try:
                    speak()
                except Exception as fault:
                    self.refusals.append(type(fault).__name__)
            context.log.info("late")
            self.ended.set()
            return 1

        self.task = deaf


async def test_a_thread_that_ignores_its_timeout_is_stuck_and_its_result_is_refused(monkeypatch):
    """Engine 5.2, 5.8."""
    monkeypatch.setattr(bodies, "STUCK_SECONDS", 0.05)
    deaf = DeafThread()
    run = await under_way(
        {"deaf": {"type": "deaf.thread", "policy": again(2) | {"timeout": 0.05}},
         "hang": "test.hang"}, "", deaf.task,
    )  # fmt: skip
    await run.until_event("TaskCompleted", "deaf")
    await run.until_event("TaskStuck", "deaf")
    deaf.go_on.set()
    await asyncio.to_thread(deaf.ended.wait, 5)
    run.executor.cancel("alice")
    kept = await run.end()
    (completed,) = events_of(kept, "TaskCompleted", "deaf")
    assert (completed.attempt, completed.outputs) == (2, {"result": "2"})
    assert deaf.refusals == ["TaskAbandoned"] * 2
    assert not events_of(kept, "TaskLogged", "deaf")


async def test_a_thread_that_listens_ends_before_its_run_is_cancelled():
    """Engine 5.8: what still runs gets its time to end."""
    ended_at = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    @task(name="listens.well", effect="none")
    def listens(context: Any) -> int:
        loop.call_soon_threadsafe(begun.set)
        while not context.cancelled:
            threading.Event().wait(0.001)
        ended_at.append(True)
        return 1

    run = await under_way({"listens": "listens.well"}, "", listens)
    await begun.wait()
    run.executor.cancel("alice")
    kept = await run.end()
    assert steps_of(kept, "listens") == ["TaskStarted", "TaskCancelled"]
    assert ended_at == [True]


@virtual
async def test_a_body_that_ignores_that_its_stream_failed_is_stuck_and_holds_nobody_up():
    """Engine 4.7, 5.8."""

    @task(name="keeps.on", effect="none")
    async def keeps_on(numbers: Chunks[int], context: Any) -> int:
        while context.attempt == 1:
            try:
                await asyncio.sleep(30)
                break
            except asyncio.CancelledError:
                continue
        return sum([number async for number in numbers])

    run = await ended(
        {"fail": {"type": "test.fail", "inputs": {"chunks": 2}}, "keeps": "keeps.on",
         "says": "says.something"},
        "fail.numbers > keeps.numbers", keeps_on, steady(20, 1),
    )  # fmt: skip
    assert events_of(run, "TaskStuck", "keeps")
    assert passed() == 20
