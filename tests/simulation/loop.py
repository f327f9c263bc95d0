"""SimulatedLoop: an event loop without threads or sockets, stepped by a World in virtual time.

Which of the ready callbacks goes next is the seed's choice. Steps of asyncio tasks may come in
any order, as if what woke them had come in that order: no task may rely on being woken before
another. Everything else (`call_soon`, callbacks of futures) keeps its order, since asyncio
promises it and code may rely on it. Half of the seeds keep strict order throughout, which is
what the real loop does.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any


class SimulatedLoop(asyncio.BaseEventLoop):
    """The event loop of one simulated process; `clock` gives seconds, `complain` takes faults."""

    _ready: deque[Any]  # the base class has both, but does not say so
    _scheduled: list[Any]

    def __init__(
        self,
        clock: Callable[[], float],
        complain: Callable[[str], None],
        random: Random,
        *,
        shuffled: bool,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._complain = complain
        self._random = random
        self._shuffled = shuffled

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._clock()

    @property
    def is_ready(self) -> bool:
        """Whether a callback waits for its turn."""
        return bool(self._ready)

    def next_timer(self) -> float | None:
        """Give when the next timer is due; None if there is none."""
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        return timers[0]._when if timers else None

    def ripen(self, now: float) -> None:
        """Make the timers ready that are due."""
        timers = self._scheduled
        while timers and timers[0]._when <= now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)

    def step(self) -> None:
        """Run one ready callback."""
        handle = self._choose()
        if not handle._cancelled:
            handle._run()

    def _choose(self) -> Any:
        ready = self._ready
        if not self._shuffled or len(ready) == 1:
            return ready.popleft()
        index = self._random.randrange(len(ready))
        if not _is_task_step(ready[index]):
            index = next(n for n, each in enumerate(ready) if not _is_task_step(each))
        handle = ready[index]
        del ready[index]
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass on what nobody caught: in a simulation that is a fault like any other."""
        fault = context.get("exception")
        self._complain(f"{context.get('message')}: {type(fault).__name__}: {fault}")

    def _process_events(self, event_list: object) -> None:
        """No sockets, no events."""

    def _write_to_self(self) -> None:
        """No other thread ever waits to wake this loop."""

    def abandon(self) -> None:
        """Forget everything, as a killed process does; no callback of this loop runs again."""
        self._ready.clear()
        self._scheduled.clear()
        closed: set[asyncio.Task[Any]] = set()
        # What is closed may say something on its way, and so begin others.
        while left := asyncio.all_tasks(self) - closed:
            for task in left:
                task._log_destroy_pending = False  # type: ignore[attr-defined] # as gather does
                _close(task.get_coro())
            closed |= left
        self._ready.clear()
        self.close()


def _is_task_step(handle: Any) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)


def _close(coroutine: Any) -> None:
    """End a coroutine that will never go on; what its `finally` awaits is refused each time."""
    for _ in range(20):
        try:
            coroutine.close()
        except BaseException:  # noqa: S112 - the process is dead: nobody hears it
            continue
        return
