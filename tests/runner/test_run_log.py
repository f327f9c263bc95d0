"""A run's log: numbers without gap, one commit at a time, and what waits for it."""

import asyncio
from dataclasses import replace

import pytest

from runner.errors import Fenced, StorageTrouble
from runner.execution import run_log
from runner.execution.memory import MemoryStore
from runner.execution.run_log import RunLog
from runner.execution.store import ChunkBatch
from runner.graph.values import encode
from runner.run import events
from runner.run.checkpoint import SavedState, TaskCheckpoint
from runner.run.progress import Progress
from tests.drive import definition_of
from tests.tasks import give_way

SECONDS = 5
DEFINITION = definition_of([{"id": "one", "type": "test.number"}])


class Gated:
    """A memory store whose commits wait for the test, or fail as it says."""

    def __init__(self):
        self.store = MemoryStore()
        self.run = self.store.submit(DEFINITION, encode({}))
        self.batches = []
        self.faults = []
        self.gate = asyncio.Event()

    async def commit(self, batch):
        self.batches.append(len(batch.entries))
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        await self.store.commit(batch)


@pytest.fixture
async def store():
    return Gated()


@pytest.fixture
async def commits():
    return []


@pytest.fixture
async def log(store, commits):
    (stored,) = await store.store.claim("test", 1)
    return RunLog(store, stored, Progress, lambda _run, seq: commits.append(seq))


async def written(log, store):
    store.gate.set()
    log.close()
    await asyncio.wait_for(log.write(), SECONDS)


async def test_events_are_numbered_as_they_come(log, store):
    assert [log.append(events.RunStarted()) for _ in range(3)] == [1, 2, 3]

    await written(log, store)
    assert [each.seq for each in store.store.runs[store.run].entries] == [1, 2, 3]


async def test_what_comes_during_a_commit_goes_into_the_next(log, store, commits):
    writing = asyncio.create_task(log.write())
    log.append(events.RunStarted())
    await give_way(3)
    for _ in range(4):
        log.append(events.TaskSkipped("one"))
    await give_way(3)
    assert store.batches == [1]

    store.gate.set()
    log.close()
    await asyncio.wait_for(writing, SECONDS)
    assert store.batches == [1, 4]
    assert commits == [1, 5]


async def test_a_batch_has_a_limit(log, store, monkeypatch):
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 2)
    for _ in range(5):
        log.append(events.RunStarted())

    await written(log, store)
    assert store.batches == [2, 2, 1]


async def test_who_is_told_of_a_commit_and_fails_does_not_end_the_run(store, caplog):
    """Engine 6.2: a broken reader cannot hurt a run; the log says what broke."""

    def broken(_run, seq):
        raise RuntimeError(f"no bell for {seq}")

    (stored,) = await store.store.claim("test", 1)
    log = RunLog(store, stored, Progress, broken)
    seq = log.append(events.RunStarted())
    waiting = asyncio.create_task(log.until_durable(seq))
    await written(log, store)
    await asyncio.wait_for(waiting, SECONDS)

    assert store.store.runs[store.run].seq == log.durable == seq
    assert [each.message for each in caplog.records] == [
        f"Who is told of what is kept of run {store.run} failed."
    ]
    assert "no bell for 1" in caplog.text


async def test_until_durable_waits_for_the_commit(log, store):
    seq = log.append(events.RunStarted())
    waiting = asyncio.create_task(log.until_durable(seq))
    await give_way(3)
    assert not waiting.done()

    await written(log, store)
    await asyncio.wait_for(waiting, SECONDS)
    assert log.durable == seq


async def test_too_much_ahead_of_the_store_waits_for_room(log, store, monkeypatch):
    monkeypatch.setattr(run_log, "STORED_AHEAD", 4)
    for _ in range(5):
        log.append(events.RunStarted())
    waiting = asyncio.create_task(log.room())
    await give_way(3)
    assert not waiting.done()

    await written(log, store)
    await asyncio.wait_for(waiting, SECONDS)


FIVE = TaskCheckpoint(path="one", attempt=1, seq=1, outputs={"result": '"€"'})
SAVED = TaskCheckpoint(
    path="one", attempt=1, seq=1, done=False, saved=SavedState(attempt=1, value="12345")
)
CHUNKS = ChunkBatch(path="one", port="numbers", attempt=1, first=0, items=("12", "345"))


@pytest.mark.parametrize(
    "kept", [{"checkpoint": FIVE}, {"checkpoint": SAVED}, {"chunks": CHUNKS}],
    ids=["outputs", "saved state", "chunks"],
)  # fmt: skip
async def test_the_bytes_that_run_ahead_of_the_store_are_counted(store, monkeypatch, kept):
    """Engine 4.5: at the limit there is room, a byte beyond it there is none until half is kept."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    (stored,) = await store.store.claim("test", 1)
    log = RunLog(store, stored, Progress, lambda _run, _seq: None, ahead_bytes=10)
    for _ in range(2):
        log.append(events.RunStarted(), **kept)
    assert not log.is_far_ahead
    log.append(events.RunStarted(), chunks=replace(CHUNKS, items=("1",)))
    assert log.is_far_ahead

    waiting = asyncio.create_task(log.room())
    writing = asyncio.create_task(log.write())
    await give_way(3)
    assert not waiting.done()
    store.gate.set()
    await asyncio.wait_for(waiting, SECONDS)
    assert not log.is_far_ahead
    log.close()
    await asyncio.wait_for(writing, SECONDS)


async def test_trouble_with_the_storage_is_tried_again(log, store, monkeypatch):
    monkeypatch.setattr(run_log, "RETRY_SECONDS", 0)
    store.faults = [StorageTrouble("busy"), StorageTrouble("busy")]
    log.append(events.RunStarted())

    await written(log, store)
    assert store.store.runs[store.run].seq == 1


async def test_a_fenced_log_fails_whoever_waits_for_it_and_whoever_comes_later(log, store):
    store.faults = [Fenced(store.run)]
    seq = log.append(events.RunStarted())
    waiting = asyncio.create_task(log.until_durable(seq))
    await give_way(3)

    with pytest.raises(Fenced):
        await written(log, store)
    with pytest.raises(Fenced):
        await asyncio.wait_for(waiting, SECONDS)
    with pytest.raises(Fenced):
        await log.until_durable(seq)
    assert store.store.runs[store.run].entries == []
