"""A run under way in a test: what it has kept so far, and a wait for what is to come."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from runner.execution.host import Host
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.graph.registry import TaskRegistry
from runner.graph.values import encode
from runner.run.events import Event
from tests.drive import executor_of
from tests.virtual_time import VirtualLoop

SECONDS = 60
VIRTUAL_SECONDS = 1_000_000


def patience() -> float:
    """Give how long a test waits for anything, in the seconds of its loop."""
    virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
    return VIRTUAL_SECONDS if virtual else SECONDS


class UnderWay:
    """One claimed run with its executor."""

    def __init__(self, store: MemoryStore, run: str) -> None:
        self.store = store
        self.run = run
        self.executor: RunExecutor
        self.driving: asyncio.Task[None]
        self._changed = asyncio.Event()

    @property
    def kept(self) -> MemoryRun:
        """What the store has of the run."""
        return self.store.runs[self.run]

    def on_commit(self, _run: str, _seq: int) -> None:
        """Look again."""
        self._changed.set()

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait for something to be kept."""
        async with asyncio.timeout(patience()):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def until_event(self, kind: str, path: str | None = None, times: int = 1) -> Any:
        """Wait until an event was kept so many times; give the last."""
        await self.until(lambda: len(self.events(kind, path)) >= times)
        return self.events(kind, path)[-1]

    def events(self, kind: str, path: str | None = None) -> list[Any]:
        """Give the kept events of a kind, of one task if a path is given."""
        found: list[Event] = [each.event for each in self.kept.entries]
        return [
            each
            for each in found
            if each.kind == kind and (path is None or getattr(each, "path", None) == path)
        ]

    async def end(self) -> MemoryRun:
        """Wait for the end of the driving; check the invariants."""
        await asyncio.wait_for(self.driving, patience())
        self.executor.state.check()
        return self.kept

    async def kill(self) -> None:
        """End the driving as a killed process does: nothing further is kept."""
        self.driving.cancel()
        await asyncio.wait({self.driving})
        self.kept.owner = ""

    async def stop(self, grace: float = 0.0) -> MemoryRun:
        """Stop as a server does that is told to."""
        await self.executor.stop(grace)
        await self.driving
        self.kept.owner = ""
        return self.kept


async def begin(
    store: MemoryStore, run: str, registry: TaskRegistry | None = None, host: Host | None = None
) -> UnderWay:
    """Claim a run and set it going."""
    under_way = UnderWay(store, run)
    host = dataclasses.replace(host or Host(), on_commit=under_way.on_commit)
    stored = store.take(run, "test")
    under_way.executor = executor_of(store, stored, registry, host)
    under_way.driving = asyncio.create_task(under_way.executor.run())
    return under_way


async def submit_and_begin(
    definition: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    registry: TaskRegistry | None = None,
    host: Host | None = None,
    store: MemoryStore | None = None,
    **more: Any,
) -> UnderWay:
    """Queue a run and set it going; `more` goes to the store."""
    store = store or MemoryStore()
    run = store.submit(definition, encode(dict(inputs or {})), **more)
    return await begin(store, run, registry, host)
