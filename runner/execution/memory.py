"""MemoryStore: keeps runs in memory, for the console, for scripts and for tests."""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import Fenced
from runner.execution.store import Batch, CacheEntry, ChunkBatch, Entry, Request, StoredRun
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from runner.run.progress import Progress
from runner.run.status import RESUMABLE, RunStatus

STATUS_OF: dict[type[Event], RunStatus] = {
    happened.RunStarted: RunStatus.RUNNING,
    happened.RunResumed: RunStatus.RUNNING,
    happened.RunInterrupted: RunStatus.INTERRUPTED,
    happened.RunCancelling: RunStatus.CANCELLING,
    happened.RunPaused: RunStatus.PAUSED,
    happened.RunContinued: RunStatus.RUNNING,
    happened.RunAwaiting: RunStatus.AWAITING,
    happened.RunWoke: RunStatus.RUNNING,
    happened.RunCompleted: RunStatus.COMPLETED,
    happened.RunFailed: RunStatus.FAILED,
    happened.RunCancelled: RunStatus.CANCELLED,
}
CLAIMABLE = frozenset(
    {
        RunStatus.QUEUED,
        RunStatus.RUNNING,
        RunStatus.INTERRUPTED,
        RunStatus.CANCELLING,
        RunStatus.PAUSED,
        RunStatus.AWAITING,
    }
)
#: Events after which a task is no longer under way.
TASK_RESTS = frozenset(
    {
        happened.TaskCompleted,
        happened.TaskCached,
        happened.TaskRetrying,
        happened.TaskDropped,
        happened.TaskFailed,
        happened.TaskCancelled,
        happened.TaskUpstreamFailed,
        happened.TaskInterrupted,
        happened.TaskSkipped,
    }
)


@dataclass(slots=True)
class MemoryRun:
    """All that is kept of one run."""

    id: str
    definition: str
    inputs: str
    identity: str = ""
    scope: str = ""
    owner: str = ""
    epoch: int = 0
    seq: int = 0
    status: RunStatus = RunStatus.QUEUED
    entries: list[Entry] = field(default_factory=list)
    chunks: list[ChunkBatch] = field(default_factory=list)
    checkpoints: dict[str, TaskCheckpoint] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    reopened: bool = False
    parent: str = ""
    kept: tuple[TaskCheckpoint, ...] = ()
    workflows: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    problem: str = ""

    def stored(self) -> StoredRun:
        """Give what an executor needs to go on."""
        return StoredRun(
            run=self.id,
            epoch=self.epoch,
            seq=self.seq,
            status=self.status,
            definition=self.definition,
            inputs=self.inputs,
            identity=self.identity,
            checkpoints=tuple(self.checkpoints.values()),
            running=tuple(self.running.items()),
            attempts=dict(self.attempts),
            scope=self.scope,
            reopened=self.reopened,
            parent=self.parent,
            kept=self.kept,
            workflows=self.workflows,
            options=self.options,
            types=self.types,
            progress=self.progress,
        )

    def keep(self, entry: Entry) -> None:
        """Take one event into the log and into what is derived from it."""
        self.entries.append(entry)
        self.seq = entry.seq
        event = entry.event
        kind = type(event)
        if kind in TASK_RESTS:
            self.running.pop(event.path, None)  # type: ignore[attr-defined] # of a task
            if isinstance(event, happened.TaskDropped):
                self._forget_inside(event.path)
        elif isinstance(event, happened.TaskStarted | happened.TaskAwaiting):
            self.running[event.path] = event.attempt
            self.attempts[event.path] = event.attempt
        elif isinstance(event, happened.RunResumed):
            self.status = RunStatus(event.status)
        elif isinstance(event, happened.VersionsTaken):
            self.types = event.types
        else:
            self.status = STATUS_OF.get(kind, self.status)
        if isinstance(event, happened.RunAwaiting):
            self.reason = event.reason

    def _forget_inside(self, path: str) -> None:
        """What a control had unfolded into is gone; its attempts have chunks, and count on."""
        inside = (f"{path}[", f"{path}/")
        self.running = {p: n for p, n in self.running.items() if not p.startswith(inside)}


class MemoryStore:
    """The RunStore protocol over dictionaries."""

    def __init__(self) -> None:
        self.runs: dict[str, MemoryRun] = {}
        self.cache: dict[tuple[str, str], CacheEntry] = {}
        self._requests: dict[str, Request] = {}
        self._ids = itertools.count(1)

    def submit(self, definition: str, inputs: str, identity: str = "", **more: Any) -> str:
        """Queue a run of a definition (JSON) with encoded inputs; give its id.

        `more` are further fields of `MemoryRun`: scope, parent, kept, workflows, options.
        """
        run = f"run-{next(self._ids)}"
        self.runs[run] = MemoryRun(run, definition, inputs, identity, **more)
        return run

    def ask(
        self, run: str, kind: str, actor: str = "", payload: Mapping[str, Any] | None = None
    ) -> None:
        """Keep what a person asks for; the kinds are those of `Request`."""
        request = f"request-{next(self._ids)}"
        self._requests[request] = Request(
            id=request, run=run, kind=kind, actor=actor, payload=payload or {}
        )

    async def claim(self, owner: str, limit: int, driven: Collection[str] = ()) -> list[StoredRun]:
        """Take runs that wait for an owner."""
        self._reopen()
        free = [
            each
            for each in self.runs.values()
            if each.status in CLAIMABLE
            and not self._awaits_a_person(each)
            and (not each.owner or (each.owner == owner and each.id not in driven))
        ]
        return [self.take(run.id, owner) for run in free[:limit]]

    def _awaits_a_person(self, run: MemoryRun) -> bool:
        """Whether only a person's decision about versions lets it go on."""
        awaits = run.status is RunStatus.AWAITING and run.reason == "version"
        return awaits and not any(each.run == run.id for each in self._requests.values())

    def take(self, run: str, owner: str) -> StoredRun:
        """Give one run to an owner."""
        taken = self.runs[run]
        taken.owner = owner
        taken.epoch += 1
        stored = taken.stored()
        taken.reopened = False
        return stored

    def _reopen(self) -> None:
        for request in list(self._requests.values()):
            run = self.runs[request.run]
            if request.kind == "resume":
                del self._requests[request.id]
                if run.status in RESUMABLE:
                    self._forget_before(request)
                    run.status = RunStatus.INTERRUPTED
                    run.reopened = True
                    for path, kept in run.checkpoints.items():
                        run.checkpoints[path] = kept.reopened()

    def _forget_before(self, resume: Request) -> None:
        """What was asked of a run before its end is not asked of it when it goes on."""
        for request in list(self._requests.values()):
            if request.run == resume.run and _number(request) < _number(resume):
                del self._requests[request.id]

    async def commit(self, batch: Batch) -> None:
        """Keep a batch, or raise Fenced."""
        run = self.runs[batch.run]
        if (run.epoch, run.seq) != (batch.epoch, batch.before):
            raise Fenced(batch.run)
        for entry in batch.entries:
            run.keep(entry)
        run.chunks.extend(batch.chunks)
        run.checkpoints.update((kept.path, kept) for kept in batch.checkpoints)
        self.cache.update(((each.scope, each.key), each) for each in batch.cache)
        for request in batch.handled:
            self._requests.pop(request, None)
        run.progress = batch.progress
        if run.status.is_over:
            run.owner = ""

    async def read_chunks(self, run: str, path: str, port: str, attempt: int) -> list[ChunkBatch]:
        """Give the kept chunks of one port and attempt."""
        key = (path, port, attempt)
        return [
            each for each in self.runs[run].chunks if (each.path, each.port, each.attempt) == key
        ]

    async def read_cache(self, scope: str, key: str) -> CacheEntry | None:
        """Give a kept result."""
        return self.cache.get((scope, key))

    async def requests(self, runs: Collection[str]) -> list[Request]:
        """Give the open requests for these runs."""
        return [each for each in self._requests.values() if each.run in runs]

    async def mark_handled(self, request: str) -> None:
        """Close a request."""
        self._requests.pop(request, None)

    async def renew(self, owner: str, runs: Collection[str]) -> set[str]:
        """Give those of the runs that are still the owner's."""
        return {each for each in runs if self.runs[each].owner == owner}

    async def release(self, owner: str, runs: Collection[str], epoch: int | None = None) -> None:
        """Give up runs."""
        for each in runs:
            run = self.runs[each]
            if run.owner == owner and epoch in {None, run.epoch}:
                run.owner = ""

    async def quarantine(self, run: str, epoch: int, reason: str) -> None:
        """Set a run aside."""
        kept = self.runs[run]
        if kept.epoch == epoch:
            kept.status = RunStatus.QUARANTINED
            kept.problem = reason


def _number(request: Request) -> int:
    return int(request.id.removeprefix("request-"))
