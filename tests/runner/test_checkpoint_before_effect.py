"""A task with an effect begins only once all it stands on is kept; what is pure runs ahead."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from runner.execution import run_log
from runner.execution.memory import MemoryStore
from runner.execution.store import Batch
from tests.drive import definition_of, outputs_of
from tests.tasks import EXECUTED, give_way
from tests.under_way import UnderWay, submit_and_begin


class Slow(MemoryStore):
    """A store that keeps nothing while it is shut, and remembers what came in which batch."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.batches: list[list[tuple[str, str]]] = []

    async def commit(self, batch: Batch) -> None:
        await self.open.wait()
        await super().commit(batch)
        said = [(each.event.kind, getattr(each.event, "path", "")) for each in batch.entries]
        self.batches.append(said)

    def batch_of(self, kind: str, path: str) -> int:
        """Give the number of the batch that an event was kept in."""
        return next(n for n, said in enumerate(self.batches) if (kind, path) in said)


def chain(*kinds: str) -> str:
    """Write tasks in a row, named a, b, c…"""
    names = "abcdefgh"[: len(kinds)]
    tasks = [{"id": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
    flows = [(f"{one}.result", f"{two}.values") for one, two in pairwise(names)]
    return definition_of(tasks, flows, outputs={"out": f"{names[-1]}.result"})


async def begun_on(store: Slow, definition: str) -> UnderWay:
    """Begin a run, and let it go as far as it goes while nothing is kept."""
    EXECUTED.clear()
    run = await submit_and_begin(definition, store=store)
    await give_way(50)
    return run


def executed() -> list[str]:
    """Name the tasks whose bodies have begun."""
    return [path for _, path in EXECUTED]


@pytest.mark.parametrize(
    ("kinds", "before"),
    [
        (["test.number", "test.add", "test.add"], ["a", "b", "c"]),
        (["test.number", "test.add", "test.note"], ["a", "b"]),
        (["test.number", "test.note", "test.add"], ["a"]),
    ],
)
async def test_what_is_pure_runs_ahead_and_an_effect_waits_until_all_before_it_is_kept(
    kinds, before
):
    """Engine 7.2."""
    store = Slow()
    run = await begun_on(store, chain(*kinds))
    assert executed() == before
    store.open.set()
    assert outputs_of(await run.end()) == {"out": 1}
    assert executed() == ["a", "b", "c"]


async def test_the_start_of_an_effect_is_kept_before_its_body_begins():
    """Engine 7.2, 5.5: so that an attempt that was lost with its process is known."""
    store = Slow()
    run = await begun_on(store, chain("test.note"))
    assert (executed(), run.kept.attempts) == ([], {})
    store.open.set()
    await run.end()
    assert (executed(), run.kept.attempts) == (["a"], {"a": 1})


async def test_the_start_of_an_effect_is_kept_with_the_result_before_it():
    """Engine 7.2: a chain of effects pays one commit a task."""
    store = Slow()
    store.open.set()
    run = await submit_and_begin(chain("test.note", "test.note", "test.note"), store=store)
    await run.end()
    assert store.batch_of("TaskCompleted", "a") == store.batch_of("TaskStarted", "b")
    assert store.batch_of("TaskCompleted", "b") == store.batch_of("TaskStarted", "c")
    assert len(store.batches) == 4


async def test_a_crash_before_the_start_is_kept_means_that_the_effect_was_not_had(monkeypatch):
    """Engine 7.1, 7.2: one that was kept is had again, under the same key."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    store = Slow()
    run = await begun_on(store, chain("test.note"))
    await run.kill()
    assert executed() == []
    again: Any = store.take(run.run, "next")
    assert again.attempts == {}
