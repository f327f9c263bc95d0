"""A process that drives runs on the database, and what a test does beside it."""

import asyncio
import contextlib

from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.secrets import NoCredentials
from runner.library.flow import ask, wait
from tests.tasks import registry_of_tests
from tests.workflows.test_store import in_thread
from workflows.models import Run
from workflows.owners import new_owner
from workflows.store import DatabaseStore

__all__ = ["Served", "in_thread", "registry", "statuses_of"]


def registry(more=()):
    """Give the tests' task types, those that wait, and some more."""
    found = registry_of_tests()
    found.register_module(wait)
    found.register_module(ask)
    for each in more:
        found.register(each)
    return found


class Served:
    """A process that drives runs on the database, and what a test does beside it."""

    def __init__(self, folder, more=(), credentials=None):
        self._rung = asyncio.Event()
        self._stopped = False
        self._store = DatabaseStore(folder)
        self.runner = BackgroundRunner(
            self._store,
            registry(more),
            new_owner(),
            host=Host(on_commit=self._ring, credentials=credentials or NoCredentials()),
        )
        self.runner.start()

    def _ring(self, run, seq):
        self._rung.set()

    async def has(self, run, **statuses):
        """Wait until tasks of a run have these statuses."""
        async with asyncio.timeout(20):
            while statuses.items() - (await in_thread(lambda: statuses_of(run))).items():
                await asyncio.wait_for(self._rung.wait(), 20)
                self._rung.clear()

    async def until(self, run, *statuses):
        """Wait until a run has one of these statuses; give its row."""
        async with asyncio.timeout(20):
            while True:
                self._rung.clear()
                row = await in_thread(lambda: Run.objects.get(pk=run.pk))
                if row.status in statuses:
                    return row
                assert row.status != "quarantined", row.error
                # A run that is set aside rings no bell.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._rung.wait(), 1)

    async def stop(self):
        """Stop in order, once."""
        if not self._stopped:
            self._stopped = True
            await self.runner.stop()
            await self._store.close()


def statuses_of(run):
    """Give the status of each task of a run by its path."""
    return dict(run.task_runs.values_list("path", "status"))
