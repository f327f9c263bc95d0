"""Alarm: a call at a time of the wall clock, right also when the clock is set."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

#: The clock is looked at again at least this often, in seconds.
LONGEST = 600.0


class Alarm:
    """Calls something once at a UTC time, or soon after if that has passed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], datetime],
        time: datetime,
        call: Callable[[], Any],
    ) -> None:
        self._loop = loop
        self._now = now
        self._time = time
        self._call = call
        self._timer = self._set()

    def cancel(self) -> None:
        """Call nothing."""
        self._timer.cancel()

    def _set(self) -> asyncio.TimerHandle:
        left = (self._time - self._now()).total_seconds()
        return self._loop.call_later(min(max(0.0, left), LONGEST), self._look)

    def _look(self) -> None:
        if self._now() >= self._time:
            self._call()
        else:
            self._timer = self._set()
