"""The background runner when something fails: a store, a run, a lease, the engine itself."""

import asyncio
import dataclasses
import logging

import pytest

from runner.errors import Fenced, StorageTrouble
from runner.execution import background, run_log
from runner.graph.values import encode
from runner.run import events
from runner.run.checkpoint import TaskCheckpoint
from runner.run.status import RunStatus
from tests.background import (
    GATE,
    NUMBER,
    SECONDS,
    Delegating,
    Gate,
    give_way,
    started,
    until_idle,
    until_kept,
)
from tests.drive import definition_of, outputs_of


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


@pytest.mark.parametrize("fault", [StorageTrouble("busy"), ValueError("a fault of the engine")])
async def test_a_turn_that_fails_does_not_end_the_loop(watch, monkeypatch, caplog, fault):
    """P10."""
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)

    class Failing(Delegating):
        left = 2

        async def claim(self, owner, limit, driven=()):
            if self.left:
                self.left -= 1
                raise fault
            return await self.store.claim(owner, limit, driven)

    run = watch.store.submit(NUMBER, encode({}))
    async with started(watch.runner("one", Failing(watch.store))):
        await watch.until(run, RunStatus.COMPLETED)


async def test_a_run_whose_results_the_storage_does_not_take_is_let_go_and_goes_on(
    watch, monkeypatch
):
    """P10: it is not set aside; once the storage takes something, the next claim goes on."""
    monkeypatch.setattr(background, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(run_log, "RETRY_SECONDS", 0.01)

    class Full(Delegating):
        is_full = True

        async def commit(self, batch):
            if self.is_full:
                raise StorageTrouble("the disk is full")
            await self.store.commit(batch)

        async def release(self, owner, runs, epoch=None):
            await self.store.release(owner, runs, epoch)
            self.is_full = False

    run = watch.store.submit(NUMBER, encode({}))
    runner = watch.runner(store=Full(watch.store), kept_seconds=0.0)
    async with started(runner):
        kept = await watch.until(run, RunStatus.COMPLETED)

    assert (kept.epoch, kept.problem) == (2, "")
    assert outputs_of(kept) == {"four": 4}


async def test_a_fault_of_the_engine_ends_the_driving_and_not_whoever_was_speaking(watch, caplog):
    caplog.set_level(logging.CRITICAL)
    run = watch.store.submit(GATE, encode({}))
    async with started(watch.runner()) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        runner.executors[run].record(events.TaskStarted("ghost", 1))
        await until_idle(runner)

    assert watch.store.runs[run].status is RunStatus.QUARANTINED
    assert "ghost" in watch.store.runs[run].problem


async def test_a_run_whose_epoch_was_taken_is_let_go_without_a_trace(watch):
    run = watch.store.submit(GATE, encode({}))
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
    run = watch.store.submit(GATE, encode({}))
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
    run = watch.store.submit(GATE, encode({}))
    async with started(watch.runner(renew_seconds=0.01)) as runner:
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        watch.store.runs[run].owner = "another"
        await until_idle(runner)

    assert watch.store.runs[run].owner == "another"


async def test_a_run_that_begins_while_leases_are_renewed_is_kept(watch):
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
    first = watch.store.submit(GATE, encode({}))
    async with started(runner):
        await asyncio.wait_for(Gate.entered.wait(), SECONDS)
        second = watch.store.submit(GATE, encode({}))
        runner.wake()
        await until_kept(watch, second)
        await give_way()
        await give_way()
        Gate.gate.set()
        for run in (first, second):
            kept = await watch.until(run, RunStatus.COMPLETED)
            assert kept.epoch == 1


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
