"""A storage that takes nothing for a while: what goes on, what waits, what is let go (P10)."""

import asyncio
from typing import Any

import pytest

from runner.errors import StorageTrouble
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from tests.drive import definition_of, executor_of, kinds_of, outputs_of
from tests.gates import Gate
from tests.tasks import registry_of_tests
from tests.virtual_time import passed, virtual

THREE = definition_of(
    [{"id": each, "type": "test.gate"} for each in ("first", "second", "third")],
    [("first.result", "second.after"), ("second.result", "third.after")],
    outputs={"three": "third.result"},
)


class Troubled(MemoryStore):
    """Takes nothing while it is away; notes when it was tried."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.tries: list[float] = []

    async def commit(self, batch: Any) -> None:
        self.tries.append(passed())
        if self.away:
            raise StorageTrouble("the disk is full")
        await super().commit(batch)


class Driven:
    """A run whose first task has begun, and what its host heard."""

    def __init__(self, definition: str = THREE, kept_seconds: float = 300) -> None:
        Gate.reset()
        self.heard: list[float | None] = []
        self.store = Troubled()
        self.run = self.store.submit(definition, encode({}))
        host = Host(on_stall=lambda _, told: self.heard.append(told), kept_seconds=kept_seconds)
        stored = self.store.take(self.run, "me")
        self.executor = executor_of(self.store, stored, registry_of_gates(), host)
        self.end = asyncio.ensure_future(self.executor.run())

    @property
    def kept(self) -> Any:
        return self.store.runs[self.run]

    async def until_stalled(self) -> None:
        """Let the storage go, and the first task end."""
        await asyncio.sleep(1)
        self.store.away = True
        Gate.open("first")
        await asyncio.sleep(10)


@virtual
async def test_nothing_further_starts_while_the_storage_takes_nothing():
    """P10."""
    driven = Driven()
    await driven.until_stalled()
    Gate.open("second", "third")
    await asyncio.sleep(30)
    # The second had begun in the moment in which the first ended.
    assert Gate.begun == ["first", "second"]
    assert driven.heard == [None]
    driven.store.away = False
    await driven.end
    assert outputs_of(driven.kept) == {"three": 1}
    assert kinds_of(driven.kept).count("StorageReturned") == 1
    assert driven.heard[1] == pytest.approx(40, abs=2)


@virtual
async def test_the_storage_is_tried_once_a_second():
    """P10."""
    driven = Driven()
    await driven.until_stalled()
    driven.store.tries.clear()
    await asyncio.sleep(60)
    assert len(driven.store.tries) == 60
    driven.store.away = False
    Gate.open("second", "third")
    await driven.end


@pytest.mark.parametrize("seconds", [299, 301])
@virtual
async def test_results_are_kept_in_memory_for_five_minutes_and_no_longer(seconds):
    """P10."""
    driven = Driven()
    await driven.until_stalled()
    Gate.open("second", "third")
    await asyncio.sleep(seconds - 10 + 1)
    driven.store.away = False
    if seconds < 300:
        await driven.end
        assert driven.kept.status == "completed"
        return
    with pytest.raises(StorageTrouble):
        await driven.end
    assert driven.heard == [None, 0.0]
    assert not driven.kept.status.is_over


@virtual
async def test_a_run_that_was_let_go_goes_on_from_what_was_kept():
    """P10, P1."""
    driven = Driven(kept_seconds=60)
    await driven.until_stalled()
    with pytest.raises(StorageTrouble):
        await driven.end
    driven.store.away = False
    Gate.open("second", "third")
    again = executor_of(driven.store, driven.store.take(driven.run, "me"), registry_of_gates())
    await again.run()
    assert outputs_of(driven.kept) == {"three": 1}


def registry_of_gates() -> Any:
    registry = registry_of_tests()
    registry.register(Gate)
    return registry


@virtual
async def test_a_stop_during_trouble_starts_nothing_any_more():
    """P10, P8."""
    driven = Driven()
    await driven.until_stalled()
    await driven.executor.stop(0)
    driven.store.away = False
    await driven.end
    assert Gate.begun == ["first", "second"]
    assert driven.kept.status == "interrupted"
