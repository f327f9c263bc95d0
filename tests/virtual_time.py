"""A clock that tests turn: when nothing is ready, the loop's time jumps to the next timer."""

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
#: What the loop's clock shows at the beginning, which is the EPOCH; loops seldom start at zero.
START = 1000.0


class _Selector(selectors.DefaultSelector):
    """Does not wait: what it was to wait is added to `passed`, in seconds."""

    passed = START

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("nothing is left to do, and the test has not ended")
        found = super().select(0)
        if not found:
            self.passed += max(0.0, timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._virtual.passed


def passed() -> float:
    """Give the seconds that have passed on the running loop."""
    return asyncio.get_running_loop().time() - START


def now() -> datetime:
    """Give the wall clock of the running loop, which is virtual."""
    return EPOCH + timedelta(seconds=passed())


def stand_still(seconds: float) -> None:
    """Let time pass in which nothing here runs, as in a process that was stopped for a while.

    Whatever became due meanwhile is due in one moment, in its order.
    """
    loop: Any = asyncio.get_running_loop()
    loop._virtual.passed += seconds


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test in virtual time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))  # type: ignore[arg-type] # a coroutine

    return run
