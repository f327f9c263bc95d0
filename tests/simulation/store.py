"""The store of a simulation: leases over MemoryStore, and slow, unreliable lines to it."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from runner.errors import StorageTrouble
from runner.execution.memory import CLAIMABLE, MemoryStore
from runner.execution.store import Batch, CacheEntry, ChunkBatch, Request, StoredRun
from tests.simulation.world import Process, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How the storage behaves: seconds a call takes at most, and how often it is in trouble.

    `outages` are (begin, end) in virtual seconds; `lost_answers` is how often, at most, a call
    that was carried out is reported as trouble: each costs the run its owner.
    """

    slowest: float = 0.0
    trouble: float = 0.0
    lost_answers: int = 0
    outages: tuple[tuple[float, float], ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether calls may take long, or fail."""
        return bool(self.slowest > 0.1 or self.trouble or self.lost_answers or self.outages)


#: The calls whose answer may get lost.
CHANCE_OF_LOSS = 0.05
LOSABLE = frozenset({"commit", "claim"})


class LeasedStore(MemoryStore):
    """MemoryStore with the database's rules of ownership: a lease, and the deaths it knows of."""

    def __init__(self, clock: Callable[[], float], lease: float) -> None:
        super().__init__()
        self.lease = lease
        self.dead: set[str] = set()
        self.closed: list[Request] = []
        self._clock = clock
        self._until: dict[str, float] = {}

    async def claim(self, owner: str, limit: int, driven: Collection[str] = ()) -> list[StoredRun]:
        """Take runs that wait for an owner, whose owner is dead, or whose lease ended."""
        for run in self.runs.values():
            late = self._until.get(run.id, 0.0) < self._clock() and run.owner != owner
            if run.owner and run.status in CLAIMABLE and (late or run.owner in self.dead):
                run.owner = ""
        claimed = await super().claim(owner, limit, *([driven] if driven else ()))
        self._prolong(each.run for each in claimed)
        return claimed

    async def commit(self, batch: Batch) -> None:
        """Keep a batch, or raise Fenced; whoever writes shows that it lives."""
        await super().commit(batch)
        self._prolong([batch.run])

    async def mark_handled(self, request: str) -> None:
        """Close a request, and remember which."""
        found = self._requests.get(request)
        if found is not None:
            self.closed.append(found)
        await super().mark_handled(request)

    def is_asked(self, run: str, kind: str) -> bool:
        """Whether a person's request is open."""
        return any((each.run, each.kind) == (run, kind) for each in self._requests.values())

    async def renew(self, owner: str, runs: Collection[str]) -> set[str]:
        """Prolong the lease of these runs; give those that are still the owner's."""
        mine = await super().renew(owner, runs)
        self._prolong(mine)
        return mine

    def _prolong(self, runs: Any) -> None:
        self._until.update(dict.fromkeys(runs, self._clock() + self.lease))


class Bystander(Protocol):
    """Who is told of each call before it is carried out and after, and may strike then."""

    def asked(self, process: Process, call: str) -> None:
        """A process asks."""

    def carried_out(self, process: Process, call: str, subject: Any, answer: Any) -> None:
        """The store has done it; the process does not know yet."""


class Line:
    """One process's way to the store: the RunStore protocol with delays, troubles and deaths.

    A call of a process that dies before it is carried out may be carried out or not, now or
    later: a write may land after its writer is gone.
    """

    def __init__(
        self, store: LeasedStore, world: World, process: Process, weather: Weather, by: Bystander
    ) -> None:
        self._store = store
        self._world = world
        self._process = process
        self._weather = weather
        self._by = by
        self._answers_to_lose = weather.lost_answers

    async def claim(self, owner: str, limit: int, driven: Collection[str] = ()) -> list[StoredRun]:
        """Ask for runs."""
        return await self._call("claim", lambda: self._store.claim(owner, limit, driven))

    async def commit(self, batch: Batch) -> None:
        """Ask for a batch to be kept."""
        await self._call("commit", lambda: self._store.commit(batch), batch)

    async def read_chunks(self, run: str, path: str, port: str, attempt: int) -> list[ChunkBatch]:
        """Ask for chunks."""
        return await self._call(
            "read_chunks", lambda: self._store.read_chunks(run, path, port, attempt)
        )

    async def read_cache(self, scope: str, key: str) -> CacheEntry | None:
        """Ask for a kept result."""
        return await self._call("read_cache", lambda: self._store.read_cache(scope, key))

    async def requests(self, runs: Collection[str]) -> list[Request]:
        """Ask what people asked for."""
        return await self._call("requests", lambda: self._store.requests(runs))

    async def mark_handled(self, request: str) -> None:
        """Ask for a request to be closed."""
        await self._call("mark_handled", lambda: self._store.mark_handled(request))

    async def renew(self, owner: str, runs: Collection[str]) -> set[str]:
        """Ask for leases to be prolonged."""
        return await self._call("renew", lambda: self._store.renew(owner, runs))

    async def release(self, owner: str, runs: Collection[str], epoch: int | None = None) -> None:
        """Ask for runs to be given up."""
        await self._call("release", lambda: self._store.release(owner, runs, epoch), tuple(runs))

    async def quarantine(self, run: str, epoch: int, reason: str) -> None:
        """Ask for a run to be set aside."""
        await self._call(
            "quarantine", lambda: self._store.quarantine(run, epoch, reason), (run, reason)
        )

    async def _call[T](
        self, name: str, act: Callable[[], Coroutine[Any, Any, T]], subject: Any = None
    ) -> T:
        if not self._process.alive:
            raise GeneratorExit  # what is left of a dead process winds up in silence
        answer: asyncio.Future[T] = self._process.loop.create_future()
        self._world.later(self._delay(), lambda: self._carry_out(name, act, subject, answer))
        self._by.asked(self._process, name)
        return await answer

    def _delay(self) -> float:
        slowest = self._weather.slowest
        return self._world.random.random() * slowest if slowest else 0.0

    def _carry_out(
        self,
        name: str,
        act: Callable[[], Coroutine[Any, Any, Any]],
        subject: Any,
        answer: asyncio.Future[Any],
    ) -> None:
        random = self._world.random
        if not self._process.alive and random.random() < 0.5:
            return
        value: Any = None
        fault: Exception | None = self._trouble()
        if fault is None:
            value, fault = _at_once(act())
            self._by.carried_out(self._process, name, subject, value if fault is None else fault)
            if fault is None and name in LOSABLE and self._loses_answer():
                fault = StorageTrouble("the connection broke before the answer")
        self._world.later(self._delay(), lambda: self._answer(answer, value, fault))

    def _loses_answer(self) -> bool:
        if not self._answers_to_lose or self._world.random.random() > CHANCE_OF_LOSS:
            return False
        self._answers_to_lose -= 1
        return True

    def _trouble(self) -> StorageTrouble | None:
        weather, now = self._weather, self._world.now
        out = any(begin <= now < end for begin, end in weather.outages)
        if out or (weather.trouble and self._world.random.random() < weather.trouble):
            return StorageTrouble("the storage is in trouble")
        return None

    def _answer(self, answer: asyncio.Future[Any], value: Any, fault: Exception | None) -> None:
        if not self._process.alive or answer.done():
            return
        if fault is None:
            self._process.loop.call_soon(_settle, answer, value, None)
        else:
            self._process.loop.call_soon(_settle, answer, None, fault)


def _settle(answer: asyncio.Future[Any], value: Any, fault: Exception | None) -> None:
    if answer.done():
        return
    if fault is None:
        answer.set_result(value)
    else:
        answer.set_exception(fault)


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, Exception | None]:
    """Run a coroutine that never really waits; give what it returned or raised."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value, None
    except Exception as fault:
        return None, fault
    raise AssertionError("a store in memory does not wait")
