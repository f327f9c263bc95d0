"""What the engine needs kept: the protocol that the memory and the database store fulfil."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from runner.errors import StorageTrouble
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from runner.run.progress import Progress
from runner.run.status import RunStatus

RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with its number in the run's log and its UTC time."""

    seq: int
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkBatch:
    """Consecutive chunks of one port in one attempt: encoded values, numbered from `first`."""

    path: str
    port: str
    attempt: int
    first: int
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A result that other runs of the same `scope` (a team) may take instead of running a task.

    `outputs` are encoded values by port, `streams` the chunks of the streamed ports as they came.
    """

    scope: str
    key: str
    outputs: dict[str, str]
    streams: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All that one run wants kept in one transaction.

    `before` is the number of the last event already kept; with `epoch` it proves that nobody
    else wrote in between. `checkpoints` are new or replace the one of the same path; `cache`
    entries are new or replace the one of the same key; `handled` requests are closed.
    """

    run: str
    epoch: int
    before: int
    entries: tuple[Entry, ...]
    chunks: tuple[ChunkBatch, ...] = ()
    checkpoints: tuple[TaskCheckpoint, ...] = ()
    cache: tuple[CacheEntry, ...] = ()
    handled: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A claimed run, with all that its executor needs to start or to go on.

    `definition` and `inputs` are JSON texts (`inputs` an encoded object of values by port);
    `identity` names the person whose authority the run has, `scope` the team whose cache it
    shares; `running` lists (path, attempt) of tasks that were started and have no result;
    `attempts` the last attempt of each task. `reopened` says that a person let it go on.
    `kept` are results of the `parent` run that this one takes as they are; `workflows` the
    definitions (JSON) that sub-graphs are pinned to, by name; `options` what `plan` is told
    besides (`only`, `until`, `pins`); `types` the signatures that its task types had, by name.
    """

    run: str
    epoch: int
    seq: int
    status: RunStatus
    definition: str
    inputs: str
    identity: str = ""
    scope: str = ""
    checkpoints: tuple[TaskCheckpoint, ...] = ()
    running: tuple[tuple[str, int], ...] = ()
    attempts: dict[str, int] = field(default_factory=dict)
    reopened: bool = False
    parent: str = ""
    kept: tuple[TaskCheckpoint, ...] = ()
    workflows: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for, with its `payload` (a JSON object).

    `kind` is cancel, resume, pause, continue, answer (path, value), decide (path, action: retry,
    complete with outputs, or fail with message; of versions, without a path: take or fail) or renew (credentials changed).
    """

    id: str
    run: str
    kind: str
    actor: str
    payload: Mapping[str, Any] = field(default_factory=dict)


class RunStore(Protocol):
    """Keeps runs, events, chunks and checkpoints; commits are atomic and fenced."""

    async def claim(self, owner: str, limit: int, driven: Collection[str] = ()) -> list[StoredRun]:
        """Take up to `limit` runs that wait for an owner, or whose owner is dead.

        Those of this owner that are not among the `driven` wait too: it never heard that it had
        them, or could not give them up.
        """

    async def commit(self, batch: Batch) -> None:
        """Keep a batch, all or nothing.

        Raises Fenced when the run's epoch or last number is not the batch's, and StorageTrouble
        when the storage cannot take it now.
        """

    async def read_chunks(self, run: str, path: str, port: str, attempt: int) -> list[ChunkBatch]:
        """Give the kept chunks of one port and attempt, in order, without gap."""

    async def read_cache(self, scope: str, key: str) -> CacheEntry | None:
        """Give a kept result; None if there is none."""

    async def requests(self, runs: Collection[str]) -> list[Request]:
        """Give the open requests for these runs, oldest first."""

    async def mark_handled(self, request: str) -> None:
        """Close a request."""

    async def renew(self, owner: str, runs: Collection[str]) -> set[str]:
        """Prolong the lease of these runs; give those that are still the owner's."""

    async def release(self, owner: str, runs: Collection[str], epoch: int | None = None) -> None:
        """Give up runs so that the next claim may take them at once.

        With an `epoch`, only what was claimed then: a late release gives up no later claim.
        """

    async def quarantine(self, run: str, epoch: int, reason: str) -> None:
        """Set a run aside that cannot be planned or read; a person must look at it."""


async def patiently[T](read: Callable[[], Awaitable[T]]) -> T:
    """Read, as often as it takes while the storage is in trouble."""
    while True:
        try:
            return await read()
        except StorageTrouble:
            await asyncio.sleep(RETRY_SECONDS)
