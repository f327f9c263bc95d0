"""Heartbeats: on time whatever else waits, and told what is lost (P4)."""

import asyncio

from runner import TaskRegistry, task
from runner.errors import StorageTrouble
from runner.execution.background import BackgroundRunner
from runner.execution.heartbeat import Heartbeat
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from tests.drive import definition_of
from tests.virtual_time import passed, virtual

WAIT = definition_of([{"id": "wait", "type": "test.long"}])


@task(name="test.long")
async def long() -> None:
    """Take an hour."""
    await asyncio.sleep(3600)


class Beaten(MemoryStore):
    """Notes when leases are prolonged; its second claim waits for long."""

    def __init__(self):
        super().__init__()
        self.beats = []
        self.claims = 0
        self.faults = []

    async def claim(self, owner, limit, driven=()):
        self.claims += 1
        if self.claims > 1:
            await asyncio.sleep(600)
        return await super().claim(owner, limit, driven)

    async def renew(self, owner, runs):
        self.beats.append(round(passed()))
        if self.faults:
            raise self.faults.pop()
        return await super().renew(owner, runs)


@virtual
async def test_a_claim_that_waits_for_the_storage_delays_no_beat():
    """P4."""
    store = Beaten()
    run = store.submit(WAIT, encode({}))
    registry = TaskRegistry()
    registry.register(long)
    runner = BackgroundRunner(store, registry, "me", renew_seconds=5)
    runner.start()
    await asyncio.sleep(61)
    assert store.beats == list(range(5, 61, 5))
    assert runner._loop_task is not None
    runner._loop_task.cancel()
    runner._driving[run].cancel()
    await runner._heartbeat.stop()


@virtual
async def test_a_beat_that_fails_is_followed_by_the_next():
    """P4."""
    store = Beaten()
    store.faults = [StorageTrouble("locked"), RuntimeError("a bug")]
    run = store.submit(WAIT, encode({}))
    store.take(run, "me")
    lost: list[str] = []
    heartbeat = Heartbeat(store, "me", lambda: {run}, lost.append, seconds=5)
    heartbeat.start()
    await asyncio.sleep(16)
    assert (store.beats, lost) == ([5, 10, 15], [])
    store.take(run, "another")
    await asyncio.sleep(5)
    assert lost == [run]
    await heartbeat.stop()


@virtual
async def test_nothing_is_asked_of_the_store_without_runs():
    store = Beaten()
    heartbeat = Heartbeat(store, "me", set, print, seconds=1)
    heartbeat.start()
    await asyncio.sleep(10)
    assert store.beats == []
    await heartbeat.stop()
