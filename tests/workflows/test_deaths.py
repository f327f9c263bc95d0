"""Three unclean deaths in a row, task by task (engine 7.7, P5); each store stands for a process."""

import json

import pytest

from runner.execution.store import ChunkBatch
from runner.run import events as happened
from runner.run.checkpoint import SavedState, TaskCheckpoint
from tests.store_contract import batch_of
from tests.workflows.test_store import in_thread, stores, submit  # noqa: F401
from workflows.deaths import DEATHS, SUSPECT
from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live(stores, submit):  # noqa: F811
    """Let process after process claim the one run, write what it is told and die or stop."""

    async def live(*events, clean=False, **kept):
        store = stores()
        owner = f"life-{id(store)}"
        (stored,) = await store.claim(owner, 1) or (None,)
        if stored is None:
            return None
        await store.commit(batch_of(stored, *events, **kept))
        if clean:
            await store.release(owner, [stored.run])
        store._locks.free()
        return stored

    return live


def started(*paths, attempt=1):
    return [happened.TaskStarted(each, attempt) for each in paths]


async def error_of(run):
    return json.loads(await in_thread(lambda: Run.objects.get(pk=run).error) or "{}")


async def test_three_deaths_of_a_task_quarantine_its_run_and_name_it(live, submit):  # noqa: F811
    """P5."""
    run = await submit()
    for life in range(DEATHS):
        assert await live(*started("calm/poison", "calm", attempt=life + 1)), life
    assert await live(*started("calm")) is None
    error = await error_of(run)
    assert (error["type"], error["task"]) == ("NoProgress", "calm/poison")
    assert "calm/poison" in error["message"]


async def test_another_task_that_gets_on_saves_nobody(live, submit):  # noqa: F811
    """P5."""
    run = await submit()
    for life in range(DEATHS):
        done = TaskCheckpoint(path=f"t{life}", attempt=1, seq=1)
        events = [*started("poison"), happened.TaskCompleted(f"t{life}", 1)]
        assert await live(*events, checkpoints=(done,)), life
    assert await live(*started("poison")) is None
    assert (await error_of(run))["task"] == "poison"


SAVED = TaskCheckpoint(
    path="a", attempt=1, seq=1, done=False, saved=SavedState(attempt=1, value="1")
)


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        (happened.StateSaved("a", 1, 1), {"checkpoints": (SAVED,)}),
        (happened.ChunksStored("a", "out", 1, 0, 0, 1), {"chunks": True}),
        (happened.DecisionMade("a", 1, "seed", 7), {"checkpoints": (SAVED,)}),
    ],
    ids=["saved state", "a chunk", "a decision"],
)
async def test_a_task_that_gets_on_is_never_given_up(live, submit, event, kept):  # noqa: F811
    """P5."""
    await submit()
    for life in range(2 * DEATHS):
        if "chunks" in kept:
            chunk = ChunkBatch(path="a", port="out", attempt=life, first=0, items=("1",))
            kept = {"chunks": (chunk,)}
        assert await live(*started("a"), event, **kept), life


async def test_a_graceful_stop_never_counts(live, submit):  # noqa: F811
    """P5."""
    await submit()
    for life in range(2 * DEATHS):
        assert await live(*started("a"), clean=True), life


async def test_a_person_who_resumes_begins_to_count_anew(live, submit, alice):  # noqa: F811
    run = await submit()
    for _ in range(DEATHS):
        await live(*started("a"))
    assert await live(*started("a")) is None
    assert await in_thread(lambda: Run.objects.get(pk=run).request("resume", alice))
    for life in range(DEATHS):
        assert await live(*started("a")), life
    assert await live(*started("a")) is None


async def test_the_next_suspect_comes_once_the_one_before_it_has_got_further(stores, submit):  # noqa: F811
    """P5: each alone, and nobody waits for the time that one that kills is given."""
    runs = {await submit(), await submit()}
    for life in range(SUSPECT):
        store = stores()
        for stored in await store.claim(f"life-{life}", 2):
            await store.commit(batch_of(stored, *started("a", attempt=life + 1)))
        store._locks.free()
    last = stores()
    (one,) = await last.claim("last", 2)
    assert await last.claim("last", 2, [one.run]) == []
    await last.commit(batch_of(one, *started("a", "b", attempt=SUSPECT + 1)))
    assert await last.claim("last", 2, [one.run]) == []
    done = TaskCheckpoint(path="a", attempt=SUSPECT + 1, seq=1)
    completed = happened.TaskCompleted("a", SUSPECT + 1)
    await last.commit(batch_of(one, completed, before=one.seq + 2, checkpoints=(done,)))
    (other,) = await last.claim("last", 2, [one.run])
    assert {one.run, other.run} == {str(each) for each in runs}
