"""The memory store: claims, fences and what it derives from a run's log."""

from datetime import UTC, datetime

import pytest

from runner.errors import Fenced
from runner.execution.memory import MemoryStore
from runner.execution.store import Batch, ChunkBatch, Entry
from runner.graph.values import encode
from runner.run import events
from runner.run.status import RunStatus
from tests.drive import definition_of, executor_of

DEFINITION = definition_of([{"id": "one", "type": "test.number"}])


def batch_of(stored, *happened, before=0, epoch=None, **rest):
    entries = tuple(
        Entry(seq, datetime.now(UTC), event) for seq, event in enumerate(happened, before + 1)
    )
    return Batch(
        run=stored.run, epoch=epoch or stored.epoch, before=before, entries=entries, **rest
    )


@pytest.fixture
def store():
    made = MemoryStore()
    made.submit(DEFINITION, encode({}))
    return made


async def claimed(store, owner="test"):
    (stored,) = await store.claim(owner, 1)
    return stored


async def test_a_run_has_one_owner_at_a_time(store):
    await claimed(store)

    assert await store.claim("another", 5) == []


async def test_every_claim_has_an_epoch_of_its_own(store):
    first = await claimed(store)
    await store.release("test", [first.run])

    assert (await claimed(store, "another")).epoch == first.epoch + 1


async def test_only_the_owner_releases_and_renews(store):
    stored = await claimed(store)
    await store.release("another", [stored.run])

    assert await store.renew("another", [stored.run]) == set()
    assert await store.renew("test", [stored.run]) == {stored.run}


@pytest.mark.parametrize(("epoch", "before"), [(7, 0), (1, 3)], ids=["epoch", "number"])
async def test_a_batch_of_somebody_else_is_fenced_and_changes_nothing(store, epoch, before):
    stored = await claimed(store)
    batch = batch_of(stored, events.RunStarted(), epoch=epoch, before=before)

    with pytest.raises(Fenced):
        await store.commit(batch)
    assert store.runs[stored.run].entries == []
    assert store.runs[stored.run].status is RunStatus.QUEUED


async def test_an_owner_whose_epoch_was_taken_writes_nothing_more(store):
    stored = await claimed(store)
    executor = executor_of(store, stored)
    store.runs[stored.run].epoch += 1

    with pytest.raises(Fenced):
        await executor.run()
    kept = store.runs[stored.run]
    assert (kept.entries, kept.chunks, kept.checkpoints, kept.seq) == ([], [], {}, 0)


async def test_a_task_without_result_is_known_as_running(store):
    stored = await claimed(store)
    started = [events.TaskStarted("one", 1), events.TaskStarted("two", 1)]
    await store.commit(batch_of(stored, *started, events.TaskCompleted("two", 1)))
    await store.release("test", [stored.run])

    assert (await claimed(store)).running == (("one", 1),)


async def test_chunks_are_found_by_port_and_attempt(store):
    stored = await claimed(store)
    chunks = tuple(
        ChunkBatch(path="one", port=port, attempt=attempt, first=0, items=("1",))
        for port, attempt in (("a", 1), ("a", 2), ("b", 1))
    )
    await store.commit(batch_of(stored, events.RunStarted(), chunks=chunks))

    assert await store.read_chunks(stored.run, "one", "a", 2) == [chunks[1]]


async def test_a_request_is_open_until_it_is_handled(store):
    stored = await claimed(store)
    store.ask(stored.run, "cancel", "alice")
    (request,) = await store.requests([stored.run])
    await store.mark_handled(request.id)

    assert (request.kind, request.actor) == ("cancel", "alice")
    assert await store.requests([stored.run]) == []


async def test_a_quarantine_by_a_former_owner_has_no_effect(store):
    stored = await claimed(store)
    await store.quarantine(stored.run, stored.epoch - 1, "broken")
    assert store.runs[stored.run].status is RunStatus.QUEUED

    await store.quarantine(stored.run, stored.epoch, "broken")
    assert store.runs[stored.run].problem == "broken"


async def test_a_resume_forgets_only_what_was_asked_before_it_of_its_own_run(store):
    """Engine 6.3."""
    (first,) = store.runs
    second = store.submit(DEFINITION, encode({}))
    for run in (first, second):
        store.runs[run].status = RunStatus.CANCELLED
        store.ask(run, "cancel")
    store.ask(first, "resume")
    store.ask(first, "pause")
    await store.claim("one", 5)

    asked = [(each.run, each.kind) for each in await store.requests([first, second])]
    assert asked == [(second, "cancel"), (first, "pause")]
