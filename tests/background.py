"""Background runners over a memory store, as their tests want them."""

import asyncio
import contextlib

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.ports import Ports
from runner.graph.task import Task
from tests.drive import definition_of, kinds_of
from tests.tasks import registry_of_tests

SECONDS = 10
NUMBER = definition_of(
    [{"id": "one", "type": "test.number", "inputs": {"value": 4}}], outputs={"four": "one.result"}
)
GATE = definition_of([{"id": "gate", "type": "test.gate"}])


class Gate(Task):
    """Ends once the test opens the gate."""

    name = "test.gate"
    effect = "none"
    gate: asyncio.Event
    entered: asyncio.Event

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        self.entered.set()
        await self.gate.wait()
        return 1


class Watch:
    """A store, its background runners, and what they committed."""

    def __init__(self):
        Gate.gate, Gate.entered = asyncio.Event(), asyncio.Event()
        self.store = MemoryStore()
        self.registry = registry_of_tests()
        self.registry.register(Gate)
        self.commits = []
        self.changed = asyncio.Event()

    def runner(self, owner="one", store=None, *, kept_seconds=300.0, **more):
        host = Host(
            on_commit=self.committed, is_watched=lambda _run: True, kept_seconds=kept_seconds
        )
        return BackgroundRunner(store or self.store, self.registry, owner, host=host, **more)

    def committed(self, run, seq):
        self.commits.append((run, seq))
        self.changed.set()

    async def until(self, run, *statuses):
        async with asyncio.timeout(SECONDS):
            while self.store.runs[run].status not in statuses:
                self.changed.clear()
                await self.changed.wait()
        return self.store.runs[run]


class Delegating:
    """Passes everything on to a memory store; a base for stores that misbehave."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)


@contextlib.asynccontextmanager
async def started(runner):
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()


async def until_kept(watch, run):
    async with asyncio.timeout(SECONDS):
        while "TaskStarted" not in kinds_of(watch.store.runs[run]):
            watch.changed.clear()
            await watch.changed.wait()


async def until_idle(runner):
    async with asyncio.timeout(SECONDS):
        while runner.executors:
            await give_way()


async def give_way():
    for _ in range(20):
        await asyncio.sleep(0)
