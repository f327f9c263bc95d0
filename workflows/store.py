"""DatabaseStore: the runner's store in the database, with one writer for all runs."""

import asyncio
import json
import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from runner.errors import (
    DamagedArtifact,
    MissingArtifact,
    StorageTrouble,
    UnreadableCheckpoint,
)
from runner.execution.failpoints import reach
from runner.execution.store import (
    RETRY_SECONDS,
    Batch,
    CacheEntry,
    ChunkBatch,
    Request,
    StoredRun,
)
from runner.run.events import TaskError
from workflows.beside import (
    has_files,
    put_batch_aside,
    restored,
    whole_cached,
    whole_items,
)
from workflows.caching import read_entry
from workflows.claims import (
    claim_runs,
    forget_dead_owners,
    quarantine_run,
    release_runs,
    renew_leases,
)
from workflows.database_thread import DatabaseThread
from workflows.deaths import Suspects
from workflows.models import Chunk, RunRequest
from workflows.owners import OwnerLocks
from workflows.projection import storable
from workflows.trouble import patiently
from workflows.writing import Doubtful, write_batches

logger = logging.getLogger(__name__)

PATIENCE = 30.0

#: A batch, and who waits for it.
type Waiting = tuple[Batch, asyncio.Future[None]]


class DatabaseStore:
    """The RunStore protocol over Django's models.

    Four threads, each with a connection of its own: all commits go through the first, so that
    those of many runs share a transaction; reads do not wait behind them; leases wait for neither;
    and the files that commits mention are written and read without holding the database.
    All raise StorageTrouble when the database cannot do it now.
    """

    def __init__(self, folder: Path | None = None, patience: float = PATIENCE) -> None:
        self._locks = OwnerLocks((folder or settings.DATA_DIR) / "owners")
        self._patience = patience
        self._writer = DatabaseThread("store-writer", patience)
        self._reader = DatabaseThread("store-reader", patience)
        self._leases = DatabaseThread("store-leases", patience)
        self._files = DatabaseThread("store-files", patience)
        self._waiting: list[Waiting] = []
        self._writing = False
        self._rests_until = 0.0
        self._doubtful = Doubtful()
        self._suspects = Suspects()

    async def claim(self, owner: str, limit: int, driven: Collection[str] = ()) -> list[StoredRun]:
        """Take up to `limit` runs that wait for an owner, or whose owner is dead."""
        claimed = await self._writer.do(partial(self._claim, owner, limit, driven))
        return await self._files.do(partial(_restored, claimed))

    async def commit(self, batch: Batch) -> None:
        """Keep a batch, all or nothing, together with those of other runs that wait.

        What of it is large is kept beside the database first, while others go on.
        """
        if has_files(batch):
            batch = await self._files.do(partial(_put_aside, batch))
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        self._waiting.append((batch, kept))
        if not self._writing:
            self._write_next(loop)
        # A cancelled caller does not undo what the writer has under way.
        await kept

    async def read_chunks(self, run: str, path: str, port: str, attempt: int) -> list[ChunkBatch]:
        """Give the kept chunks of one port and attempt, in order, without gap."""
        return await self._reader.do(partial(_read_chunks, run, path, port, attempt))

    async def read_cache(self, scope: str, key: str) -> CacheEntry | None:
        """Give a kept result; None if there is none."""
        return await self._reader.do(partial(_read_cache, scope, key))

    async def requests(self, runs: Collection[str]) -> list[Request]:
        """Give the open requests for these runs, oldest first."""
        return await self._reader.do(partial(_open_requests, runs))

    async def mark_handled(self, request: str) -> None:
        """Close a request."""
        await self._writer.do(partial(_mark_handled, request))

    async def renew(self, owner: str, runs: Collection[str]) -> set[str]:
        """Prolong the lease of these runs; give those that are still the owner's."""
        return await self._leases.do(partial(renew_leases, owner, runs))

    async def release(self, owner: str, runs: Collection[str], epoch: int | None = None) -> None:
        """Give up runs so that the next claim may take them at once."""
        await self._writer.do(partial(release_runs, owner, runs, epoch))

    async def quarantine(self, run: str, epoch: int, reason: str) -> None:
        """Set a run aside that cannot go on, until a person looks at it."""
        error = TaskError(type="CannotGoOn", message=storable(reason))
        await self._writer.do(partial(quarantine_run, run, epoch, error))

    async def close(self) -> None:
        """Finish what is under way, and let go of threads, connections and locks."""
        while self._writing:
            await self._writer.do(_nothing)
        for thread in (self._writer, self._reader, self._leases, self._files):
            await thread.close()
        self._locks.free()

    def _claim(self, owner: str, limit: int, driven: Collection[str]) -> list[StoredRun]:
        self._locks.hold(owner)
        claimed = claim_runs(owner, limit, self._locks, driven, self._suspects)
        if claimed:
            forget_dead_owners(self._locks)
        return claimed

    def _write_next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the writer commit all that waits; one transaction is under way at a time."""
        if loop.time() < self._rests_until:
            self._writing = True
            loop.call_at(self._rests_until, self._write_next, loop)
            return
        taken, self._waiting = self._waiting, []
        if taken:
            self._writer.begin(partial(self._write, taken, loop))
        self._writing = bool(taken)

    def _write(self, taken: list[Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """Commit in the writer's thread, and tell the loop."""
        faults: Sequence[Exception | None]
        try:
            faults = self._commit_all([batch for batch, _ in taken])
        except Exception as trouble:
            # Whatever it is, those who wait must hear of it: a run that waits in silence
            # looks like one that works.
            faults = [trouble] * len(taken)
        loop.call_soon_threadsafe(self._tell, taken, faults, loop)

    def _tell(
        self,
        taken: list[Waiting],
        faults: Sequence[Exception | None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        if any(isinstance(fault, StorageTrouble) for fault in faults):
            # However many runs wait: the storage is tried once a second.
            self._rests_until = loop.time() + RETRY_SECONDS
        for (_, kept), fault in zip(taken, faults, strict=True):
            _settle(kept, fault)
        self._write_next(loop)

    def _commit_all(self, batches: Sequence[Batch]) -> Sequence[Exception | None]:
        return patiently(self._patience, partial(write_batches, batches, self._doubtful))


def _nothing() -> None:
    return None


def _settle(kept: asyncio.Future[None], fault: Exception | None) -> None:
    if kept.done():
        return
    if fault is None:
        kept.set_result(None)
    else:
        kept.set_exception(fault)


def _put_aside(batch: Batch) -> Batch:
    try:
        kept = put_batch_aside(batch)
    except OSError as fault:
        raise StorageTrouble(f"A file cannot be written: {fault.strerror}.") from fault
    reach("files_kept")
    return kept


def _restored(claimed: Iterable[StoredRun]) -> list[StoredRun]:
    """Read what is kept beside the database; set those runs aside whose files are not right."""
    found = []
    for stored in claimed:
        try:
            found.append(restored(stored))
        except UnreadableCheckpoint as fault:
            error = TaskError(type="UnreadableCheckpoint", message=str(fault))
            quarantine_run(stored.run, stored.epoch, error)
    return found


def _read_chunks(run: str, path: str, port: str, attempt: int) -> list[ChunkBatch]:
    rows = Chunk.objects.filter(run_id=run, path=path, port=port, attempt=attempt).order_by("first")
    make = partial(ChunkBatch, path=path, port=port, attempt=attempt)
    return [
        make(first=first, items=whole_items(str(team), text))
        for first, text, team in rows.values_list("first", "items", "run__team_id")
    ]


def _read_cache(scope: str, key: str) -> CacheEntry | None:
    """Give a kept result; one whose files are not right is none."""
    kept = read_entry(scope, key)
    try:
        return kept and whole_cached(kept)
    except (MissingArtifact, DamagedArtifact) as fault:
        logger.warning("a cached result cannot be taken: %s", fault)
        return None


def _open_requests(runs: Collection[str]) -> list[Request]:
    rows = RunRequest.objects.filter(run_id__in=runs, handled_at=None).order_by("pk")
    return [
        Request(
            id=str(row.pk),
            run=str(row.run_id),
            kind=row.kind,
            actor=row.actor.get_username(),
            payload=json.loads(row.payload),
        )
        for row in rows.select_related("actor")
    ]


def _mark_handled(request: str) -> None:
    RunRequest.objects.filter(pk=request, handled_at=None).update(handled_at=Now())
