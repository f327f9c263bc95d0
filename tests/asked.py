"""A background runner over a memory store, of which people ask something."""

import asyncio
from typing import Any

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from runner.library.flow.ask import Ask
from tests import virtual_time
from tests.drive import definition_of
from tests.gates import Gate, OnceGate
from tests.tasks import registry_of_tests
from tests.under_way import UnderWay

ASK: dict[str, Any] = {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}}
APPROVAL = definition_of([ASK], outputs={"approved": "ask.approved"})
CHAIN = definition_of(
    [{"id": "one", "type": "test.gate"}, {"id": "two", "type": "test.gate"}],
    [("one.result", "two.value")],
)
ONCE = definition_of([{"id": "once", "type": "test.once_gate"}], outputs={"n": "once.result"})


class Server(UnderWay):
    """A background runner over a store, and the run that a test looks at."""

    def __init__(self, definition, store=None, owner="one", **more):
        store = store or MemoryStore()
        super().__init__(store, store.submit(definition, encode({}), **more))
        self.runner = self.background(owner)

    def background(self, owner, store=None):
        registry = registry_of_tests()
        for each in (Gate, OnceGate, Ask):
            registry.register(each)
        host = Host(now=virtual_time.now, on_commit=self.on_commit)
        return BackgroundRunner(store or self.store, registry, owner, host=host)

    def ask(self, kind, actor="ada", **payload):
        self.store.ask(self.run, kind, actor, payload)

    async def until_status(self, *statuses):
        await self.until(lambda: self.kept.status in statuses)
        return self.kept

    async def open_requests(self):
        return [each.kind for each in await self.store.requests([self.run])]

    async def __aenter__(self):
        self.runner.start()
        return self

    async def __aexit__(self, *_fault):
        await self.runner.stop()


async def quiet():
    await asyncio.sleep(5)
