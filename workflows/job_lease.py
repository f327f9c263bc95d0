"""JobLease: says that a worker lives, from a thread and a connection of its own."""

import asyncio
import logging
import time
from functools import partial

from django.conf import settings

from runner.errors import StorageTrouble
from workflows.database_thread import DatabaseThread
from workflows.job_claims import sign_of_life

logger = logging.getLogger(__name__)

BEATS_A_LEASE = 5


class JobLease:
    """Renews as long as the worker's loop ticks: one that stands still loses its jobs."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._thread = DatabaseThread("job-lease", settings.JOB_LEASE_SECONDS)
        self._ticked = time.monotonic()
        self._beating: asyncio.Task[None] | None = None

    def ticked(self) -> None:
        """Take note that the loop goes on."""
        self._ticked = time.monotonic()

    def start(self) -> None:
        """Begin to renew."""
        self._beating = asyncio.create_task(self._beat(), name="lease of jobs")

    async def stop(self) -> None:
        """Renew no more."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        await self._thread.close()

    async def _beat(self) -> None:
        seconds = settings.JOB_LEASE_SECONDS / BEATS_A_LEASE
        while True:
            await asyncio.sleep(seconds)
            if time.monotonic() - self._ticked > settings.JOB_LEASE_SECONDS / 2:
                continue
            try:
                await self._thread.do(partial(sign_of_life, self._worker))
            except StorageTrouble as trouble:
                logger.warning("A sign of life cannot be kept: %s", trouble)
