"""JobTail: one poll for all jobs that a process waits for, however many there are."""

import asyncio
import logging
from collections.abc import AsyncIterator

from runner.errors import StorageTrouble
from runner.execution.jobs import JobQueue, News

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
#: After trouble with the storage.
REST_SECONDS = 1.0


class JobTail:
    """Asks for news of all followed jobs at once; each is asked about again once it was heard."""

    def __init__(self, queue: JobQueue, seconds: float = POLL_SECONDS) -> None:
        self._queue = queue
        self._seconds = seconds
        self._followed: dict[int, _Followed] = {}
        self._polling: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    async def follow(self, job: int) -> AsyncIterator[News]:
        """Give all news of a job, from its first message on."""
        followed = self._followed[job] = _Followed()
        self._came.set()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="news of jobs")
        try:
            while True:
                yield await followed.hear()
        finally:
            if self._followed.get(job) is followed:
                del self._followed[job]

    async def _poll(self) -> None:
        while self._followed:
            self._came.clear()
            pause = await self._turn()
            try:
                await asyncio.wait_for(self._came.wait(), pause)
            except TimeoutError:
                continue

    async def _turn(self) -> float:
        """Ask once; give how long to wait before the next time."""
        read = {job: each.read for job, each in self._followed.items() if each.has_heard}
        try:
            found = await self._queue.news(read) if read else []
        except StorageTrouble as trouble:
            logger.warning("There is no news of jobs at the moment: %s", trouble)
            return REST_SECONDS
        except Exception:
            logger.exception("Looking for news of jobs failed; it is tried again.")
            return REST_SECONDS
        for news in found:
            followed = self._followed.get(news.job)
            if followed is not None:
                followed.tell(news)
        return self._seconds


class _Followed:
    """One job that somebody follows: what was read of it, and what is not heard yet."""

    def __init__(self) -> None:
        self.read = (0, 0)
        self._news: News | None = None
        self._came = asyncio.Event()

    @property
    def has_heard(self) -> bool:
        """Whether who follows it is ready for more: one that lags is not told faster."""
        return self._news is None

    def tell(self, news: News) -> None:
        self._news = news
        self.read = (news.epoch, news.last)
        self._came.set()

    async def hear(self) -> News:
        await self._came.wait()
        news, self._news = self._news, None
        self._came.clear()
        assert news is not None  # noqa: S101 - it came
        return news
