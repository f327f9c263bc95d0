"""What a worker's jobs say, on its way into the database: one transaction for all of them."""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from runner.errors import StorageTrouble
from runner.execution.jobs import Job as Carried
from runner.execution.jobs import Message
from runner.run.status import JobState
from workflows.database_thread import DatabaseThread
from workflows.job_claims import end_job
from workflows.models import Job, JobEvent

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
REST_SECONDS = 1.0
#: From so many messages on that are not kept, a body that says more waits.
MOST_WAITING = 500
#: How many chunks one message holds at most.
CHUNKS_A_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one job said since the last time: messages from number `first` on, and its end."""

    job: int
    epoch: int
    first: int
    messages: tuple[Message, ...] = ()
    state: JobState | None = None
    outcome: str = ""


class JobLines:
    """Writes what all jobs of a worker say, every 50 ms, or at once for who waits."""

    def __init__(self, patience: float) -> None:
        self._thread = DatabaseThread("job-lines", patience)
        self._dirty: dict[int, Line] = {}
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def line(self, job: Carried) -> "Line":
        """Give the line of a job."""
        return Line(job, self)

    def take(self, line: "Line", *, now: bool) -> None:
        """Take note that a line has something to say."""
        self._dirty[line.job.id] = line
        if now:
            self._hurry.set()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="what jobs say")

    async def close(self) -> None:
        """Wait until all is kept, and let go of the connection."""
        self._hurry.set()
        if self._writing is not None:
            await self._writing
        await self._thread.close()

    async def _write(self) -> None:
        while self._dirty:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), PAUSE_SECONDS)
            self._hurry.clear()
            lines, self._dirty = list(self._dirty.values()), {}
            said = [line.hand_out() for line in lines]
            lost = await self._keep(said)
            for line in lines:
                line.settle(is_lost=line.job.id in lost)

    async def _keep(self, said: Sequence[Said]) -> set[int]:
        """Keep it, however long that takes; give the jobs that are another's by now."""
        while True:
            try:
                return await self._thread.do(partial(keep_said, said))
            except StorageTrouble as trouble:
                logger.warning("What jobs say cannot be kept at the moment: %s", trouble)
                await asyncio.sleep(REST_SECONDS)


class Line:
    """What one job says: the JobLine of its desk."""

    def __init__(self, job: Carried, lines: JobLines) -> None:
        self.job = job
        self.is_lost = False
        self._lines = lines
        self._messages: list[Message] = []
        self._first = 1
        self._end: tuple[JobState, str] | None = None
        self._kept = asyncio.Event()
        self._kept.set()

    def say(self, message: Message) -> None:
        """Take a message; chunks of a port that follow one another are one."""
        last = self._messages[-1] if self._messages else {}
        if "progress" in message and "progress" in last:
            self._messages[-1] = message
        elif _goes_on(last, message):
            last["chunks"] += message["chunks"]
        else:
            self._messages.append(message)
        self._kept.clear()
        self._lines.take(self, now=False)

    async def room(self) -> None:
        """Wait while too much is not kept yet."""
        if len(self._messages) >= MOST_WAITING:
            await self.kept()

    async def kept(self) -> None:
        """Wait until all that was said is kept."""
        while not self._kept.is_set():
            self._lines.take(self, now=True)
            await self._kept.wait()

    async def end(self, state: JobState, outcome: str) -> None:
        """Say how the job ended, and wait until that is kept."""
        self._end = (state, outcome)
        self._kept.clear()
        await self.kept()

    def hand_out(self) -> Said:
        """Give what is not kept yet."""
        messages, self._messages = tuple(self._messages), []
        first, self._first = self._first, self._first + len(messages)
        state, outcome = self._end or (None, "")
        return Said(
            job=self.job.id,
            epoch=self.job.epoch,
            first=first,
            messages=messages,
            state=state,
            outcome=outcome,
        )

    def settle(self, *, is_lost: bool) -> None:
        """Hear that what was handed out is kept, or that the job is another's."""
        self.is_lost = self.is_lost or is_lost
        if not self._messages or self.is_lost:
            self._kept.set()


def _goes_on(last: Message, message: Message) -> bool:
    if "chunks" not in message or last.get("port") != message["port"]:
        return False
    return len(last["chunks"]) < CHUNKS_A_MESSAGE


def keep_said(said: Iterable[Said]) -> set[int]:
    """Keep what jobs said; give those that are another worker's by now, of which nothing is kept."""
    with transaction.atomic():
        return {each.job for each in said if not _keep(each)}


def _keep(said: Said) -> bool:
    if said.messages:
        last = said.first + len(said.messages) - 1
        own = Job.objects.filter(pk=said.job, epoch=said.epoch, state=JobState.RUNNING)
        if not own.update(said=last):
            return _is_ended(said)
        JobEvent.objects.bulk_create(
            [
                JobEvent(
                    job_id=said.job,
                    epoch=said.epoch,
                    n=said.first + place,
                    kind=kind_of(message),
                    message=json.dumps(message),
                )
                for place, message in enumerate(said.messages)
            ],
            # Told twice, where the first time was in doubt.
            ignore_conflicts=True,
        )
    return said.state is None or end_job(said.job, said.epoch, said.state, said.outcome)


def _is_ended(said: Said) -> bool:
    """Whether it was all kept before, when that was in doubt."""
    own = Job.objects.filter(pk=said.job, epoch=said.epoch)
    return said.state is not None and own.filter(state=said.state).exists()


def kind_of(message: Message) -> str:
    """Name a message by what it says."""
    return next(kind for kind in KINDS if kind in message)


#: The keys that tell messages apart.
KINDS = ("chunks", "close", "progress", "log", "state", "resume", "decide")
