"""What every store must do; subclasses say how to make one and how its process dies."""

from datetime import UTC, datetime

import pytest

from runner.errors import Fenced
from runner.execution.store import Batch, CacheEntry, ChunkBatch, Entry
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.progress import Progress
from runner.run.status import RunStatus

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOBODYS = "00000000-0000-0000-0000-000000000000"
FAULT = happened.TaskError(type="Boom", message="it broke", task="a")


def batch_of(stored, *events, before=None, **rest):
    """Give a batch whose events follow the last one kept."""
    last = stored.seq if before is None else before
    entries = tuple(Entry(last + n, AT, event) for n, event in enumerate(events, 1))
    return Batch(run=stored.run, epoch=stored.epoch, before=last, entries=entries, **rest)


class StoreContract:
    """Subclass it with a `store` fixture, `submit`, `ask` and `after_death`."""

    async def submit(self, store):
        """Queue a run; give its id."""
        raise NotImplementedError

    async def ask(self, store, run, kind):
        """Keep a person's request."""
        raise NotImplementedError

    async def after_death(self, store):
        """Let the store's process die; give the store of the next one."""
        raise NotImplementedError

    async def test_a_queued_run_is_claimed_once(self, store):
        run = await self.submit(store)
        (stored,) = await store.claim("one", 10)
        assert (stored.run, stored.epoch, stored.seq) == (run, 1, 0)
        assert stored.status is RunStatus.QUEUED
        assert await store.claim("two", 10) == []

    async def test_a_claim_takes_no_more_than_its_limit(self, store):
        runs = {await self.submit(store) for _ in range(3)}
        first = await store.claim("one", 2)
        second = await store.claim("one", 2)
        assert [len(first), len(second)] == [2, 1]
        assert {each.run for each in [*first, *second]} == runs

    async def test_a_batch_of_another_epoch_is_fenced(self, store):
        await self.submit(store)
        (old,) = await store.claim("one", 1)
        await store.release("one", [old.run])
        (new,) = await store.claim("two", 1)
        with pytest.raises(Fenced):
            await store.commit(batch_of(old, happened.RunStarted()))
        await store.commit(batch_of(new, happened.RunStarted()))

    async def test_a_batch_that_leaves_a_gap_is_fenced(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted()))
        with pytest.raises(Fenced):
            await store.commit(batch_of(stored, happened.TaskStarted("a", 1)))

    async def test_what_was_kept_comes_back_after_a_release(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        kept = TaskCheckpoint(path="a", attempt=1, seq=3, outputs={"n": "1"}, streams={"s": 2})
        events = (
            happened.RunStarted(),
            happened.TaskStarted("a", 1),
            happened.TaskCompleted("a", 1, {"n": "1"}, {"s": 2}),
            happened.TaskStarted("b", 1),
        )
        await store.commit(batch_of(stored, *events, checkpoints=(kept,), progress=Progress()))
        await store.release("one", [stored.run])
        (again,) = await store.claim("two", 1)
        assert again.checkpoints == (kept,)
        assert again.running == (("b", 1),)
        assert again.attempts == {"a": 1, "b": 1}
        assert (again.seq, again.epoch) == (4, 2)

    async def test_a_record_takes_the_place_of_the_one_before(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        width = TaskCheckpoint(path="m", attempt=1, seq=2, rounds=(3,), done=False)
        expanded = happened.TaskExpanded("m", 0, 3)
        await store.commit(
            batch_of(stored, happened.RunStarted(), expanded, checkpoints=(width,))
        )
        done = TaskCheckpoint(path="m", attempt=1, seq=3, rounds=(3,), outputs={"result": "[]"})
        completed = happened.TaskCompleted("m", 1, {"result": "[]"})
        await store.commit(batch_of(stored, completed, before=2, checkpoints=(done,)))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert again.checkpoints == (done,)

    async def test_chunks_come_back_as_they_were(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        items = ('"a"', '"]\\""', '{"$decimal":"1.0"}', "[1,[2]]", "1.50")
        first = ChunkBatch(path="t", port="p", attempt=1, first=0, items=items)
        other = ChunkBatch(path="t", port="p", attempt=2, first=0, items=('"new"',))
        second = ChunkBatch(path="t", port="p", attempt=1, first=5, items=('"é😀"',))
        await store.commit(batch_of(stored, happened.RunStarted(), chunks=(first, other, second)))
        assert await store.read_chunks(stored.run, "t", "p", 1) == [first, second]
        assert await store.read_chunks(stored.run, "t", "q", 1) == []

    async def test_a_run_whose_process_died_is_claimed_at_once(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted(), happened.TaskStarted("a", 1)))
        next_store = await self.after_death(store)
        (again,) = await next_store.claim("two", 1)
        assert again.running == (("a", 1),)
        assert again.epoch == 2

    async def test_an_ended_run_is_not_claimed_again(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted(), happened.RunCompleted({})))
        await store.release("one", [stored.run])
        assert await store.claim("two", 1) == []

    async def test_a_failed_run_is_claimed_when_somebody_asks_to_resume(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted(), happened.RunFailed(FAULT, "a")))
        await self.ask(store, stored.run, "resume")
        (again,) = await store.claim("one", 1)
        assert (again.run, again.epoch) == (stored.run, 2)
        assert again.status is RunStatus.INTERRUPTED
        assert await store.requests([stored.run]) == []

    async def test_a_request_is_open_until_it_is_handled(self, store):
        run = await self.submit(store)
        await self.ask(store, run, "cancel")
        (request,) = await store.requests([run])
        assert (request.run, request.kind, request.payload) == (run, "cancel", {})
        await store.mark_handled(request.id)
        assert await store.requests([run]) == []

    async def test_renew_names_the_runs_that_are_still_mine(self, store):
        await self.submit(store)
        await self.submit(store)
        first, second = await store.claim("one", 2)
        await store.release("one", [second.run])
        assert await store.renew("one", [first.run, second.run]) == {first.run}

    async def test_a_quarantined_run_is_left_alone(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.quarantine(stored.run, stored.epoch, "It cannot be planned.")
        await store.release("one", [stored.run])
        assert await store.claim("two", 1) == []
