"""The background runner over the memory store: from queued to the end, and in between."""

import asyncio
import threading

from runner.execution import background
from runner.graph.values import encode
from runner.library.flow import ask, wait
from runner.run.status import RunStatus
from tests.background import (
    GATE,
    NUMBER,
    SECONDS,
    Gate,
    give_way,
    started,
)
from tests.drive import definition_of, kinds_of, outputs_of

ASK = definition_of([{"id": "ask", "type": "flow.ask", "config": {"kind": "approval"}}])


async def test_a_queued_run_is_taken_to_its_end(watch):
    run = watch.store.submit(NUMBER, encode({}))
    async with started(watch.runner()):
        kept = await watch.until(run, RunStatus.COMPLETED)

    assert outputs_of(kept) == {"four": 4}
    assert watch.commits[-1] == (run, kept.seq)
    assert kept.owner == ""


async def test_what_an_ended_run_held_is_freed_without_the_collector(watch):
    run = watch.store.submit(definition_of([{"id": "g", "type": "test.gate"}]), encode({}))
    runner = watch.runner()
    async with started(runner):
        await Gate.entered.wait()
        values = runner.executors[run].values
        Gate.gate.set()
        kept = await watch.until(run, RunStatus.COMPLETED)

    assert kept.checkpoints["g"].outputs
    assert (values.outputs, values.streams) == ({}, {})


async def test_more_runs_than_fit_at_once_follow_each_other_without_a_poll(watch, monkeypatch):
    monkeypatch.setattr(background, "POLL_SECONDS", 3600)
    runs = [watch.store.submit(NUMBER, encode({})) for _ in range(120)]
    async with started(watch.runner()):
        for run in runs:
            await watch.until(run, RunStatus.COMPLETED)


async def test_runs_that_wait_for_a_person_keep_no_other_from_running(watch, monkeypatch):
    """Engine 5.7: what awaits holds nothing; neither does what is paused."""
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)
    watch.registry.register_module(wait)
    watch.registry.register_module(ask)
    asks = [watch.store.submit(ASK, encode({})) for _ in range(60)]
    async with started(watch.runner()):
        for run in asks:
            await watch.until(run, RunStatus.AWAITING)
        for run in asks[:30]:
            watch.store.ask(run, "pause", "alice")
            await watch.until(run, RunStatus.PAUSED)
        quick = watch.store.submit(NUMBER, encode({}))
        await watch.until(quick, RunStatus.COMPLETED)


async def test_a_wake_finds_work_before_the_next_poll(watch, monkeypatch):
    monkeypatch.setattr(background, "POLL_SECONDS", 3600)
    async with started(watch.runner()) as runner:
        await give_way()
        run = watch.store.submit(NUMBER, encode({}))
        runner.wake()
        await watch.until(run, RunStatus.COMPLETED)


async def test_the_poll_finds_work_without_a_wake(watch, monkeypatch):
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)
    async with started(watch.runner()):
        await give_way()
        run = watch.store.submit(NUMBER, encode({}))
        await watch.until(run, RunStatus.COMPLETED)


async def test_a_stop_interrupts_and_another_runner_goes_on(watch):
    definition = definition_of(
        [{"id": "one", "type": "test.number"}, {"id": "gate", "type": "test.gate"}]
    )
    run = watch.store.submit(definition, encode({}))
    async with started(watch.runner("one")):
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
    assert watch.store.runs[run].status is RunStatus.INTERRUPTED
    assert watch.store.runs[run].owner == ""

    Gate.gate.set()
    async with started(watch.runner("two")):
        kept = await watch.until(run, RunStatus.COMPLETED)

    assert kinds_of(kept, "one") == ["TaskStarted", "TaskCompleted"]
    assert kinds_of(kept, "gate") == [
        "TaskStarted", "TaskInterrupted", "TaskStarted", "TaskCompleted",
    ]  # fmt: skip
    assert "RunResumed" in kinds_of(kept)


async def test_a_request_cancels_a_run_under_way(watch):
    run = watch.store.submit(GATE, encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.ask(run, "cancel", "alice")
        runner.wake()
        kept = await watch.until(run, RunStatus.CANCELLED)

    assert await watch.store.requests([run]) == []
    assert kinds_of(kept, "gate")[-1] == "TaskCancelled"


async def test_a_cancelled_run_can_be_resumed(watch):
    run = watch.store.submit(GATE, encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.ask(run, "cancel", "alice")
        runner.wake()
        await watch.until(run, RunStatus.CANCELLED)
        Gate.gate.set()
        watch.store.ask(run, "resume", "alice")
        runner.wake()
        await watch.until(run, RunStatus.COMPLETED)


async def test_a_large_definition_is_planned_beside_the_loop(watch, monkeypatch):
    monkeypatch.setattr(background, "LARGE_CHARACTERS", 0)
    threads = []

    def planned(*given, plan=background.planned):
        threads.append(threading.current_thread())
        return plan(*given)

    monkeypatch.setattr(background, "planned", planned)
    run = watch.store.submit(NUMBER, encode({}))
    async with started(watch.runner()):
        kept = await watch.until(run, RunStatus.COMPLETED)

    assert outputs_of(kept) == {"four": 4}
    assert threading.main_thread() not in threads


async def test_a_run_that_is_still_planned_when_the_runner_stops_does_not_begin(watch, monkeypatch):
    """Engine 1.3: it is released, and the next owner begins it."""
    monkeypatch.setattr(background, "LARGE_CHARACTERS", 0)
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def planned(*given, plan=background.planned):
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(SECONDS)
        return plan(*given)

    monkeypatch.setattr(background, "planned", planned)
    run = watch.store.submit(NUMBER, encode({}))
    runner = watch.runner()
    runner.start()
    await asyncio.wait_for(begun.wait(), SECONDS)
    stopping = asyncio.create_task(runner.stop())
    await give_way()
    go_on.set()
    await asyncio.wait_for(stopping, SECONDS)

    kept = watch.store.runs[run]
    assert (kept.status, kept.owner, kept.entries) == (RunStatus.QUEUED, "", [])
