"""A thread with a database connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from workflows.trouble import patiently


class DatabaseThread:
    """Does one thing after the other, and bears with a database that is busy for a while."""

    def __init__(self, name: str, patience: float) -> None:
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, name)

    async def do[T](self, act: Callable[[], T]) -> T:
        """Do it there and give its result; raises StorageTrouble when it cannot be done now."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, patiently, self._patience, act)

    def begin(self, act: Callable[[], None]) -> None:
        """Let it do something of which nobody waits for the end."""
        self._thread.submit(act)

    async def close(self) -> None:
        """Finish what is under way, and let go of the connection and of the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _close)
        self._thread.shutdown()


def _close() -> None:
    """Close the connection of the thread that calls it; the proxy knows which that is."""
    connection.close()
