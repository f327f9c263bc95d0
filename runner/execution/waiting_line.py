"""WaitingLine: bodies that wait for one thing inside the engine; woken together, and counted."""

import asyncio
from typing import Protocol


class Meter(Protocol):
    """Counts the waits of one body: a limit whose holders all wait lets the next one start."""

    def waits(self) -> None:
        """Take note that the body waits inside the engine."""

    def works(self) -> None:
        """Take note that such a wait is over."""


class WaitingLine:
    """All who wait for the same thing; several subtasks of one body may be among them."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.Future[None], Meter | None]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def wait(self, meter: Meter | None) -> None:
        """Wait until the line is woken; `meter` counts the one who waits, if anybody does."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, meter))
        if meter is None:
            await future
            return
        meter.waits()
        try:
            await future
        finally:
            if future.cancelled() or not future.done():
                meter.works()

    def wake(self) -> None:
        """Let all of them go on, and look themselves whether what they wait for is there."""
        waiting, self._waiting = self._waiting, []
        for future, meter in waiting:
            if not future.done():
                future.set_result(None)
                # Now and not only when its turn comes: nobody need start in its place.
                if meter is not None:
                    meter.works()
