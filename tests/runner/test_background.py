"""The background runner over the memory store: from queued to the end, and in between."""

import asyncio
import contextlib
import dataclasses
import logging
import threading

import pytest

from runner.errors import Fenced, StorageTrouble
from runner.execution import background
from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.graph.values import encode
from runner.library import waiting
from runner.run import events
from runner.run.checkpoint import TaskCheckpoint
from runner.run.status import RunStatus
from tests.drive import definition_of, kinds_of, outputs_of
from tests.tasks import registry_of_tests

SECONDS = 10
NUMBER = definition_of(
    [{"id": "one", "type": "test.number", "inputs": {"value": 4}}], outputs={"four": "one.result"}
)

ASK = definition_of([{"id": "ask", "type": "flow.ask", "config": {"kind": "approval"}}])


class Gate(Task):
    """Ends once the test opens the gate."""

    name = "test.gate"
    effect = "none"
    gate: asyncio.Event
    entered: asyncio.Event

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        self.entered.set()
        await self.gate.wait()
        return 1


class Watch:
    """A store, its background runners, and what they committed."""

    def __init__(self):
        self.store = MemoryStore()
        self.registry = registry_of_tests()
        self.registry.register(Gate)
        self.commits = []
        self.changed = asyncio.Event()

    def runner(self, owner="one", store=None, **more):
        return BackgroundRunner(
            store or self.store,
            self.registry,
            owner,
            host=Host(on_commit=self.committed, is_watched=lambda _run: True),
            **more,
        )

    def committed(self, run, seq):
        self.commits.append((run, seq))
        self.changed.set()

    async def until(self, run, *statuses):
        async with asyncio.timeout(SECONDS):
            while self.store.runs[run].status not in statuses:
                self.changed.clear()
                await self.changed.wait()
        return self.store.runs[run]


@pytest.fixture
async def watch():
    Gate.gate, Gate.entered = asyncio.Event(), asyncio.Event()
    return Watch()


@contextlib.asynccontextmanager
async def started(runner):
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()


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
    watch.registry.register_module(waiting)
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
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.ask(run, "cancel", "alice")
        runner.wake()
        kept = await watch.until(run, RunStatus.CANCELLED)

    assert await watch.store.requests([run]) == []
    assert kinds_of(kept, "gate")[-1] == "TaskCancelled"


async def test_a_cancelled_run_can_be_resumed(watch):
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.ask(run, "cancel", "alice")
        runner.wake()
        await watch.until(run, RunStatus.CANCELLED)
        Gate.gate.set()
        watch.store.ask(run, "resume", "alice")
        runner.wake()
        await watch.until(run, RunStatus.COMPLETED)


def unplannable(store):
    return store.submit(definition_of([{"id": "one", "type": "test.unheard-of"}]), encode({}))


def without_reading(store):
    return store.submit("{", encode({}))


def with_a_stray_checkpoint(store):
    run = store.submit(NUMBER, encode({}))
    store.runs[run].checkpoints["ghost"] = TaskCheckpoint(path="ghost", attempt=1, seq=1)
    store.runs[run].status = RunStatus.INTERRUPTED
    return run


@pytest.mark.parametrize("submit", [unplannable, without_reading, with_a_stray_checkpoint])
async def test_a_run_that_cannot_go_on_is_set_aside_and_the_others_go_on(watch, caplog, submit):
    caplog.set_level(logging.CRITICAL)
    broken = submit(watch.store)
    sound = watch.store.submit(NUMBER, encode({}))
    async with started(watch.runner()) as runner:
        await watch.until(sound, RunStatus.COMPLETED)
        await give_way()
        assert broken not in runner.executors

    kept = watch.store.runs[broken]
    assert kept.status is RunStatus.QUARANTINED
    assert kept.problem
    assert kept.epoch == 1


class Delegating:
    """Passes everything on to a memory store; a base for stores that misbehave."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)


async def test_storage_trouble_while_reading_sets_no_run_aside(watch, monkeypatch):
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)

    class Troubled(Delegating):
        left = 2

        async def read_chunks(self, *key):
            if self.left:
                self.left -= 1
                raise StorageTrouble("busy")
            return await self.store.read_chunks(*key)

    definition = definition_of(
        [{"id": "emit", "type": "test.emit"}, {"id": "gate", "type": "test.gate"}],
        outputs={"numbers": "emit.numbers"},
    )
    run = watch.store.submit(definition, encode({}))
    async with started(watch.runner()):
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
    assert "emit" in watch.store.runs[run].checkpoints

    Gate.gate.set()
    async with started(watch.runner("two", Troubled(watch.store))):
        kept = await watch.until(run, RunStatus.COMPLETED)
    assert outputs_of(kept) == {"numbers": [0, 1, 2]}


async def test_a_run_whose_epoch_was_taken_is_let_go_without_a_trace(watch):
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        await until_kept(watch, run)
        kept = watch.store.runs[run]
        kept.epoch, kept.owner = kept.epoch + 1, "another"
        before = dataclasses.replace(kept, entries=list(kept.entries))
        Gate.gate.set()
        await until_idle(runner)

    assert watch.store.runs[run] == before


async def test_a_run_that_comes_back_before_its_loss_is_heard_of_is_driven_once_at_a_time(watch):
    """P3."""
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        await until_kept(watch, run)
        first, kept = runner.executors[run], watch.store.runs[run]
        kept.owner = ""
        runner.wake()
        async with asyncio.timeout(SECONDS):
            while kept.epoch == 1:
                await give_way()
        await give_way()
        assert runner.executors[run] is first
        Gate.gate.set()
        await watch.until(run, RunStatus.COMPLETED)

    assert kept.epoch == 3


async def test_a_lease_that_was_lost_stops_the_run_here(watch):
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner(renew_seconds=0.01)) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.runs[run].owner = "another"
        await until_idle(runner)

    assert watch.store.runs[run].owner == "another"


async def test_a_run_that_begins_while_leases_are_renewed_is_kept(watch):
    gate = definition_of([{"id": "gate", "type": "test.gate"}])

    class Slow(Delegating):
        """Woken after a claim, so renewing begins before the claimed run does."""

        async def claim(self, owner, limit, driven=()):
            found = await self.store.claim(owner, limit, driven)
            if found:
                runner.wake()
            return found

        async def renew(self, owner, runs):
            mine = await self.store.renew(owner, list(runs))
            await give_way()
            return mine

    runner = watch.runner("one", Slow(watch.store), renew_seconds=0)
    first = watch.store.submit(gate, encode({}))
    async with started(runner):
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        second = watch.store.submit(gate, encode({}))
        runner.wake()
        await until_kept(watch, second)
        await give_way()
        await give_way()
        Gate.gate.set()
        for run in (first, second):
            kept = await watch.until(run, RunStatus.COMPLETED)
            assert kept.epoch == 1


async def test_a_turn_that_fails_does_not_end_the_loop(watch, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)

    class Failing(Delegating):
        left = 2

        async def claim(self, owner, limit, driven=()):
            if self.left:
                self.left -= 1
                raise StorageTrouble("busy")
            return await self.store.claim(owner, limit, driven)

    run = watch.store.submit(NUMBER, encode({}))
    async with started(watch.runner("one", Failing(watch.store))):
        await watch.until(run, RunStatus.COMPLETED)


async def until_kept(watch, run):
    async with asyncio.timeout(SECONDS):
        while "TaskStarted" not in kinds_of(watch.store.runs[run]):
            watch.changed.clear()
            await watch.changed.wait()


async def until_idle(runner):
    async with asyncio.timeout(SECONDS):
        while runner.executors:
            await give_way()


async def give_way():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_fault_of_the_engine_ends_the_driving_and_not_whoever_was_speaking(watch, caplog):
    caplog.set_level(logging.CRITICAL)
    run = watch.store.submit(definition_of([{"id": "gate", "type": "test.gate"}]), encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        runner.executors[run].record(events.TaskStarted("ghost", 1))
        await until_idle(runner)

    assert watch.store.runs[run].status is RunStatus.QUARANTINED
    assert "ghost" in watch.store.runs[run].problem


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


async def test_a_run_that_was_fenced_is_let_go_and_not_set_aside(watch, caplog):
    """P3."""

    class Late(Delegating):
        async def commit(self, batch):
            raise Fenced(batch.run)

    run = watch.store.submit(NUMBER, encode({}))
    (stored,) = await watch.store.claim("one", 1)
    runner = watch.runner(store=Late(watch.store))
    await asyncio.wait_for(runner._drive(stored), SECONDS)

    kept = watch.store.runs[run]
    assert (kept.status, kept.entries) == (RunStatus.QUEUED, [])
    assert run in caplog.text
