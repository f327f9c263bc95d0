"""The doorbell: tells every process that a run has changed, and which runs are watched.

It carries no content, because a channel layer may drop what it carries: who hears it looks into
the database, and who does not hear it looks there anyway a little later.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from uuid import uuid4

from channels.layers import get_channel_layer

from workflows.rights_bell import GROUP

logger = logging.getLogger(__name__)

#: How often a process says what it watches. It joins the group again then: the in-memory layer
#: ends a membership after a day, and at once where a message has waited for a minute.
SIGN_OF_LIFE = 10.0
#: For how long what another process watches counts as watched.
WATCHED_FOR = 3 * SIGN_OF_LIFE
#: The least time between two messages: no page looks more often than that.
PAUSE = 0.05
RETRY = 2.0


class Layer(Protocol):
    """What is used of a channel layer."""

    async def new_channel(self) -> str:
        """Give a channel of this process."""

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message."""

    async def group_add(self, group: str, channel: str) -> None:
        """Let the channel hear the group."""

    async def group_discard(self, group: str, channel: str) -> None:
        """Let it hear the group no longer."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Tell all channels of the group."""

    async def flush(self) -> None:
        """Forget all channels, and begin anew."""


class Doorbell:
    """One for each process. All methods are called on the server's loop."""

    def __init__(
        self,
        on_ring: Callable[[str], None],
        watched_here: Callable[[], Iterable[str]],
        on_rights: Callable[[str], None],
    ) -> None:
        """Call `on_ring` with each run that changed elsewhere; `watched_here` gives run ids.

        `on_rights` is called with each person whose rights changed, wherever that was.
        """
        self._on_rights = on_rights
        self._on_ring = on_ring
        self._watched_here = watched_here
        self._sender = uuid4().hex
        self._changed: dict[str, int] = {}
        self._is_due = False
        self._watched_until: dict[str, float] = {}
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._is_away = False

    def ring(self, run_id: str, seq: int) -> None:
        """Tell that a run is at a number; what rings again before it was told is told once."""
        self._changed[run_id] = seq
        self._begin_to_tell()

    def tell_watched(self) -> None:
        """Tell the others what is watched here."""
        self._is_due = True
        self._begin_to_tell()

    def _begin_to_tell(self) -> None:
        self.listen()
        if not _is_alive(self._telling):
            self._telling = asyncio.create_task(self._tell(), name="doorbell tells")

    def listen(self) -> None:
        """Hear the others, from now on."""
        if not _is_alive(self._listening):
            self._listening = asyncio.create_task(self._listen(), name="doorbell listens")

    def is_watched_elsewhere(self, run_id: str) -> bool:
        """Whether another process has lately said that somebody watches the run there."""
        return self._watched_until.get(run_id, 0) > time.monotonic()

    async def stop(self) -> None:
        """Tell and hear no more."""
        tasks = [task for task in (self._telling, self._listening) if _is_alive(task) and task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ── telling ──────────────────────────────────────────────────────────────────────────────

    async def _tell(self) -> None:
        layer = get_channel_layer()
        while layer is not None and (self._changed or self._is_due):
            try:
                await layer.group_send(GROUP, self._message())
            # Each layer has its own kinds of trouble, and a run must feel none of them.
            except Exception as fault:
                self._is_lost(fault)
                return
            self._is_back()
            await asyncio.sleep(PAUSE)

    def _message(self) -> dict[str, Any]:
        message = {"type": "doorbell.rings", "sender": self._sender, "changed": self._changed}
        if self._is_due:
            message["watched"] = list(self._watched_here())
        self._changed, self._is_due = {}, False
        return message

    # ── hearing ──────────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        layer = get_channel_layer()
        while layer is not None:
            try:
                await self._hear(layer)
            except Exception as fault:
                self._is_lost(fault)
                # A channel that could not be subscribed to would be kept for ever.
                await layer.flush()
                await asyncio.sleep(RETRY)

    async def _hear(self, layer: Layer) -> None:
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take_all(layer, channel), name="doorbell hears")
                tasks.create_task(self._stay(layer, channel), name="doorbell stays")
        finally:
            await layer.group_discard(GROUP, channel)

    async def _take_all(self, layer: Layer, channel: str) -> None:
        while True:
            self._take(await layer.receive(channel))

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("sender") == self._sender:
            return
        for person in message.get("people", ()):
            self._on_rights(person)
        until = time.monotonic() + WATCHED_FOR
        for run_id in message.get("watched", ()):
            self._watched_until[run_id] = until
        for run_id in message.get("changed", ()):
            self._on_ring(run_id)

    async def _stay(self, layer: Layer, channel: str) -> None:
        while True:
            self.tell_watched()
            await asyncio.sleep(SIGN_OF_LIFE)
            await layer.group_add(GROUP, channel)
            now = time.monotonic()
            self._watched_until = {
                run: until for run, until in self._watched_until.items() if until > now
            }

    # ── one line when it is lost, one when it is back ────────────────────────────────────────

    def _is_lost(self, fault: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            logger.warning("the channel layer is away, pages follow more slowly: %s", _said(fault))

    def _is_back(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.info("the channel layer is back")


def _is_alive(task: asyncio.Task[None] | None) -> bool:
    """Whether a task is under way on this very loop: each test has a loop of its own."""
    return task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()


def _said(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}".splitlines()[0]
