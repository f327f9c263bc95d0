"""A job queue in memory, whose workers begin and die as a test says."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import TaskAbandoned
from runner.execution.host import Host
from runner.execution.job_body import carry_out
from runner.execution.jobs import Job, JobSpec, Message, News
from runner.execution.places import Places
from runner.execution.queue_place import QueuePlace
from runner.graph.registry import TaskRegistry
from runner.run.status import JobState

POLL = 0.001
QUEUE = {"place": "queue"}


@dataclass(slots=True, kw_only=True)
class Row:
    """A job: what was posted, and what its workers made of it."""

    id: int
    spec: JobSpec
    state: JobState = JobState.WAITING
    epoch: int = 0
    messages: list[Message] = field(default_factory=list)
    outcome: Message | None = None
    decisions: dict[str, str] = field(default_factory=dict)
    worker: asyncio.Task[None] | None = None


class MemoryLine:
    """What one worker says of a job; kept at once."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._epoch = row.epoch

    def say(self, message: Message) -> None:
        """Keep a message, unless another worker has the job."""
        if self._row.epoch == self._epoch:
            self._row.messages.append(message)
            if "decide" in message:
                self._row.decisions[message["decide"]] = message["value"]

    async def room(self) -> None:
        """There always is."""

    async def kept(self) -> None:
        """It always is."""
        await asyncio.sleep(0)


class MemoryJobs:
    """The JobQueue protocol; with `works`, each job is begun as it is posted."""

    def __init__(
        self,
        registry: TaskRegistry,
        host: Host | None = None,
        *,
        works: bool = True,
        identity: str = "",
    ) -> None:
        self.rows: list[Row] = []
        self.posts = 0
        self._registry = registry
        self._host = host or Host()
        self._works = works
        self._identity = identity

    def states(self) -> list[str]:
        """Give the states of all jobs."""
        return [str(row.state) for row in self.rows]

    def host(self, **more: Any) -> Host:
        """Give a host whose runs post here."""
        return Host(places=Places(queue=QueuePlace(self, POLL)), **more)

    async def post(self, spec: JobSpec) -> int:
        """Post, or find what was posted for the same work."""
        self.posts += 1
        for row in self.rows:
            if (row.spec.run, row.spec.path) == (spec.run, spec.path):
                if row.spec.attempt > spec.attempt:
                    raise TaskAbandoned(spec.path, spec.attempt)
                wanted = row.state.is_open or row.state is JobState.DONE
                if wanted and row.spec.fingerprint() == spec.fingerprint():
                    row.spec = spec
                    return row.id
        self.rows.append(Row(id=len(self.rows), spec=spec))
        if self._works:
            self.work(self.rows[-1])
        return self.rows[-1].id

    async def news(self, read: Mapping[int, tuple[int, int]]) -> list[News]:
        """Give what is new, one message at a time."""
        found = [self._news(self.rows[job], *place) for job, place in read.items()]
        return [each for each in found if each is not None]

    def _news(self, row: Row, epoch: int, last: int) -> News | None:
        position = last if epoch == row.epoch else 0
        messages = tuple(row.messages[position : position + 1])
        is_over = not row.state.is_open and position + len(messages) == len(row.messages)
        if not (messages or is_over or epoch != row.epoch or row.state is JobState.WAITING):
            return None
        return News(
            job=row.id,
            epoch=row.epoch,
            state=row.state,
            why="nobody works" if row.state is JobState.WAITING else "",
            messages=messages,
            last=position + len(messages),
            outcome=row.outcome if is_over else None,
        )

    async def cancel(self, job: int, attempt: int) -> None:
        """Stop a job."""
        row = self.rows[job]
        if row.spec.attempt == attempt:
            self.stop(row)
            self._end(row, JobState.CANCELLED, {"cancelled": True})

    async def spoil(self, job: int) -> None:
        """Let nobody take a result."""
        self.stop(self.rows[job])
        self.rows[job].state = JobState.FAILED

    # ── workers ──────────────────────────────────────────────────────────────────────────────

    def work(self, row: Row) -> None:
        """Let a worker begin a job."""
        row.state, row.epoch, row.messages = JobState.RUNNING, row.epoch + 1, []
        row.worker = asyncio.create_task(self._work(row, MemoryLine(row)))

    def die(self, row: Row, *, takes_over: bool = True) -> None:
        """Let a job's worker die; another one takes it over, or it is lost."""
        self.stop(row)
        if takes_over:
            self.work(row)
        else:
            self._end(row, JobState.LOST, {"lost": True})

    def stop(self, row: Row) -> None:
        """End a worker."""
        if row.worker is not None:
            row.worker.cancel()

    async def _work(self, row: Row, line: MemoryLine) -> None:
        job = Job(
            id=row.id,
            epoch=row.epoch,
            run=row.spec.run,
            path=row.spec.path,
            attempt=row.spec.attempt,
            type=row.spec.type,
            version=row.spec.version,
            spec=json.loads(row.spec.to_json()),
            identity=self._identity,
            decisions=dict(row.decisions),
        )
        outcome = await carry_out(job, self._registry, self._host, line)
        self._end(row, JobState.DONE if "outputs" in outcome else JobState.FAILED, outcome)

    def _end(self, row: Row, state: JobState, outcome: Message) -> None:
        row.state, row.outcome = state, outcome
