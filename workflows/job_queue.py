"""DatabaseJobs: the engine's job queue in the database, as the owners of runs use it."""

import time
from collections.abc import Mapping
from functools import partial

from django.db.models import Q

from runner.execution.jobs import JobSpec, News
from workflows.database_thread import DatabaseThread
from workflows.job_doorbell import ring
from workflows.job_news import news_of
from workflows.job_posts import post_job, spoil_job, stop_jobs
from workflows.job_reasons import Reasons

PATIENCE = 30.0
#: How often it is looked at anew why jobs wait.
REASONS_SECONDS = 1.0


class DatabaseJobs:
    """The JobQueue protocol over Django's models, with a thread and a connection of its own."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._thread = DatabaseThread("jobs", patience)
        self._reasons = Reasons()
        self._looked = 0.0

    async def post(self, spec: JobSpec) -> int:
        """Post a job, or find the one that an earlier attempt had posted; give its id."""
        job = await self._thread.do(partial(post_job, spec))
        await self._thread.do(partial(ring, job))
        return job

    async def news(self, read: Mapping[int, tuple[int, int]]) -> list[News]:
        """Give what is new of jobs."""
        if time.monotonic() - self._looked >= REASONS_SECONDS:
            self._reasons, self._looked = Reasons(), time.monotonic()
        return await self._thread.do(partial(news_of, read, self._reasons))

    async def cancel(self, job: int, attempt: int) -> None:
        """Stop a job, if it is still that attempt's."""
        await self._thread.do(partial(stop_jobs, Q(pk=job, attempt=attempt)))

    async def spoil(self, job: int) -> None:
        """Let nobody take the result of a job: it was refused."""
        await self._thread.do(partial(spoil_job, job))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._thread.close()
