"""What every store must do; subclasses say how to make one and how its process dies."""

from datetime import UTC, datetime

import pytest

from runner.errors import Fenced
from runner.execution.store import Batch, CacheEntry, ChunkBatch, Entry
from runner.run import events as happened
from runner.run.checkpoint import SavedState, TaskCheckpoint
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
        second = await store.claim("one", 2, [each.run for each in first])
        assert [len(first), len(second)] == [2, 1]
        assert {each.run for each in [*first, *second]} == runs

    async def test_a_claim_gives_back_what_its_owner_does_not_drive(self, store):
        """Engine 6.3: an owner that never heard of its claim, or could not give the run up."""
        await self.submit(store)
        (first,) = await store.claim("one", 5)
        assert await store.claim("one", 5, [first.run]) == []
        (again,) = await store.claim("one", 5)
        assert (again.run, again.epoch) == (first.run, first.epoch + 1)

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

    async def test_a_record_takes_the_place_of_the_one_before_as_a_whole(self, store):
        """Engine 1.3: a control's decisions, then its result."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        decided = TaskCheckpoint(
            path="m", attempt=1, seq=2, rounds=(3,), decisions={"now": "x"}, done=False
        )
        expanded = happened.TaskExpanded("m", 0, 3)
        await store.commit(
            batch_of(stored, happened.RunStarted(), expanded, checkpoints=(decided,))
        )
        await store.release("one", [stored.run])
        (before,) = await store.claim("one", 1)
        done = TaskCheckpoint(path="m", attempt=1, seq=3, outputs={"result": "[]"}, rounds=(3,))
        completed = happened.TaskCompleted("m", 1, {"result": "[]"})
        await store.commit(batch_of(before, completed, checkpoints=(done,)))
        await store.release("one", [stored.run])
        (after,) = await store.claim("one", 1)
        assert (before.checkpoints, after.checkpoints) == ((decided,), (done,))

    async def test_of_two_records_in_a_batch_the_later_one_is_kept(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        records = [TaskCheckpoint(path="w", attempt=1, seq=n, rounds=(True,) * n) for n in (1, 2)]
        await store.commit(batch_of(stored, happened.RunStarted(), checkpoints=tuple(records)))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert again.checkpoints == (records[1],)

    async def test_saved_state_comes_back(self, store):
        """Engine 7.4."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        saved = SavedState(
            attempt=1, value='{"n":2}', outputs={"p": 3}, inputs={"i": ("a", "q", 1, 2)}
        )
        kept = TaskCheckpoint(path="b", attempt=1, seq=1, done=False, saved=saved)
        events = (happened.RunStarted(), happened.StateSaved("b", 1, 7))
        await store.commit(batch_of(stored, *events, checkpoints=(kept,)))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert again.checkpoints == (kept,)

    async def test_only_a_person_lets_go_of_what_failed(self, store):
        """Engine 5.4: kept while the run goes on by itself, and forgotten when it is reopened."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        failed = TaskCheckpoint(path="a", attempt=1, seq=2, error=FAULT)
        handled = TaskCheckpoint(path="b", attempt=1, seq=3, error=FAULT, handled=True)
        events = (happened.RunStarted(), happened.TaskFailed("a", 1, FAULT))
        last = happened.TaskFailed("b", 1, FAULT, handled=True)
        await store.commit(batch_of(stored, *events, last, checkpoints=(failed, handled)))
        await store.release("one", [stored.run])
        (lost,) = await store.claim("one", 1)
        await store.commit(batch_of(lost, happened.RunFailed(FAULT, "a")))
        await self.ask(store, stored.run, "resume")
        (reopened,) = await store.claim("one", 1)
        assert (lost.reopened, lost.checkpoints) == (False, (failed, handled))
        assert (reopened.reopened, reopened.checkpoints) == (True, (failed.reopened(), handled))

    async def test_a_reopened_run_is_reopened_once(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted(), happened.RunCancelled()))
        await self.ask(store, stored.run, "resume")
        (reopened,) = await store.claim("one", 1)
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert (reopened.reopened, again.reopened) == (True, False)

    @pytest.mark.parametrize(
        ("event", "status"),
        [
            (happened.RunPaused("alice"), RunStatus.PAUSED),
            (happened.RunAwaiting("input"), RunStatus.AWAITING),
        ],
    )
    async def test_a_pause_and_a_wait_outlive_the_process(self, store, event, status):
        """Engine 5.1."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        await store.commit(batch_of(stored, happened.RunStarted(), event))
        await store.release("one", [stored.run])
        (again,) = await store.claim("two", 1)
        assert again.status is status

    async def test_a_task_that_awaits_was_started_and_has_no_result(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        events = (
            happened.RunStarted(),
            happened.TaskStarted("a", 2),
            happened.TaskAwaiting("a", 2, "input"),
        )
        await store.commit(batch_of(stored, *events))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert (again.running, again.attempts) == ((("a", 2),), {"a": 2})

    async def test_what_was_unfolded_and_dropped_does_not_run_any_more(self, store):
        """Engine 4.7, 5.3; what it streamed keeps its attempt's number."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        paths = ("m", "m[0]/x", "m/y", "mm", "M[0]/x")
        events = (happened.RunStarted(), *(happened.TaskStarted(path, 1) for path in paths))
        chunk = ChunkBatch(path="m[0]/x", port="p", attempt=1, first=0, items=('"a"',))
        await store.commit(batch_of(stored, *events, chunks=(chunk,)))
        dropped = happened.TaskDropped("m", 1, "source")
        await store.commit(batch_of(stored, dropped, before=len(events)))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert sorted(again.running) == [("M[0]/x", 1), ("mm", 1)]
        assert again.attempts["m[0]/x"] == 1

    async def test_a_task_that_was_cached_does_not_run_any_more(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        kept = TaskCheckpoint(path="a", attempt=1, seq=2, outputs={"n": "1"}, cached=True)
        cached = happened.TaskCached("a", 1, {"n": "1"})
        await store.commit(batch_of(stored, happened.RunStarted(), cached, checkpoints=(kept,)))
        await store.release("one", [stored.run])
        (again,) = await store.claim("one", 1)
        assert (again.checkpoints, again.running) == ((kept,), ())

    async def test_a_result_is_shared_within_its_scope(self, store):
        """Engine 7.8."""
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        streams: dict[str, tuple[str, ...]] = {"p": ('"a"', "[1,[2]]")}
        entry = CacheEntry(scope=stored.scope, key="k", outputs={"n": "1.50"}, streams=streams)
        await store.commit(batch_of(stored, happened.RunStarted(), cache=(entry,)))
        assert await store.read_cache(stored.scope, "k") == entry
        assert await store.read_cache(stored.scope, "other") is None
        assert await store.read_cache(NOBODYS, "k") is None

    async def test_a_fenced_batch_shares_nothing(self, store):
        await self.submit(store)
        (stored,) = await store.claim("one", 1)
        entry = CacheEntry(scope=stored.scope, key="k", outputs={})
        await store.release("one", [stored.run])
        await store.claim("two", 1)
        with pytest.raises(Fenced):
            await store.commit(batch_of(stored, happened.RunStarted(), cache=(entry,)))
        assert await store.read_cache(stored.scope, "k") is None

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
