"""T7: a wall clock that jumps under a run; what takes time goes by the monotonic one (P7)."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from runner import TaskRegistry, task
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from tests.drive import definition_of, executor_of
from tests.virtual_time import now, passed, virtual

LIMIT = 10.0
JUMPS = [timedelta(hours=1), timedelta(days=1), -timedelta(hours=1), -timedelta(days=1)]
ENDED: list[float] = []


@task(name="test.endless", timeout=LIMIT, idle_timeout=None, retry=2)
async def endless() -> None:
    """Run until it is stopped."""
    try:
        await asyncio.sleep(3600)
    finally:
        ENDED.append(passed())


class Jumping:
    """A clock that jumps each time it is asked, and otherwise goes on."""

    def __init__(self, first):
        self._ahead = itertools.cycle(JUMPS[first:] + JUMPS[:first])

    def __call__(self):
        return now() + next(self._ahead)


@pytest.mark.parametrize("first", range(len(JUMPS)))
@virtual
async def test_no_timeout_comes_early_or_never_when_the_clock_jumps(first):
    """P7, T7."""
    ENDED.clear()
    registry = TaskRegistry()
    registry.register(endless)
    store = MemoryStore()
    run = store.submit(definition_of([{"id": "a", "type": "test.endless"}]), encode({}))
    host = Host(now=Jumping(first), chance=lambda: 1.0)
    executor = executor_of(store, store.take(run, "me"), registry, host)
    await asyncio.wait_for(executor.run(), 60)
    assert ENDED[0] == pytest.approx(LIMIT, abs=1.1)
    assert ENDED[1] - ENDED[0] == pytest.approx(LIMIT + 1.0, abs=1.1)
    kept = store.runs[run]
    assert [each.seq for each in kept.entries] == list(range(1, kept.seq + 1))
    assert kept.status == "failed"
