"""Slots: how many tasks may work at once, by limit; who waits, and who is next.

Only leaf tasks take slots. All limits of a task are taken at once or none. A limit bounds the
tasks that work: when every holder of a limit waits inside the engine (for a chunk, for room),
the next in line starts although the limit is full. This valve is what keeps a limit from
waiting for itself; its price is that holders who go on later may be more than the limit.

Waiting tickets stand in one line for each set of limits. A line waits at one limit that is
full, and is looked at again only when that limit opens: nothing here takes time proportional
to a line. One thread and one event loop use it; no call waits, the rest comes by callback.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush

from runner.errors import RunnerError

_SETS_KEPT = 1000


class Slots:
    """The limits of one process, shared by all of its executors."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        """Take limits by name, such as {"process": 64, "group:ollama": 1}; other names have none.

        {"run:*": 16} is a limit for each run of its own.

        Raises RunnerError for a limit below 1.
        """
        self._limits: dict[str, _Limit] = {}
        self._sets: dict[tuple[str, ...], tuple[_Limit, ...]] = {}
        self._lines: dict[tuple[_Limit, ...], _Line] = {}
        self._granted: deque[Ticket] = deque()
        self._telling = False
        self._arrivals = 0
        for name, most in limits.items():
            self.add_limit(name, most)

    def add_limit(self, name: str, most: int) -> None:
        """Set a limit; raising one lets those who wait start. Raises RunnerError below 1."""
        if most < 1:
            raise RunnerError(f"The limit {name} must let at least one task work, not {most}.")
        limit = self._limits.get(name)
        if limit is None:
            self._limits[name] = _Limit(name, most)
            self._sets.clear()
        else:
            limit.most = most
            self.let_start((limit,))

    def forget(self, name: str) -> None:
        """Drop a limit that counts no longer, such as that of a run that ended."""
        limit = self._limits.pop(name, None)
        if limit is not None:
            self._sets.clear()
            limit.is_gone = True
            self.let_start((limit,))

    @property
    def is_free(self) -> bool:
        """Whether nothing is limited at all."""
        return not self._limits

    def limited(self, names: Iterable[str]) -> tuple[str, ...]:
        """Give those of the names that have a limit, in the order `acquire` thinks of them."""
        return tuple(limit.name for limit in self._limits_of(tuple(names)))

    def working(self, name: str) -> int:
        """Count the holders of a limit that do not wait inside the engine."""
        limit = self._limits[name]
        return limit.held - limit.waiting

    def held(self, name: str) -> int:
        """Count the holders of a limit."""
        return self._limits[name].held

    def acquire(self, names: tuple[str, ...], on_free: Callable[[], None]) -> "Ticket":
        """Take a slot of every limit in `names`, or stand in line for them all.

        The ticket is held at once when all are free. Otherwise `on_free` is called, once, when
        it is; never from within this call.
        """
        limits = self._limits_of(names)
        ticket = Ticket(self, limits, on_free)
        full = _closed(limits)
        if full is None:
            ticket.take()
        else:
            self._stand_in_line(ticket, full)
        return ticket

    def _limits_of(self, names: tuple[str, ...]) -> tuple["_Limit", ...]:
        found = self._sets.get(names)
        if found is None:
            if len(self._sets) >= _SETS_KEPT:
                self._sets.clear()
            known = (self._find(name) for name in sorted(set(names)))
            found = self._sets[names] = tuple(limit for limit in known if limit is not None)
        return found

    def _find(self, name: str) -> "_Limit | None":
        """Find a limit; one for each of a kind, "run:*", is made at its first use."""
        limit = self._limits.get(name)
        if limit is None:
            each = self._limits.get(f"{name.partition(':')[0]}:*")
            if each is not None:
                limit = self._limits[name] = _Limit(name, each.most)
        return limit

    def _stand_in_line(self, ticket: "Ticket", full: "_Limit") -> None:
        self._arrivals += 1
        ticket.arrival = self._arrivals
        line = self._lines.get(ticket.limits)
        if line is None:
            line = self._lines[ticket.limits] = _Line(ticket.limits)
            heappush(full.parked, (self._arrivals, line))
        line.tickets[self._arrivals] = ticket
        ticket.line = line

    def let_start(self, opened: Iterable["_Limit"]) -> None:
        """Grant what these limits have room for now, in order of arrival; then tell."""
        while True:
            ready = [limit for limit in opened if limit.parked and limit.is_open]
            if not ready:
                break
            at = min(ready, key=_earliest) if len(ready) > 1 else ready[0]
            self._start_first(*heappop(at.parked), at)
        self._tell()

    def _start_first(self, arrival: int, line: "_Line", at: "_Limit") -> None:
        tickets = line.tickets
        first = next(iter(tickets), 0)
        full = _closed(line.limits)
        if first == arrival and full is None:
            _, ticket = tickets.popitem(last=False)
            ticket.take()
            self._granted.append(ticket)
            first = next(iter(tickets), 0)
        if first:
            heappush((full or at).parked, (first, line))
        else:
            del self._lines[line.limits]

    def _tell(self) -> None:
        # Callbacks acquire and release in turn: the outermost call tells all, so that a long
        # chain of tasks that end at once does not become as deep a chain of calls.
        if self._telling or not self._granted:
            return
        self._telling = True
        try:
            while self._granted:
                ticket = self._granted.popleft()
                if ticket.held:
                    ticket.on_free()
        finally:
            self._telling = False
            self._tell()  # of those behind a callback that raised


class Ticket:
    """One task's place: it holds its slots, waits for them in line, or has given them back.

    `held` says whether it holds them; the rest of the plain attributes are for `Slots`.
    """

    __slots__ = ("_depth", "_slots", "arrival", "held", "limits", "line", "on_free")

    def __init__(
        self, slots: Slots, limits: tuple["_Limit", ...], on_free: Callable[[], None]
    ) -> None:
        self.held = False
        self._slots = slots
        self.limits = limits
        self.on_free = on_free
        self.line: _Line | None = None
        self.arrival = 0
        self._depth = 0

    @property
    def why(self) -> str:
        """Say which limit it waits for: "2 of 2 for group ollama are taken"; empty if it does not."""
        limit = None if self.line is None else _closed(self.limits)
        return "" if limit is None else limit.in_words

    def release(self) -> None:
        """Give the slots back, or leave the line; nothing the second time."""
        if self.held:
            self.held = False
            for limit in self.limits:
                limit.held -= 1
                limit.waiting -= self._depth > 0
            self._slots.let_start(self.limits)
        elif self.line is not None:
            self.line.tickets.pop(self.arrival)
            self.line = None

    def waits(self) -> None:
        """Say that the holder waits inside the engine; nested waits count once."""
        self._depth += 1
        if self._depth == 1 and self.held:
            for limit in self.limits:
                limit.waiting += 1
            self._slots.let_start(self.limits)

    def works(self) -> None:
        """Say that one such wait is over."""
        self._depth -= 1
        if self._depth == 0 and self.held:
            for limit in self.limits:
                limit.waiting -= 1

    def take(self) -> None:
        """Hold the slots from now on; for `Slots`, which has found them free."""
        self.held = True
        self.line = None
        for limit in self.limits:
            limit.held += 1
            limit.waiting += self._depth > 0


class _Limit:
    """One limit: how many may hold it, how many do, and the lines that wait at it."""

    __slots__ = ("held", "is_gone", "most", "name", "parked", "waiting")

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most
        self.held = 0
        self.waiting = 0
        self.is_gone = False
        #: a heap of (arrival of the line's first ticket, line); never a look into the line
        self.parked: list[tuple[int, _Line]] = []

    @property
    def is_open(self) -> bool:
        """Whether one more may start: there is room, or all holders wait (the valve)."""
        return self.held < self.most or self.waiting == self.held or self.is_gone

    @property
    def in_words(self) -> str:
        """Say that it is full; the valve may have let in more than the limit."""
        kind, _, which = self.name.partition(":")
        whom = {"process": "this server", "run": "this run"}.get(kind, f"{kind} {which}".strip())
        return f"{self.most} of {self.most} for {whom} {'is' if self.most == 1 else 'are'} taken"


class _Line:
    """The tickets that wait for one set of limits, by arrival."""

    __slots__ = ("limits", "tickets")

    def __init__(self, limits: tuple[_Limit, ...]) -> None:
        self.limits = limits
        # A plain dict would be searched past all that left at its front.
        self.tickets: OrderedDict[int, Ticket] = OrderedDict()


def _closed(limits: tuple[_Limit, ...]) -> _Limit | None:
    """Give the first limit that lets nobody start; None if all of them do."""
    for limit in limits:
        if not limit.is_open:
            return limit
    return None


def _earliest(limit: _Limit) -> int:
    return limit.parked[0][0]
