"""JobWorker: the loop of a job queue runner: claims jobs, carries them out, hears what to stop."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.conf import settings

from runner.errors import RunnerError, StorageTrouble
from runner.execution.host import Host
from runner.execution.job_body import carry_out, failure_of, knows
from runner.execution.jobs import Job, Message
from runner.graph.registry import TaskRegistry
from runner.run.status import JobState
from workflows.database_thread import DatabaseThread
from workflows.job_claims import (
    ALONE_FROM,
    CANCELLED,
    Claiming,
    begin_worker,
    claim_jobs,
    end_worker,
    is_waiting,
    keep_house,
    release_jobs,
    stopped_jobs,
)
from workflows.job_lease import JobLease
from workflows.job_lines import JobLines, Line
from workflows.large_values import put_aside
from workflows.owners import OwnerLocks

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
HOUSE_SECONDS = 1.0
STUCK_SECONDS = 10.0
GRACE_SECONDS = 10.0
PATIENCE = 30.0
CANCEL, STOP, LOST = "cancel", "stop", "lost"


class JobWorker:
    """One process's loop over jobs, up to `room` of them at the same time."""

    def __init__(self, name: str, room: int, registry: TaskRegistry, host: Host) -> None:
        self.name = name
        self._room = room
        self._registry = registry
        self._host = host
        self._locks = OwnerLocks(settings.DATA_DIR / "workers")
        self._thread = DatabaseThread("jobs", PATIENCE)
        self._lines = JobLines(PATIENCE)
        self._lease = JobLease(name)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._reasons: dict[int, str] = {}
        self._alone: set[int] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._house_at = 0.0

    def stop(self) -> None:
        """Claim nothing further, and end when what is under way has, or after a grace."""
        self._stopping.set()
        self._wake.set()

    async def run(self, until_begun: int | None = None) -> None:
        """Carry out jobs until told to stop, or until a job waits no longer and none is left here."""
        self._locks.hold(self.name)
        await self._patiently(partial(begin_worker, self.name, socket.gethostname(), self._room))
        self._lease.start()
        try:
            while not self._stopping.is_set():
                await self._turn()
                if until_begun is not None and not self._under_way:
                    await self._patiently(partial(self._stop_unless_waiting, until_begun))
                await self._pause()
            await self._wind_up()
        finally:
            await self._lease.stop()
            await self._patiently(partial(end_worker, self.name))
            await self._thread.close()
            self._locks.free()

    def _stop_unless_waiting(self, job: int) -> None:
        if not is_waiting(job):
            self._stopping.set()

    async def _patiently(self, act: Callable[[], None]) -> None:
        while True:
            try:
                return await self._thread.do(act)
            except StorageTrouble as trouble:
                logger.warning("The database gives no jobs at the moment: %s", trouble)
                await asyncio.sleep(HOUSE_SECONDS)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        self._wake.clear()

    # ── one look at the queue ────────────────────────────────────────────────────────────────

    async def _turn(self) -> None:
        self._lease.ticked()
        try:
            await self._keep_house()
            await self._hear_what_stops()
            await self._claim()
        except StorageTrouble as trouble:
            logger.warning("The database gives no jobs at the moment: %s", trouble)
        except Exception:
            logger.exception("Looking for jobs failed; it is tried again.")

    async def _keep_house(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._house_at:
            self._house_at = now + HOUSE_SECONDS
            await self._thread.do(keep_house)

    async def _hear_what_stops(self) -> None:
        if not self._under_way:
            return
        driven = tuple(self._under_way)
        stopped, lost = await self._thread.do(partial(stopped_jobs, self.name, driven))
        for job in stopped:
            self._end_body(job, CANCEL)
        for job in lost:
            self._end_body(job, LOST)

    async def _claim(self) -> None:
        room = 0 if self._alone else self._room - len(self._under_way)
        claiming = Claiming(
            worker=self.name,
            room=room,
            locks=self._locks,
            knows=partial(knows, self._registry),
            driven=tuple(self._under_way),
        )
        for job in await self._thread.do(partial(claim_jobs, claiming)):
            self._begin(job)

    # ── bodies ───────────────────────────────────────────────────────────────────────────────

    def _begin(self, job: Job) -> None:
        if job.deaths >= ALONE_FROM:
            self._alone.add(job.id)
        line = self._lines.line(job)
        name = f"job {job.id}: {job.path}"
        self._under_way[job.id] = asyncio.create_task(self._carry_out(job, line), name=name)

    async def _carry_out(self, job: Job, line: Line) -> None:
        try:
            outcome = await carry_out(job, self._registry, self._host, line)
            await self._end(job, line, outcome)
        except asyncio.CancelledError:
            await self._stopped(job, line)
        except Exception:
            logger.exception("Job %s could not be carried out.", job.id)
        finally:
            self._under_way.pop(job.id, None)
            self._reasons.pop(job.id, None)
            self._alone.discard(job.id)
            self._wake.set()

    async def _stopped(self, job: Job, line: Line) -> None:
        """End a job that was to stop; one that ended with the process or is another's stays."""
        reason = self._reasons.get(job.id)
        if reason == CANCEL:
            await line.end(JobState.CANCELLED, CANCELLED)
        elif reason is None:
            fault = RunnerError("The task's body was cancelled from inside.")
            await line.end(JobState.FAILED, json.dumps(failure_of(fault)))

    async def _end(self, job: Job, line: Line, outcome: Message) -> None:
        state = JobState.DONE if "outputs" in outcome else JobState.FAILED
        text = await asyncio.to_thread(put_aside, job.scope, json.dumps(outcome))
        await line.end(state, text)

    def _end_body(self, job: int, reason: str) -> None:
        """Stop a body; one that ignores it is given up after a while."""
        body = self._under_way.get(job)
        if body is None or job in self._reasons:
            return
        self._reasons[job] = reason
        body.cancel()
        asyncio.get_running_loop().call_later(STUCK_SECONDS, self._insist, job, body)

    def _insist(self, job: int, body: asyncio.Task[None]) -> None:
        if self._under_way.get(job) is body:
            logger.warning("Job %s ignores that it was stopped, and is given up.", job)
            body.cancel()

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    async def _wind_up(self) -> None:
        """Let what is under way end; give up what does not, for another worker to begin again."""
        await self._outlast(GRACE_SECONDS)
        left = tuple(self._under_way)
        for job in left:
            self._end_body(job, STOP)
        await self._outlast(1.0)
        await self._lines.close()
        await self._patiently(partial(release_jobs, self.name, left))

    async def _outlast(self, seconds: float) -> None:
        """Wait for all bodies; what is to stop still does."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._under_way and loop.time() < until:
            self._lease.ticked()
            await asyncio.wait(self._under_way.values(), timeout=POLL_SECONDS)
