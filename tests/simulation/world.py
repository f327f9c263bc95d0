"""World: virtual time, the processes that live in it, and the seeded choice of who moves next."""

import asyncio
import heapq
import itertools
import warnings
from collections.abc import Callable
from random import Random

from tests.simulation.loop import SimulatedLoop

#: How much slower than nothing a look at the clock may be, in seconds: slices must end somewhere.
BLINK = 0.0004
#: More callbacks than any run needs.
STEPS_AT_MOST = 400_000


class Standstill(Exception):
    """Nothing can move any more, or nothing has come of all the moving."""


class Process:
    """One operating-system process: a loop, and whether it lives or is stopped by a signal."""

    def __init__(self, world: "World", name: str, *, shuffled: bool) -> None:
        self.name = name
        self._world = world
        self.alive = True
        self.stopped = False
        self.loop = SimulatedLoop(
            world.look_at_clock, self._complain, world.random, shuffled=shuffled
        )  # fmt: skip

    def _complain(self, said: str) -> None:
        if self.alive:
            self._world.complain(self.name, said)

    @property
    def runs(self) -> bool:
        """Whether its callbacks get a turn."""
        return self.alive and not self.stopped


class World:
    """Runs processes against each other, one callback at a time."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.processes: list[Process] = []
        self.complain: Callable[[str, str], None] = lambda _process, _said: None
        self.steps = 0
        self.before_step: Callable[[Process], None] = lambda _process: None
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._slow = self.random.random() < 0.3
        self._dead: list[Process] = []

    def look_at_clock(self) -> float:
        """Give the time to a process; in some worlds looking takes time."""
        if self._slow:
            self.now += BLINK
        return self.now

    def spawn(self, name: str) -> Process:
        """Start a process."""
        process = Process(self, name, shuffled=self.random.random() < 0.5)
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        """End a process at once: nothing of it runs again, no `finally` either."""
        process.alive = False
        self.processes.remove(process)
        self._dead.append(process)

    def later(self, delay: float, act: Callable[[], None]) -> None:
        """Let something happen outside of every process."""
        heapq.heappush(self._events, (self.now + delay, next(self._numbers), act))

    def run(self, is_over: Callable[[], bool], until: float) -> None:
        """Go on until it is over; raises Standstill at virtual time `until`, or when all wait."""
        try:
            while not is_over():
                if self.now > until:
                    raise Standstill(f"nothing came of it until {self.now:.0f} s")
                if self.steps > STEPS_AT_MOST:
                    raise Standstill("it goes on and on")
                self._turn()
        finally:
            asyncio._set_running_loop(None)

    def clear(self) -> None:
        """Forget every process, so that nothing of this world is left for the next."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # coroutines that never had their first turn
            for process in (*self._dead, *self.processes):
                process.alive = False
                process.loop.abandon()
        self.processes.clear()
        self._dead.clear()
        self._events.clear()

    def inside(self, process: Process, act: Callable[[], object]) -> None:
        """Do something as the process itself, between two of its callbacks."""
        asyncio._set_running_loop(process.loop)
        try:
            act()
        finally:
            asyncio._set_running_loop(None)

    def _turn(self) -> None:
        if self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
            return
        if self._slow:
            self._ripen()
        ready = [each for each in self.processes if each.runs and each.loop.is_ready]
        if not ready:
            self._advance()
            return
        process = ready[0] if len(ready) == 1 else self.random.choice(ready)
        self.before_step(process)
        if not process.runs:
            return
        self.steps += 1
        asyncio._set_running_loop(process.loop)
        process.loop.step()

    def _advance(self) -> None:
        """Jump to the next moment at which anything happens."""
        running = [each for each in self.processes if each.runs]
        times = [when for each in running if (when := each.loop.next_timer()) is not None]
        if self._events:
            times.append(self._events[0][0])
        if not times:
            raise Standstill("nothing is ready, and no timer is set")
        self.now = max(self.now, min(times))
        self._ripen()

    def _ripen(self) -> None:
        for each in self.processes:
            if each.runs:
                each.loop.ripen(self.now)
