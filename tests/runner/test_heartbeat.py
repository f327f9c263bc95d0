"""Heartbeats: on time whatever else waits, and told what is lost (P4)."""

import asyncio
import itertools
import threading
import time

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


HELD = threading.Event()


@task(name="test.held")
def held(n: int) -> int:
    """Keep a thread at work until the test is over."""
    while not HELD.wait(0.001):
        sum(range(1000))
    return n


async def test_sixty_four_blocking_bodies_delay_no_beat():
    """P4, T28: half a second of delay is a tenth of what a lease bears."""
    HELD.clear()
    registry = TaskRegistry()
    registry.register(held)
    tasks = [{"id": f"h{n}", "type": "test.held", "inputs": {"n": n}} for n in range(64)]
    store = Timed()
    run = store.submit(definition_of(tasks), encode({}))
    runner = BackgroundRunner(store, registry, "me", renew_seconds=0.25)
    runner.start()
    await asyncio.wait_for(store.beaten.wait(), 30)
    assert len(store.runs[run].running) == 64
    HELD.set()
    await runner.stop()
    late = [after - before for before, after in itertools.pairwise(store.times)]
    assert max(late) < 0.75


class Timed(MemoryStore):
    """Notes when leases are prolonged."""

    def __init__(self):
        super().__init__()
        self.times: list[float] = []
        self.beaten = asyncio.Event()

    async def renew(self, owner, runs):
        self.times.append(time.monotonic())
        if len(self.times) == 8:
            self.beaten.set()
        return await super().renew(owner, runs)
