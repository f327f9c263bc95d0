"""RunLog: numbers the events of one run and hands them to the store, a batch at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from runner.errors import RunnerError, StorageTrouble
from runner.execution.host import AHEAD_BYTES, KEPT_SECONDS
from runner.execution.store import (
    Batch,
    CacheEntry,
    ChunkBatch,
    Entry,
    RunStore,
    StoredRun,
)
from runner.graph.values import bytes_of
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from runner.run.progress import Progress

logger = logging.getLogger(__name__)

BATCH_ENTRIES = 500
RETRY_SECONDS = 1.0
#: So many events may run ahead of what is kept.
STORED_AHEAD = 20_000


def _ignore(_seconds: float | None) -> None:
    return None


type _Kept = tuple[Entry, ChunkBatch | None, tuple[TaskCheckpoint, ...], CacheEntry | None, int]


class RunLog:
    """One run's growing log: `append` numbers, `durable` says how far it is kept.

    One commit is under way at a time; all that is appended meanwhile goes into the next.
    """

    def __init__(
        self,
        store: RunStore,
        stored: StoredRun,
        progress: Callable[[], Progress],
        on_commit: Callable[[str, int], None],
        *,
        on_stall: Callable[[float | None], None] = _ignore,
        kept_seconds: float = KEPT_SECONDS,
        ahead_bytes: int = AHEAD_BYTES,
    ) -> None:
        """Begin after what is stored.

        `on_stall` hears None when the storage begins to take nothing, and after how many seconds
        it took something again; after `kept_seconds` without that, `write` raises StorageTrouble.
        Beyond `ahead_bytes` of values and chunks that are not kept yet nothing further should begin.
        """
        self.seq = stored.seq
        self.durable = stored.seq
        self.fault: RunnerError | None = None
        self._store = store
        self._run = stored.run
        self._epoch = stored.epoch
        self._progress = progress
        self._on_commit = on_commit
        self._on_stall = on_stall
        self._kept_seconds = kept_seconds
        self._entries: deque[_Kept] = deque()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()
        self._sleeps = False
        self._answered: deque[tuple[int, str]] = deque()
        self._closing = False
        self._most_ahead = ahead_bytes
        #: The bytes of what is not kept yet, and of the batch that is being kept.
        self._ahead = self._under_way = 0

    def append(
        self,
        event: Event,
        *,
        chunks: ChunkBatch | None = None,
        checkpoint: TaskCheckpoint | None = None,
        cache: CacheEntry | None = None,
        forgotten: tuple[TaskCheckpoint, ...] = (),
    ) -> int:
        """Number an event, with what must be kept in the same transaction.

        `forgotten` are records without an end, in the place of those that count no longer.
        """
        self.seq += 1
        entry = Entry(self.seq, datetime.now(UTC), event)
        kept = forgotten if checkpoint is None else (checkpoint, *forgotten)
        size = 0
        if checkpoint is not None or chunks is not None:
            size = _size_of(checkpoint, chunks)
            self._ahead += size
        self._entries.append((entry, chunks, kept, cache, size))
        if self._sleeps:
            self._sleeps = False
            self._wake.set()
        return self.seq

    async def until_durable(self, seq: int) -> None:
        """Wait until event `seq` is kept; raise what stopped the log if that never happens."""
        if self.fault is not None:
            raise self.fault
        if seq > self.durable:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((seq, future))
            await future

    @property
    def is_far_ahead(self) -> bool:
        """Whether so much is not kept yet that nothing further should begin."""
        return self.seq - self.durable > STORED_AHEAD or self._ahead > self._most_ahead

    async def room(self) -> None:
        """Wait until half of what may run ahead is kept."""
        await self.until_durable(self.seq - STORED_AHEAD // 2)
        while self._ahead > self._most_ahead // 2:
            await self.until_durable(self.durable + 1)

    async def write(self) -> None:
        """Commit batches until the log is closed and all is kept, or the run is lost."""
        try:
            while self._entries or not self._closing:
                if self._entries:
                    await self._commit(self._batch())
                else:
                    self._wake.clear()
                    self._sleeps = True
                    await self._wake.wait()
        except RunnerError as fault:
            self._give_up(fault)
            raise
        except asyncio.CancelledError:
            self._give_up(RunnerError("The run was let go before all of it was kept."))
            raise

    def answered(self, request: str) -> None:
        """Close a request in the transaction of the last event so far, which came of it.

        Were the process to die in between, the next owner would do again what was asked once.
        """
        if self._entries:
            self._answered.append((self.seq, request))

    def close(self) -> None:
        """Say that nothing further will be appended."""
        self._closing = True
        self._wake.set()

    def _batch(self) -> Batch:
        taken = [self._entries.popleft() for _ in range(min(BATCH_ENTRIES, len(self._entries)))]
        self._under_way = sum(each[4] for each in taken)
        return Batch(
            run=self._run,
            epoch=self._epoch,
            before=self.durable,
            entries=tuple(each[0] for each in taken),
            chunks=tuple(each[1] for each in taken if each[1] is not None),
            checkpoints=tuple(kept for each in taken for kept in each[2]),
            cache=tuple(each[3] for each in taken if each[3] is not None),
            handled=tuple(self._handled(taken[-1][0].seq)),
            progress=self._progress(),
        )

    def _handled(self, seq: int) -> Iterator[str]:
        while self._answered and self._answered[0][0] <= seq:
            yield self._answered.popleft()[1]

    async def _commit(self, batch: Batch) -> None:
        try:
            await self._store.commit(batch)
        except StorageTrouble:
            await self._outlast(batch)
        self.durable = batch.entries[-1].seq
        self._ahead -= self._under_way
        while self._waiting and self._waiting[0][0] <= self.durable:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
        try:
            self._on_commit(self._run, self.durable)
        except Exception:
            # Whoever listens cannot hurt a run: what was kept stays kept, and is read later.
            logger.exception("Who is told of what is kept of run %s failed.", self._run)

    async def _outlast(self, batch: Batch) -> None:
        """Try again until the storage takes the batch, or it was kept in memory for too long."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._on_stall(None)
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._store.commit(batch)
                break
            except StorageTrouble:
                if clock() - began >= self._kept_seconds:
                    raise
        self._on_stall(clock() - began)

    def _give_up(self, fault: RunnerError) -> None:
        self.fault = fault
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(fault)


def _size_of(checkpoint: TaskCheckpoint | None, chunks: ChunkBatch | None) -> int:
    """Give how many bytes of values and chunks are kept with an event."""
    size = 0
    if checkpoint is not None:
        size += sum(map(bytes_of, checkpoint.outputs.values()))
        if checkpoint.saved is not None:
            size += bytes_of(checkpoint.saved.value)
    if chunks is not None:
        size += sum(map(bytes_of, chunks.items))
    return size
