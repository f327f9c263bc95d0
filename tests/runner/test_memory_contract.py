"""The memory store keeps the contract of every store."""

import pytest

from runner.execution.memory import MemoryStore
from tests.drive import definition_of
from tests.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    """The contract over dictionaries."""

    @pytest.fixture
    def store(self):
        """An empty store."""
        return MemoryStore()

    async def submit(self, store):
        return store.submit(definition_of([{"id": "a", "type": "test.number"}]), "{}")

    async def ask(self, store, run, kind):
        store.ask(run, kind, "alice")

    async def after_death(self, store):
        """Memory dies with its process: what a next one finds has no owner."""
        for run in store.runs.values():
            run.owner = ""
        return store
