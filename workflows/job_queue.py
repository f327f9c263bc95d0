"""DatabaseJobs: the engine's job queue in the database, as the owners of runs use it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from django.db import IntegrityError
from django.db.models import Q

from runner.errors import RunnerError
from runner.execution.jobs import JobSpec, News
from workflows.database_thread import DatabaseThread
from workflows.job_claims import keep_house
from workflows.job_doorbell import ring
from workflows.job_news import news_of
from workflows.job_posts import post_jobs, spoil_job, stop_jobs
from workflows.job_reasons import Reasons

PATIENCE = 30.0
#: How often it is looked at anew why jobs wait.
REASONS_SECONDS = 1.0
#: So that no transaction holds the database for long.
POSTS_AT_ONCE = 100

#: A job to post, and who waits for its id.
type Waiting = tuple[JobSpec, asyncio.Future[int]]


class DatabaseJobs:
    """The JobQueue protocol over Django's models; it writes and reads in threads of its own.

    All that is to be posted while a transaction is under way shares the next one.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._thread = DatabaseThread("jobs", patience)
        self._reader = DatabaseThread("job-news", patience)
        self._reasons = Reasons()
        self._looked = 0.0
        self._waiting: list[Waiting] = []
        self._posting: asyncio.Task[None] | None = None

    async def post(self, spec: JobSpec) -> int:
        """Post a job, or find the one that an earlier attempt had posted; give its id."""
        posted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((spec, posted))
        if self._posting is None or self._posting.done():
            self._posting = asyncio.create_task(self._post_all(), name="post jobs")
        return await posted

    async def news(self, read: Mapping[int, tuple[int, int]]) -> list[News]:
        """Give what is new of jobs."""
        if time.monotonic() - self._looked >= REASONS_SECONDS:
            self._reasons, self._looked = Reasons(), time.monotonic()
            # Without any runner nobody else ends what is past its deadline.
            await self._thread.do(keep_house)
        return await self._reader.do(partial(news_of, read, self._reasons))

    async def cancel(self, job: int, attempt: int) -> None:
        """Stop a job, if it is still that attempt's."""
        await self._thread.do(partial(stop_jobs, Q(pk=job, attempt=attempt)))

    async def spoil(self, job: int) -> None:
        """Let nobody take the result of a job: it was refused."""
        await self._thread.do(partial(spoil_job, job))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._thread.close()
        await self._reader.close()

    async def _post_all(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:POSTS_AT_ONCE], self._waiting[POSTS_AT_ONCE:]
            specs = [spec for spec, _ in taken]
            found: Sequence[int | Exception]
            try:
                found = await self._thread.do(partial(_post_and_ring, specs))
            except Exception as trouble:
                # Whatever it is, those who wait must hear of it.
                found = [trouble] * len(taken)
            for (_, posted), each in zip(taken, found, strict=True):
                _settle(posted, each)


def _post_and_ring(specs: Sequence[JobSpec]) -> Sequence[int | RunnerError]:
    try:
        found = post_jobs(specs)
    except IntegrityError:
        # A late owner posted the same attempt in the same moment: now it is found.
        found = post_jobs(specs)
    for each in found:
        if isinstance(each, int):
            ring(each)
    return found


def _settle(posted: asyncio.Future[int], found: int | Exception) -> None:
    if posted.done():
        return
    if isinstance(found, Exception):
        posted.set_exception(found)
    else:
        posted.set_result(found)
