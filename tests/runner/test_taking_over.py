"""A rerun that takes results of an earlier run over: what is cached, what runs, and crashes."""

import contextlib

import pytest

from runner.execution import run_log
from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.crashing import Crash, CrashingStore
from tests.drive import definition_of, executor_of, kinds_of, outputs_of
from tests.tasks import EXECUTED, Add, Number
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual

STREAMED = definition_of(
    [
        {"id": "emit", "type": "test.emit", "inputs": {"count": 5}},
        {"id": "double", "type": "test.double"},
        {"id": "total", "type": "test.total"},
    ],
    [("emit.numbers", "double.numbers"), ("double.numbers", "total.numbers")],
    outputs={"n": "total.result", "all": "double.numbers"},
)


@pytest.fixture(autouse=True)
def nothing_ran():
    EXECUTED.clear()


def mapped():
    graph = GraphBuilder("mapped")
    each = graph.add("each", Map.of(Number, over=["value"]), value=[1, 2, 3])
    total = graph.add("total", Add, values=each.result)
    graph.output("n", total.result)
    return graph.definition.to_json()


def many(count):
    tasks = [{"id": f"n{n}", "type": "test.number", "inputs": {"value": n}} for n in range(count)]
    flows = [(f"n{n}.result", "sum.values") for n in range(count)]
    sums = {"id": "sum", "type": "test.add"}
    return definition_of([*tasks, sums], flows, outputs={"n": "sum.result"})


async def finished(definition):
    run = await submit_and_begin(definition)
    await run.end()
    EXECUTED.clear()
    return run


def taken(run, definition, *paths):
    """Queue a run that takes these results over."""
    kept = tuple(each for path, each in run.kept.checkpoints.items() if path in paths)
    return run.store.submit(definition, encode({}), parent=run.run, kept=kept)


def ran():
    return [path for _, path in EXECUTED]


@virtual
async def test_what_is_kept_is_cached_and_what_depends_on_it_runs():
    """Engine 7.6."""
    parent = await finished(STREAMED)
    run = await begin(parent.store, taken(parent, STREAMED, "emit", "double"))
    kept = await run.end()

    assert ran() == ["total"]
    assert outputs_of(kept) == outputs_of(parent.kept) == {"n": 20, "all": [0, 2, 4, 6, 8]}
    assert [each.path for each in run.events("TaskCached")] == ["emit", "double"]
    assert {each.source for each in run.events("TaskCached")} == {"run"}
    assert kept.progress.done == kept.progress.total == 3


@virtual
async def test_all_may_be_kept():
    """Engine 7.6."""
    parent = await finished(STREAMED)
    run = await begin(parent.store, taken(parent, STREAMED, "emit", "double", "total"))

    assert outputs_of(await run.end()) == outputs_of(parent.kept)
    assert ran() == []


@virtual
async def test_kept_streams_are_copied_in_their_chunks():
    """Engine 7.6, 4.11."""
    parent = await finished(STREAMED)
    run = await begin(parent.store, taken(parent, STREAMED, "emit"))
    kept = await run.end()
    batches = await parent.store.read_chunks(run.run, "emit", "numbers", 1)

    assert [item for batch in batches for item in batch.items] == [*map(str, range(5))]
    assert kept.checkpoints["emit"].streams == {"numbers": 5}


@virtual
async def test_a_kept_map_keeps_its_items():
    """Engine 7.6, 1.3."""
    definition = mapped()
    parent = await finished(definition)
    paths = [path for path in parent.kept.checkpoints if path.startswith("each")]
    run = await begin(parent.store, taken(parent, definition, *paths))
    kept = await run.end()

    assert ran() == ["total"]
    assert outputs_of(kept) == {"n": 6}
    assert kept.checkpoints["each"].rounds == (3,)


@virtual
async def test_a_rerun_of_a_rerun_takes_over_what_was_taken_over():
    """Engine 7.6."""
    first = await finished(STREAMED)
    second = await begin(first.store, taken(first, STREAMED, "emit"))
    await second.end()
    EXECUTED.clear()
    third = await begin(first.store, taken(second, STREAMED, "emit", "double"))

    assert outputs_of(await third.end()) == {"n": 20, "all": [0, 2, 4, 6, 8]}
    assert ran() == ["total"]


@virtual
@pytest.mark.parametrize("entries", [1, 3, 500])
@pytest.mark.parametrize("commits", range(12))
async def test_a_rerun_that_dies_at_any_point_takes_over_the_same(monkeypatch, commits, entries):
    """Engine 7.6, 7.9."""
    parent = await finished(STREAMED)
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", entries)
    key = taken(parent, STREAMED, "emit", "double")
    stored = parent.store.take(key, "dies")
    executor = executor_of(CrashingStore(parent.store, commits), stored)
    with contextlib.suppress(Crash):
        await executor.run()
    parent.store.runs[key].owner = ""
    if not parent.store.runs[key].status.is_over:
        run = await begin(parent.store, key)
        await run.end()

    kept = parent.store.runs[key]
    assert outputs_of(kept) == {"n": 20, "all": [0, 2, 4, 6, 8]}
    assert set(ran()) == {"total"}
    assert kinds_of(kept, "emit").count("TaskCached") == 1
    batches = await parent.store.read_chunks(key, "emit", "numbers", 1)
    assert [item for batch in batches for item in batch.items] == [*map(str, range(5))]


@virtual
async def test_many_kept_results_survive_a_crash_between_two_batches(monkeypatch):
    """Engine 7.6, 7.1."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 50)
    definition = many(200)
    parent = await finished(definition)
    key = taken(parent, definition, *(f"n{n}" for n in range(200)))
    stored = parent.store.take(key, "dies")
    with pytest.raises(Exception, match="died"):
        await executor_of(CrashingStore(parent.store, 2), stored).run()
    parent.store.runs[key].owner = ""
    run = await begin(parent.store, key)

    assert outputs_of(await run.end()) == {"n": sum(range(200))}
    assert set(ran()) == {"sum"}


@virtual
async def test_a_killed_rerun_goes_on_with_what_it_did_itself():
    """Engine 7.6, 7.1."""
    definition = definition_of(
        [
            {"id": "one", "type": "test.number", "inputs": {"value": 2}},
            {"id": "two", "type": "test.add"},
            {"id": "hang", "type": "test.hang"},
        ],
        [("one.result", "two.values")],
    )
    parent = await submit_and_begin(definition)
    await parent.until_event("TaskCompleted", "two")
    await parent.kill()
    parent.kept.status = RunStatus.CANCELLED
    EXECUTED.clear()
    run = await begin(parent.store, taken(parent, definition, "one"))
    await run.until_event("TaskCompleted", "two")
    await run.kill()
    run = await begin(parent.store, run.run)
    await run.until_event("TaskStarted", "hang", times=2)

    assert ran().count("two") == 1
    assert "one" not in ran()
    run.executor.cancel("ada")
    assert (await run.end()).status is RunStatus.CANCELLED
