"""Looks: a socket that has itself looked at again as soon as its person's rights change."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import DatabaseError

from workflows import open_sockets
from workflows.live import NOT_FOUND


def person_in(scope: Any) -> str:
    """Name who opened a socket, by key; empty for nobody who is signed in."""
    return str(getattr(scope.get("user"), "pk", None) or "")


class Looks:
    """What one open socket does when it is told to look again: it closes, or goes on."""

    def __init__(
        self,
        socket: Any,
        may_stay: Callable[[], Awaitable[bool]],
        sending: asyncio.Task[None],
        *,
        who: str,
    ) -> None:
        """Look by `may_stay` when the rights of `who` change.

        `sending` is what keeps the socket busy, and ends before it closes.
        """
        self._socket = socket
        self._sending = sending
        self._may_stay = may_stay
        self._person = who
        self._looking: asyncio.Task[None] | None = None
        self._again = False

    def begin(self) -> None:
        """Listen."""
        open_sockets.opened(self._person, self.look)

    def end(self) -> None:
        """Listen no more."""
        open_sockets.closed(self._person, self.look)
        if self._looking is not None:
            self._looking.cancel()

    def look(self) -> None:
        """Look soon; who is told while it looks looks once more."""
        self._again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look at rights")

    async def _look(self) -> None:
        while self._again:
            self._again = False
            try:
                if await self._may_stay():
                    continue
            except DatabaseError:
                # It looks by itself before long.
                return
            self._sending.cancel()
            await self._socket.close(NOT_FOUND)
            return
