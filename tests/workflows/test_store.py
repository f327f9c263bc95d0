"""The database store: the contract, and what only a database can show."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from runner.errors import Fenced, StorageTrouble
from runner.execution.store import CacheEntry, ChunkBatch
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.progress import Progress
from tests.store_contract import AT, FAULT, NOBODYS, StoreContract, batch_of
from workflows import writing
from workflows.models import Checkpoint, Chunk, Run, RunEvent, TaskRun
from workflows.store import DatabaseStore
from workflows.writing import write_batches

pytestmark = pytest.mark.django_db(transaction=True)


async def in_thread(act):
    """Do something with the database in a thread that closes its connection."""

    def closing():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, closing)


@pytest.fixture
async def stores(tmp_path):
    """Give stores over one data directory; each stands for a process."""
    made = []

    def store(**options):
        made.append(DatabaseStore(tmp_path, **options))
        return made[-1]

    yield store
    for each in made:
        await each.close()


@pytest.fixture
def store(stores):
    """The store of this process."""
    return stores()


@pytest.fixture
def submit(workflow, alice):
    """Queue a run of the workflow."""

    async def submit():
        version = await in_thread(lambda: workflow.latest)
        return str((await in_thread(lambda: Run.objects.start(version, alice, {"n": 1}))).pk)

    return submit


class TestDatabaseStore(StoreContract):
    """The contract over the database."""

    @pytest.fixture(autouse=True)
    def _people(self, submit, alice, stores):
        self._submit = submit
        self._alice = alice
        self._stores = stores

    async def submit(self, store):
        return await self._submit()

    async def ask(self, store, run, kind):
        row = await in_thread(lambda: Run.objects.get(pk=run))
        if kind == "cancel" or row.can_resume:
            assert await in_thread(lambda: row.request(kind, self._alice))

    async def after_death(self, store):
        store._locks.free()
        return self._stores()


def later(batch):
    """Let a batch happen an hour later."""
    entries = (replace(each, at=AT + timedelta(hours=1)) for each in batch.entries)
    return replace(batch, entries=tuple(entries))


async def claimed(store, submit):
    await submit()
    (stored,) = await store.claim("one", 1)
    return stored


async def test_events_become_the_rows_that_pages_read(store, submit):
    stored = await claimed(store, submit)
    await store.commit(
        batch_of(
            stored,
            happened.RunStarted(),
            happened.TaskStarted("a", 1),
            happened.TaskProgressed("a", 1, 0.4, "parsing \ud800"),
            happened.StreamOpened("a", "text", 1),
            happened.TaskFailed("a", 1, FAULT),
            happened.TaskUpstreamFailed("b", "a"),
            happened.RunFailed(FAULT, "a"),
            progress=Progress(done=0, total=2, failed=1, fraction=0.2),
        )
    )
    run = await in_thread(lambda: Run.objects.get(pk=stored.run))
    assert (run.status, run.seq, run.owner, run.total, run.failed) == ("failed", 7, "", 2, 1)
    assert json.loads(run.error)["message"] == "it broke"
    tasks = await in_thread(lambda: {each.path: each for each in TaskRun.objects.all()})
    assert (tasks["a"].status, tasks["a"].attempt) == ("failed", 1)
    assert tasks["a"].message == "parsing ?"
    assert tasks["a"].first_chunk_at is not None
    assert tasks["b"].status == "upstream-failed"
    kinds = await in_thread(lambda: list(RunEvent.objects.values_list("kind", flat=True)))
    assert kinds[0] == "RunStarted"
    assert len(kinds) == 7


async def test_a_resume_takes_back_what_did_not_finish(store, submit):
    stored = await claimed(store, submit)
    await store.commit(
        batch_of(
            stored,
            happened.RunStarted(),
            happened.TaskStarted("a", 1),
            happened.TaskCompleted("a", 1),
            happened.TaskStarted("b", 1),
            happened.TaskFailed("b", 1, FAULT),
            happened.TaskUpstreamFailed("c", "b"),
            happened.RunResumed(2, reopened=True),
        )
    )
    statuses = await in_thread(lambda: dict(TaskRun.objects.values_list("path", "status")))
    assert statuses == {"a": "completed", "b": "pending", "c": "pending"}


async def test_a_resume_that_nobody_asked_for_leaves_what_failed(store, submit):
    """Engine 5.4."""
    stored = await claimed(store, submit)
    failed = (happened.TaskStarted("a", 1), happened.TaskFailed("a", 1, FAULT))
    await store.commit(batch_of(stored, happened.RunStarted(), *failed, happened.RunResumed(2)))
    assert (await in_thread(TaskRun.objects.get)).status == "failed"
    await store.commit(batch_of(stored, happened.RunResumed(2, reopened=True), before=4))
    assert (await in_thread(TaskRun.objects.get)).status == "pending"


async def test_what_was_unfolded_and_dropped_in_one_batch_leaves_no_row(store, submit):
    """Engine 5.3: nothing stays pending in an ended run."""
    stored = await claimed(store, submit)
    items = [happened.TaskStarted(f"m[{number}]/x", 1) for number in range(3)]
    begun = (happened.RunStarted(), happened.TaskStarted("m", 1), *items)
    again = (happened.TaskDropped("m", 1, "s"), happened.TaskStarted("m[0]/x", 2))
    await store.commit(batch_of(stored, *begun, *again))
    rows = await in_thread(lambda: dict(TaskRun.objects.values_list("path", "attempt")))
    assert rows == {"m": 1, "m[0]/x": 2}


async def test_what_a_process_before_unfolded_in_vain_is_gone_when_the_run_ends(store, submit):
    """Engine 5.3: an owner after it may have unfolded into less."""
    await claimed(store, submit)
    await in_thread(lambda: Run.objects.update(owner="", lease_until=None))
    (stored,) = await store.claim("two", 1)
    lost = (happened.TaskStarted("m[0]/x", 1), happened.TaskInterrupted("m[0]/x", 1))
    done = (happened.TaskStarted("m", 1), happened.TaskCompleted("m", 1))
    await store.commit(batch_of(stored, happened.RunResumed(2), *lost, *done))
    await store.commit(batch_of(stored, happened.RunCompleted({}), before=5))
    rows = await in_thread(lambda: dict(TaskRun.objects.values_list("path", "status")))
    assert rows == {"m": "completed"}


async def test_the_first_chunk_is_the_first_of_its_attempt(store, submit):
    """Engine 3.5: time to first chunk."""
    stored = await claimed(store, submit)
    opened = [happened.StreamOpened("a", port, 1) for port in ("text", "other", "third")]
    begun = (happened.RunStarted(), happened.TaskStarted("a", 1), opened[0])
    await store.commit(batch_of(stored, *begun))
    await store.commit(later(batch_of(stored, *opened[1:], before=3)))
    assert (await in_thread(TaskRun.objects.get)).first_chunk_at == AT
    await store.commit(later(batch_of(stored, happened.TaskStarted("a", 2), before=5)))
    assert (await in_thread(TaskRun.objects.get)).first_chunk_at is None


async def test_a_result_is_kept_once(store, submit):
    """The checkpoint has it; the event of the same transaction does not repeat it."""
    stored = await claimed(store, submit)
    kept = TaskCheckpoint(path="a", attempt=1, seq=3, outputs={"n": "1"})
    events = (
        happened.RunStarted(),
        happened.TaskStarted("a", 1),
        happened.TaskCompleted("a", 1, {"n": "1"}),
        happened.TaskCompleted("around", 1, {"n": "1"}),
    )
    await store.commit(batch_of(stored, *events, checkpoints=(kept,)))
    ended = await in_thread(lambda: list(RunEvent.objects.filter(kind="TaskCompleted")))
    assert [json.loads(each.payload)["outputs"] for each in ended] == [{}, {"n": "1"}]
    checkpoint = await in_thread(Checkpoint.objects.get)
    assert TaskCheckpoint.from_json(checkpoint.value).outputs == {"n": "1"}


async def test_a_superseded_stream_is_marked(store, submit):
    stored = await claimed(store, submit)
    chunk = ChunkBatch(path="a", port="text", attempt=1, first=0, items=('"x"', '"y"'))
    superseded = happened.StreamSuperseded("a", "text", 1)
    await store.commit(batch_of(stored, happened.RunStarted(), superseded, chunks=(chunk,)))
    row = await in_thread(Chunk.objects.get)
    assert (row.superseded, row.first, row.last, row.items) == (True, 0, 1, '["x","y"]')


async def test_a_fenced_run_does_not_hold_back_the_others(store, submit):
    await submit()
    await submit()
    mine, lost = await store.claim("one", 2)
    await in_thread(lambda: Run.objects.filter(pk=lost.run).update(epoch=9))
    outcomes = await asyncio.gather(
        store.commit(batch_of(mine, happened.RunStarted())),
        store.commit(batch_of(lost, happened.RunStarted())),
        return_exceptions=True,
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], Fenced)
    rows = await in_thread(lambda: set(RunEvent.objects.values_list("run_id", flat=True)))
    assert {str(each) for each in rows} == {mine.run}


async def test_a_batch_that_cannot_be_kept_fails_only_its_own_run(store, submit):
    """Engine 7.5."""
    for _ in range(3):
        await submit()
    first, bad, last = await store.claim("one", 3)
    chunk = ChunkBatch(path="a", port="text", attempt=1, first=0, items=('"x"',))
    batches = [
        batch_of(first, happened.RunStarted(), chunks=(chunk,)),
        batch_of(bad, happened.RunStarted(), chunks=(chunk, chunk)),
        batch_of(last, happened.RunStarted(), chunks=(chunk,)),
    ]
    faults = await in_thread(lambda: write_batches(batches))
    assert [type(fault) for fault in faults] == [type(None), IntegrityError, type(None)]
    rows = await in_thread(
        lambda: {str(run) for run, _ in Chunk.objects.values_list("run", "path")}
    )
    assert rows == {first.run, last.run}
    await store.commit(batch_of(bad, happened.RunStarted(), chunks=(chunk,)))


async def test_a_batch_that_cannot_be_kept_leaves_nothing_behind(store, submit):
    stored = await claimed(store, submit)
    chunk = ChunkBatch(path="a", port="text", attempt=1, first=0, items=('"x"',))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.commit(batch_of(stored, happened.RunStarted(), chunks=(chunk, chunk)))
    assert await in_thread(lambda: Run.objects.get(pk=stored.run).seq) == 0
    assert not await in_thread(RunEvent.objects.exists)


HOLDS = {
    "sqlite": ["BEGIN IMMEDIATE"],
    "postgresql": ["BEGIN", "LOCK TABLE workflows_run IN EXCLUSIVE MODE"],
}


@asynccontextmanager
async def held():
    """Hold what every commit needs, with a connection of a thread of its own."""

    def hold():
        with connection.cursor() as cursor:
            for statement in HOLDS[connection.vendor]:
                cursor.execute(statement)

    def let_go():
        connection.close()

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        await loop.run_in_executor(thread, hold)
        yield
        await loop.run_in_executor(thread, let_go)


async def test_a_database_that_stays_locked_is_storage_trouble(stores, submit):
    """P10: whoever holds it, and whichever database it is."""
    store = stores(patience=0)
    stored = await claimed(store, submit)
    async with held():
        with pytest.raises(StorageTrouble):
            await store.commit(batch_of(stored, happened.RunStarted()))
    await store.commit(batch_of(stored, happened.RunStarted()))


async def test_a_batch_that_was_kept_before_its_connection_broke_is_not_written_again(
    store, submit, monkeypatch
):
    """P1: the server had committed, and could not say so."""
    stored = await claimed(store, submit)
    batch = batch_of(stored, happened.RunStarted(), happened.TaskStarted("a", 1))
    lose_answers(monkeypatch, 1)
    await store.commit(batch)
    kinds = await in_thread(lambda: list(RunEvent.objects.values_list("kind", flat=True)))
    assert sorted(kinds) == ["RunStarted", "TaskStarted"]
    with pytest.raises(Fenced):
        await store.commit(batch)


async def test_doubt_outlives_a_database_that_is_away(store, submit, monkeypatch):
    """P1, P10: the same batch again, later."""
    stored = await claimed(store, submit)
    batch = batch_of(stored, happened.RunStarted())
    lose_answers(monkeypatch, 2)
    with pytest.raises(StorageTrouble):
        await store.commit(batch)
    await store.commit(batch)
    assert await in_thread(lambda: Run.objects.get(pk=stored.run).seq) == 1


def lose_answers(monkeypatch, number):
    """Let the answers to the next commits get lost, though all is written and committed."""
    write = writing._together
    lost: list[object] = []

    def lossy(batches, doubtful):
        faults = write(batches, doubtful)
        if len(lost) < number:
            lost.append(faults)
            raise OperationalError("connection lost") from psycopg.OperationalError()
        return faults

    monkeypatch.setattr(writing, "_together", lossy)


async def test_what_leads_nowhere_keeps_out_only_its_own_run(store, submit):
    """Engine 7.5: foreign keys are looked at when all is committed."""
    await submit()
    await submit()
    good, bad = await store.claim("one", 2)
    nowhere = CacheEntry(scope=NOBODYS, key="k", outputs={})
    batches = [
        batch_of(good, happened.RunStarted()),
        batch_of(bad, happened.RunStarted(), cache=(nowhere,)),
    ]
    faults = await in_thread(lambda: write_batches(batches))
    assert [type(fault) for fault in faults] == [type(None), IntegrityError]


async def test_a_live_owner_keeps_its_run_until_its_lease_ends(stores, submit):
    await claimed(stores(), submit)
    second = stores()
    assert await second.claim("two", 1) == []
    await in_thread(lambda: Run.objects.update(lease_until="2020-01-01T00:00:00Z"))
    (taken,) = await second.claim("two", 1)
    assert taken.epoch == 2


async def test_an_unreadable_checkpoint_quarantines_its_run_only(store, submit):
    bad, good = await submit(), await submit()
    await in_thread(
        lambda: Checkpoint.objects.create(
            run_id=bad, path="a", attempt=1, seq=1, epoch=1, value='{"v":99}'
        )
    )
    assert [each.run for each in await store.claim("one", 5)] == [good]
    run = await in_thread(lambda: Run.objects.get(pk=bad))
    assert (run.status, run.owner) == ("quarantined", "")
    assert "checkpoint" in run.error


async def test_an_unexpected_fault_of_the_writer_reaches_those_who_wait(store, submit, monkeypatch):
    await submit()
    (claimed,) = await store.claim("me", 1)

    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("workflows.store.write_batches", broken)

    with pytest.raises(RuntimeError, match="a bug"):
        await asyncio.wait_for(store.commit(batch_of(claimed, happened.RunStarted())), 5)


async def test_a_closed_store_refuses_every_batch(tmp_path, submit):
    """It must not let a second one wait for a writer that is gone."""
    store = DatabaseStore(tmp_path)
    stored = await claimed(store, submit)
    await store.close()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(store.commit(batch_of(stored, happened.RunStarted())), 5)


class Counted(DatabaseStore):
    """A store that notes how many batches went into each transaction."""

    def __init__(self, folder):
        super().__init__(folder)
        self.transactions = []

    def _commit_all(self, batches):
        self.transactions.append(len(batches))
        return super()._commit_all(batches)


async def test_batches_that_come_while_one_is_written_share_a_transaction(tmp_path, submit):
    """Engine 7.5: group commit."""
    store = Counted(tmp_path)
    await submit()
    await submit()
    first, second = await store.claim("one", 2)
    await asyncio.gather(
        store.commit(batch_of(first, happened.RunStarted())),
        store.commit(batch_of(second, happened.RunStarted())),
        store.commit(batch_of(first, happened.TaskStarted("a", 1), before=1)),
    )
    await store.close()
    assert store.transactions == [1, 2]
