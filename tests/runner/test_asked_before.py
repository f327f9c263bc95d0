"""What is asked of a run before a process takes it up is done before any of its tasks starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.drive import definition_of, executor_of, kinds_of
from tests.tasks import registry_of_tests
from tests.under_way import UnderWay
from tests.virtual_time import virtual

PAIR = definition_of(
    [{"id": "one", "type": "test.number"}, {"id": "two", "type": "test.add"}],
    [("one.result", "two.values")],
)


@asynccontextmanager
async def asked(*kinds: str, store: MemoryStore | None = None) -> AsyncIterator[UnderWay]:
    """Ask these things of a run, then let a background runner take it up."""
    store = store or MemoryStore()
    run = next(iter(store.runs), "") or store.submit(PAIR, encode({}))
    under_way = UnderWay(store, run)
    for kind in kinds:
        store.ask(run, kind, "ada")
    host = Host(on_commit=under_way.on_commit)
    runner = BackgroundRunner(store, registry_of_tests(), "me", host=host)
    runner.start()
    try:
        yield under_way
    finally:
        await runner.stop()


@virtual
async def test_a_run_that_was_paused_before_anybody_took_it_starts_nothing():
    """Engine 5.1, 6.3."""
    async with asked("pause") as run:
        await run.until_event("RunPaused")
        await run.until(lambda: not run.store._requests)
        assert kinds_of(run.kept) == ["RunStarted", "RunPaused"]
        run.store.ask(run.run, "continue", "bob")
        await run.until(lambda: run.kept.status is RunStatus.COMPLETED)
    assert [each.actor for each in run.events("RunPaused")] == ["ada"]


@virtual
async def test_a_run_that_was_cancelled_before_anybody_took_it_starts_nothing():
    """Engine 5.8, 6.3."""
    async with asked("cancel") as run:
        await run.until(lambda: run.kept.status is RunStatus.CANCELLED)
    assert not run.events("TaskStarted")
    assert [each.path for each in run.events("TaskCancelled")] == ["one", "two"]


@virtual
@pytest.mark.parametrize("kinds", [("pause", "continue"), ("answer",), ()])
async def test_what_was_asked_before_is_done_in_its_order(kinds):
    """Engine 6.3: a pause that was taken back lets all go on; what is about a task is later."""
    async with asked(*kinds) as run:
        await run.until(lambda: run.kept.status is RunStatus.COMPLETED)
    assert bool(run.events("RunPaused")) is ("pause" in kinds)


@virtual
async def test_an_interrupted_run_that_was_paused_meanwhile_starts_nothing_further():
    """Engine 5.1, 6.3: as one that was queued."""
    async with asked("pause") as first:
        await first.until_event("RunPaused")
    first.store.ask(first.run, "continue", "ada")
    async with asked("pause", store=first.store) as run:
        await run.until_event("RunPaused", times=2)
        await run.until(lambda: not run.store._requests)
        assert not run.events("TaskStarted")


async def test_a_run_that_is_let_go_before_it_began_stays_as_it_was():
    """Engine 5.1, 7.1: its process was told to stop while it looked for what was asked."""
    store = MemoryStore()
    run = store.submit(PAIR, encode({}))
    (stored,) = await store.claim("me", 1)
    executor = executor_of(store, stored)

    async def stopping():
        await executor.stop(0.0)
        return [lambda: executor.pause("ada")]

    await executor.run(stopping)
    assert (store.runs[run].entries, store.runs[run].status) == ([], RunStatus.QUEUED)
    await store.release("me", [run])
    async with asked(store=store) as under_way:
        await under_way.until(lambda: under_way.kept.status is RunStatus.COMPLETED)
