"""T8, T9: a database that is locked from outside, or full, under a run that goes on (P10)."""

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator

import pytest
from django.conf import settings
from django.db import connection

from runner import TaskRegistry, task
from runner.execution.host import Host
from tests.drive import definition_of, executor_of
from tests.workflows.test_store import in_thread
from workflows.models import Checkpoint, Chunk, Run, RunEvent
from workflows.store import DatabaseStore

SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not SQLITE, reason="it locks and fills the file of SQLite"),
    pytest.mark.slow,
]
TASKS = 8
SECONDS = 60
LARGE = 100_000


@task(name="test.large")
async def large(text: str) -> str:
    """Give much, after a moment."""
    await asyncio.sleep(0.1)
    return "x" * LARGE


@task(name="test.much")
async def much() -> AsyncIterator[str]:
    """Stream much."""
    for _ in range(100):
        yield "y" * 10_000
        await asyncio.sleep(0.01)


CHAIN = definition_of(
    [
        {"id": f"t{n}", "type": "test.large", "inputs": {} if n else {"text": ""}}
        for n in range(TASKS)
    ],
    [(f"t{n}.result", f"t{n + 1}.text") for n in range(TASKS - 1)],
)
STREAM = definition_of([{"id": "stream", "type": "test.much"}])


class Watched(DatabaseStore):
    """Notes when it tried to commit, and what it acknowledged."""

    def __init__(self, folder, **options):
        super().__init__(folder, **options)
        self.tries = []
        self.acknowledged = 0

    def _commit_all(self, batches):
        self.tries.append(time.monotonic())
        return super()._commit_all(batches)

    async def commit(self, batch):
        await super().commit(batch)
        self.acknowledged = batch.entries[-1].seq


class Driven:
    """A run under way on a store, and what its host heard of stalls."""

    def __init__(self, store, stored):
        registry = TaskRegistry()
        registry.register(large)
        registry.register(much)
        self.store = store
        self.run = stored.run
        self.heard: list[float | None] = []
        self.stalled = asyncio.Event()
        executor = executor_of(store, stored, registry, Host(on_stall=self._hear))
        self.end = asyncio.create_task(executor.run())

    def _hear(self, _run, told):
        self.heard.append(told)
        self.stalled.set()

    async def over(self):
        await asyncio.wait_for(self.end, SECONDS)
        return await in_thread(lambda: Run.objects.get(pk=self.run))


@pytest.fixture
async def drive(tmp_path, workflow, alice):
    """Begin to drive a run of a definition."""
    made = []

    async def drive(definition, **options):
        version = await in_thread(lambda: workflow.revise(definition, alice))
        await in_thread(lambda: Run.objects.start(version, alice, {}))
        made.append(Watched(tmp_path, **options))
        (stored,) = await made[-1].claim("me", 1)
        return Driven(made[-1], stored)

    yield drive
    for each in made:
        await each.close()


@contextlib.contextmanager
def locked():
    """Hold the write lock of the database from outside."""
    with contextlib.closing(
        sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def full():
    """Let the database file grow no more, for all connections that are made from now on."""
    options = connection.settings_dict["OPTIONS"]
    before = options["init_command"]
    with contextlib.closing(
        sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    ) as other:
        other.execute("VACUUM")
        (pages,) = other.execute("PRAGMA page_count").fetchone()
    options["init_command"] = f"{before}; PRAGMA max_page_count={pages + 60}"
    try:
        yield
    finally:
        options["init_command"] = before


@pytest.mark.parametrize("seconds", [2, 7])
async def test_a_lock_of_some_seconds_is_invisible(drive, seconds):
    """P10, T8: longer than one try waits, too."""
    driven = await drive(CHAIN)
    with locked():
        await asyncio.sleep(seconds)
    run = await driven.over()
    assert (run.status, run.failed, driven.heard) == ("completed", 0, [])


async def test_a_lock_that_outlasts_patience_pauses_the_run_and_no_task_fails(drive, monkeypatch):
    """P10, T8: as with 40 s, but of 6 s and a patience of 2 s."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 1)
    driven = await drive(CHAIN, patience=2)
    with locked():
        await asyncio.wait_for(driven.stalled.wait(), 20)
        acknowledged = driven.store.acknowledged
        await asyncio.sleep(3)
        kept = await in_thread(lambda: Run.objects.get(pk=driven.run))
        assert (kept.seq, driven.store.acknowledged) == (acknowledged, acknowledged)
    run = await driven.over()
    assert (run.status, run.failed, run.done) == ("completed", 0, TASKS)
    assert driven.heard[0] is None
    assert await in_thread(RunEvent.objects.filter(kind="StorageReturned").exists)


@pytest.mark.parametrize("definition", [CHAIN, STREAM], ids=["results", "chunks"])
async def test_a_full_disk_shows_what_was_acknowledged_and_goes_on(drive, definition):
    """P10, T9."""
    with full():
        driven = await drive(definition)
        await asyncio.wait_for(driven.stalled.wait(), 20)
        begins = len(driven.store.tries)
        await asyncio.sleep(4)
        kept = await in_thread(lambda: Run.objects.get(pk=driven.run))
        assert kept.seq == driven.store.acknowledged
        assert await in_thread(lambda: seqs_of(driven.run)) == list(range(1, kept.seq + 1))
        tries = driven.store.tries[begins:]
        assert 2 <= len(tries) <= 5
        assert all(then - now > 0.9 for now, then in itertools.pairwise(tries))
    room = time.monotonic()
    run = await driven.over()
    assert time.monotonic() - room < 10
    assert (run.status, run.failed) == ("completed", 0)
    assert await in_thread(lambda: seqs_of(driven.run)) == list(range(1, run.seq + 1))
    assert await in_thread(results_of) == (TASKS, 0) if definition == CHAIN else (1, 100)


def seqs_of(run):
    events = RunEvent.objects.filter(run_id=run).order_by("seq")
    return list(events.values_list("seq", flat=True))


def results_of():
    chunks = Chunk.objects.filter(superseded=False).values_list("first", "last")
    return Checkpoint.objects.count(), sum(last - first + 1 for first, last in chunks)
