"""A store that dies after so many commits, as a process does: what was kept stays kept."""

from runner.errors import RunnerError
from runner.execution.store import Batch, RunStore


class Crash(RunnerError):
    """The process died."""


class CrashingStore:
    """Passes everything on to a real store until its last commit."""

    def __init__(self, store: RunStore, commits: int) -> None:
        self._store = store
        self._left = commits
        self.claim = store.claim
        self.read_chunks = store.read_chunks
        self.read_cache = store.read_cache
        self.requests = store.requests
        self.mark_handled = store.mark_handled
        self.renew = store.renew
        self.release = store.release
        self.quarantine = store.quarantine

    async def commit(self, batch: Batch) -> None:
        if self._left <= 0:
            raise Crash("the process died")
        self._left -= 1
        await self._store.commit(batch)
