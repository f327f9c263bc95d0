"""The golden property: resuming gives the same outputs as never crashing.

And no committed task executes again, counted by an observer outside the engine.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from runner.errors import RunnerError
from runner.execution import run_log
from runner.execution.memory import MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.graph.building import GraphBuilder
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests import strategies
from tests.crashing import Crash, CrashingStore
from tests.drive import definition_of, drive, executor_of, go_on, outputs_of
from tests.gates import Gate
from tests.runs import Driven
from tests.tasks import EXECUTED, Emit


async def live_once(store: MemoryStore, run: str, commits: int) -> set[str]:
    """Let a process own the run until it dies; give what it executed that was committed."""
    (stored,) = await store.claim("test", 1)
    committed = {each.path for each in stored.checkpoints if each.has_result}
    EXECUTED.clear()
    executor: RunExecutor = executor_of(CrashingStore(store, commits), stored)
    try:
        await asyncio.wait_for(executor.run(), 10)
    except Crash:
        await store.release("test", [run])
    return committed & {path for _, path in EXECUTED}


async def check(definition: str, crashes: list[int]) -> None:
    whole = await drive(definition)
    store = MemoryStore()
    run = store.submit(definition, encode({}))
    for commits in crashes:
        if store.runs[run].status.is_over:
            break
        assert await live_once(store, run, commits) == set()
    if not store.runs[run].status.is_over:
        await go_on(store)

    resumed = store.runs[run]
    assert resumed.status is whole.status is RunStatus.COMPLETED
    assert outputs_of(resumed) == outputs_of(whole)
    assert [each.seq for each in resumed.entries] == list(range(1, len(resumed.entries) + 1))


@pytest.mark.slow
@given(strategies.definitions(), strategies.crashes, strategies.batches)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_resuming_after_crashes_gives_what_never_crashing_gives(
    monkeypatch, definition, crashes, batch
):
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", batch)

    asyncio.run(check(definition, crashes))


def test_a_task_with_an_effect_begins_only_once_its_start_is_kept():
    definition = definition_of(
        [{"id": "pure", "type": "test.number"}, {"id": "effect", "type": "test.note"}],
        [("pure.result", "effect.values")],
    )
    store = MemoryStore()
    run = store.submit(definition, encode({}))

    asyncio.run(live_once(store, run, commits=0))

    assert {path for _, path in EXECUTED} == {"pure"}


async def test_a_run_whose_kept_chunks_are_gone_says_so_and_is_not_taken_up():
    """Engine 7.1: a finished task does not run again, whatever is missing of it."""
    Gate.reset()
    graph = GraphBuilder("gone")
    graph.output("numbers", graph.add("emit", Emit, count=3).numbers)
    graph.add("held", Gate)
    async with Driven(graph) as driven:
        await driven.until("TaskCompleted", "emit")
        await driven.stop()
        driven.store.runs[driven.run].chunks.clear()
        await driven.take_up()
        with pytest.raises(RunnerError, match=r"Chunks of port numbers of emit are missing\."):
            await driven.end()
