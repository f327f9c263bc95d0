"""MontyPool: workers of the sandbox pydantic-monty, started at the first use."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, AsyncMontySession, ResourceLimits

WAIT_SECONDS = 30.0


class MontyPool:
    """Worker processes without files, network or clock; who finds none free stands in line.

    `close` ends them, a later use starts them anew. Workers of a process that died end by
    themselves.
    """

    def __init__(self, *, workers: int | None, wait: float, grace: float) -> None:
        """Bound the workers (None: one for each processor), and the seconds one may take to start.

        `grace` is for how many seconds beyond its time a worker may go on before it is killed.
        """
        self._workers = workers or os.cpu_count() or 1
        self._wait = wait
        self._grace = grace
        self._room = asyncio.Semaphore(self._workers)
        self._opening = asyncio.Lock()
        self._pool: AsyncMonty | None = None

    @asynccontextmanager
    async def session(self, limits: "ResourceLimits") -> AsyncIterator["AsyncMontySession"]:
        """Lend a worker that knows nothing of earlier sessions; a cancel kills it.

        Raises ImportError where the package is missing, TimeoutError if no worker starts, and
        what pydantic-monty raises.
        """
        async with self._room:
            pool = await self.open()
            async with pool.checkout(limits=limits, os_policy={"sleep": "zero"}) as session:
                yield session

    async def close(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(None, None, None)

    async def open(self) -> "AsyncMonty":
        """Give the pool, with its workers started."""
        # Loaded at the first use: runs in which nothing is evaluated need none of it.
        from pydantic_monty import AsyncMonty  # noqa: PLC0415

        async with self._opening:
            if self._pool is None:
                pool: Any = AsyncMonty(
                    max_processes=self._workers,
                    checkout_timeout=self._wait,
                    feed_duration_limit_grace=self._grace,
                )
                self._pool = await pool.__aenter__()
            return self._pool
