"""Heartbeat: prolongs the leases of this process's runs, and waits for nothing else.

A beat begins on the event loop, so a loop that stands still prolongs nothing; what the store does
for it then has a thread and a connection of its own.
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from runner.errors import StorageTrouble
from runner.execution.store import RunStore

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0


class Heartbeat:
    """Beats for the runs that `runs` names; `on_loss` hears of each that is another owner's."""

    def __init__(
        self,
        store: RunStore,
        owner: str,
        runs: Callable[[], Collection[str]],
        on_loss: Callable[[str], None],
        *,
        seconds: float = BEAT_SECONDS,
    ) -> None:
        self._store = store
        self._owner = owner
        self._runs = runs
        self._on_loss = on_loss
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat; call it on the running event loop."""
        self._task = asyncio.create_task(self._go_on(), name="heartbeat")

    async def stop(self) -> None:
        """Beat no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            # One that was held up is not made up for.
            due = max(due, loop.time()) + self._seconds
            try:
                await self._beat()
            except StorageTrouble as trouble:
                logger.warning("The storage did not let a lease be prolonged: %s", trouble)
            except Exception:
                logger.exception("A heartbeat failed; the next one comes.")

    async def _beat(self) -> None:
        asked = set(self._runs())
        if not asked:
            return
        mine = await self._store.renew(self._owner, asked)
        # One that has ended meanwhile is nobody's any more, and is being given up.
        for run in (asked - mine) & set(self._runs()):
            self._on_loss(run)
