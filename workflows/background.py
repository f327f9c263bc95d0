"""This process's one BackgroundRunner: put together here, started and stopped by asgi.py."""

import asyncio
import logging
from functools import partial

from django.conf import settings

from runner.errors import RunnerError

logger = logging.getLogger(__name__)

RENEWALS_A_LEASE = 6
PATIENCE = 30.0
#: How often to look whether a day has passed; the first look leaves a start alone.
LOOK_SECONDS = 600.0
#: How often to look for schedules that are due: a minute is the least that they can tell apart.
TICK_SECONDS = 1.0
#: How often to look whether something waits that nobody was told of.
MAIL_SECONDS = 5.0


class RunnerOfThisProcess:
    """The runner, its store and the loop both live on; a process without a server has none."""

    def __init__(self) -> None:
        # Loaded here: pages and commands only wake, and need neither the tasks nor the engine.
        from runner.execution.background import BackgroundRunner  # noqa: PLC0415
        from runner.execution.host import Host  # noqa: PLC0415
        from runner.execution.places import Places  # noqa: PLC0415
        from runner.execution.queue_place import QueuePlace  # noqa: PLC0415
        from runner.execution.slots import Slots  # noqa: PLC0415
        from runner.graph.registry import default_registry  # noqa: PLC0415
        from workflows import live, reminding  # noqa: PLC0415
        from workflows.credentials import DatabaseCredentials  # noqa: PLC0415
        from workflows.hosting import lent  # noqa: PLC0415
        from workflows.job_queue import DatabaseJobs  # noqa: PLC0415
        from workflows.owners import new_owner  # noqa: PLC0415
        from workflows.store import DatabaseStore  # noqa: PLC0415

        self._store = DatabaseStore()
        self._credentials = DatabaseCredentials()
        self._jobs = DatabaseJobs()
        self._loop = asyncio.get_running_loop()
        self._runner = BackgroundRunner(
            self._store,
            default_registry(),
            new_owner(),
            host=Host(
                places=Places(queue=QueuePlace(self._jobs)),
                credentials=self._credentials,
                slots=Slots(settings.TASK_LIMITS),
                on_commit=live.publish,
                on_stall=live.stall,
                is_watched=live.is_watched,
                ahead_bytes=settings.AHEAD_LIMIT,
                **lent(),
            ),
            renew_seconds=settings.LEASE_SECONDS / RENEWALS_A_LEASE,
        )
        self._runner.start()
        self._upkeep = [self._loop.create_task(_keep_up(), name="daily upkeep")]
        self._upkeep.append(self._loop.create_task(_tick(), name="schedules"))
        if reminding.is_on():
            self._upkeep.append(self._loop.create_task(_tell_people(), name="reminding"))
        logger.info("background runner %s started", self._runner.owner)

    def wake(self) -> None:
        """Make the runner look for work now; any thread may call it."""
        self._loop.call_soon_threadsafe(self._runner.wake)

    async def stop(self) -> None:
        """Checkpoint and give up the runs under way, then let go of the store."""
        for each in self._upkeep:
            each.cancel()
        await self._runner.stop()
        await self._store.close()
        await self._credentials.close()
        await self._jobs.close()
        logger.info("background runner %s stopped", self._runner.owner)


async def _keep_up() -> None:
    """Remove once a day what is old; the first of all processes that looks does it."""
    from workflows.database_thread import DatabaseThread  # noqa: PLC0415
    from workflows.retention import prune_daily  # noqa: PLC0415

    thread = DatabaseThread("upkeep", PATIENCE)
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                removed = await thread.do(prune_daily)
            except RunnerError as trouble:
                logger.warning("nothing was removed: %s", trouble)
            else:
                if removed is not None:
                    logger.info("removed %s", removed)
    finally:
        await asyncio.shield(thread.close())


async def _tick() -> None:
    """Start what schedules say; each time is taken by the first of all processes that looks."""
    from workflows.database_thread import DatabaseThread  # noqa: PLC0415
    from workflows.ticking import start_due  # noqa: PLC0415

    thread = DatabaseThread("schedules", PATIENCE)
    try:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await thread.do(start_due)
            except RunnerError as trouble:
                logger.warning("schedules wait: %s", trouble)
    finally:
        await asyncio.shield(thread.close())


async def _tell_people() -> None:
    """Tell people by mail of what waits for them; the first of all processes that looks does it."""
    from workflows.database_thread import DatabaseThread  # noqa: PLC0415
    from workflows.reminding import Key, tell_of_new  # noqa: PLC0415

    thread = DatabaseThread("reminding", PATIENCE)
    known: frozenset[Key] = frozenset()
    try:
        while True:
            await asyncio.sleep(MAIL_SECONDS)
            try:
                known = await thread.do(partial(tell_of_new, known))
            except RunnerError as trouble:
                logger.warning("nobody was told by mail: %s", trouble)
    finally:
        await asyncio.shield(thread.close())


_running: list[RunnerOfThisProcess] = []


async def start() -> None:
    """Start the runner on the running event loop, once."""
    if not _running:
        _running.append(RunnerOfThisProcess())


async def stop() -> None:
    """Stop the runner, if there is one."""
    while _running:
        await _running.pop().stop()


def is_running() -> bool:
    """Whether a runner of this process drives runs."""
    return bool(_running)


def wake() -> None:
    """Make the runner look for work now, if it lives here; its poll finds the work anyway."""
    for each in _running:
        each.wake()
