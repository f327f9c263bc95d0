"""Networks of bodies that stream to each other under limits.

Bodies are real asyncio tasks on real streams and slots; nothing else of the engine is in it. A
map is no body: its items are, and it passes their results on in order. A network hangs when it
has not ended and the event loop has nothing left to do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from runner.errors import StreamFailed
from runner.execution.slots import Slots, Ticket
from runner.execution.stream import ChunkReader, Stream
from runner.graph.ports import Port
from tests.idle_loop import run_until_idle
from tests.network_plans import ALL_RULES, READING, BodyPlan, Flow, Rules, elastic_ends

_NO_CAP = 1 << 40
_CHUNKS: dict[int, str] = {}


@dataclass(slots=True)
class Outcome:
    """How a network ended: by body, what it read and pushed, or None if it failed."""

    hangs: bool = False
    counts: list[tuple[Any, ...] | None] = field(default_factory=list)


class Boom(Exception):
    """What a failing body raises."""


class CountingPort(Port):
    """A port whose chunks add up to their number, so that large ones cost nothing to add up."""

    def aggregate(self, chunks: Any) -> str:
        return str(len(chunks))

    def decode_aggregate(self, text: str) -> int:
        return int(text)


PORT = CountingPort(name="chunks", type=Any, readiness="first-chunk", mode="append")


class Node:
    """One body of a network: its streams, its slot, and how far it got."""

    def __init__(self, network: "Network", index: int, plan: BodyPlan) -> None:
        self.network = network
        self.index = index
        self.plan = plan
        self.streams = [
            Stream(f"{index}", PORT, 1, most=_NO_CAP, write=str, on_chunks=self._opened)
            for _ in range(plan.ports)
        ]
        self.begun = False
        self.ticket: Ticket | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.readers: list[ChunkReader] = []
        self.got: list[int] = []
        self.pushed = 0
        self.ended = self.failed = False

    def _opened(self, stream: Stream) -> None:
        stream.notice()
        self.network.look_below(self)

    @property
    def is_ready(self) -> bool:
        """Whether it may start: by its plain inputs and the first chunks of the others."""
        return all(self._arrived(flow) for flow in self.plan.inputs)

    def _arrived(self, flow: Flow) -> bool:
        node = self.network.nodes[flow.producer]
        stream = node.streams[flow.port]
        return node.ended if flow.plain else bool(stream.chunks) or stream.closed

    @property
    def lacks_input(self) -> bool:
        """Whether a body that it reads from failed."""
        return any(self.network.nodes[flow.producer].failed for flow in self.plan.inputs)

    def begin(self) -> None:
        """Ask for a slot, and start the body when it is there."""
        self.begun = True
        self.ticket = self.network.slots.acquire(self.plan.limits, self._start)
        if self.ticket.held:
            self._start()

    def _start(self) -> None:
        self.network.start(self, self._run())

    def open_readers(self) -> None:
        """Begin to count for the producers' throttles."""
        if self.readers:
            return
        for port, flow in enumerate(self.plan.inputs):
            if not flow.plain:
                stream = self.network.nodes[flow.producer].streams[flow.port]
                elastic = (f"{self.index}", f"in{port}") in self.network.elastic
                self.readers.append(stream.reader(PORT, elastic=elastic, read=len))

    async def _run(self) -> None:
        self.open_readers()
        self.got = [0] * len(self.readers)
        if self.network.rules.valve:
            for reader in self.readers:
                reader.meter = self.ticket
            for stream in self.streams:
                stream.meter = self.ticket
        try:
            if self.plan.pushing == "before" or not self.readers:
                await self._push_own()
            await _READ[self.plan.reading](self)
            if self.plan.pushing in {"after", "port by port"} and self.readers:
                await self._push_own()
        except* (StreamFailed, Boom, asyncio.CancelledError):
            self.failed = True
        finally:
            self.end()

    def end(self) -> None:
        """Close or fail what is left open, and give the slot back."""
        if self.ended:
            return
        self.ended = True
        for reader in self.readers:
            reader.close()
        for stream in self.streams:
            stream.fail() if self.failed else stream.close()
        self.release()
        self.network.look_below(self)
        self.network.one_less()

    def release(self) -> None:
        """Give the slot back."""
        if self.ticket is not None:
            self.ticket.release()

    # ── pushing ──────────────────────────────────────────────────────────────────────────

    async def _push_own(self) -> None:
        if self.plan.pushing == "port by port":
            for stream in self.streams:
                for _ in range(self.plan.count):
                    await self._push(stream)
            return
        for _ in range(self.plan.count):
            for stream in self.streams:
                await self._push(stream)

    async def _push(self, stream: Stream) -> None:
        if self.pushed == self.plan.fails_at:
            raise Boom
        self.pushed += 1
        await stream.push(_chunk(self.plan.size))

    # ── reading ──────────────────────────────────────────────────────────────────────────

    async def read(self, which: int, most: int | None = None) -> None:
        """Read an input from its first chunk on, to the end or `most` chunks of it."""
        if most == 0:
            return
        count = 0
        async for _ in self.readers[which]:
            await self.take(which)
            count += 1
            if count == most:
                break

    async def take(self, which: int) -> None:
        """Take note of a chunk; pass it on where the body does so."""
        self.got[which] += 1
        for _ in range(self.plan.pace):
            await asyncio.sleep(0)
        if self.plan.pushing == "through":
            for stream in self.streams:
                await self._push(stream)
        elif self.plan.pushing == "in turn":
            await self._push(self.streams[self.pushed % len(self.streams)])

    async def final(self, which: int) -> None:
        """Take what an input adds up to."""
        reader = self.readers[which]
        if not self.network.rules.final_lets_go:
            await reader._stream.ended(reader.meter)
        self.got[which] += await reader.final()


class MapNode(Node):
    """A map: some items at once; the result of item k is passed on after those before it."""

    def begin(self) -> None:
        """Begin the first items, and follow the stream that the map goes over, if it does."""
        self.begun = True
        self.tickets: dict[int, Ticket] = {}
        self._next = 0
        self._done: set[int] = set()
        sources = [each for each in self.plan.inputs if not each.plain]
        streams = [self.network.nodes[each.producer].streams[each.port] for each in sources]
        self._over = streams[0] if streams else None
        if self._over is not None:
            self._over.listeners.append(self._go_on)
        self._go_on()

    def _go_on(self) -> None:
        if self.ended:
            return
        if self._over is not None and self._over.failed:
            self.failed = True
            self.end()
            return
        known = self.plan.count % 30 if self._over is None else len(self._over.chunks)
        while self._next < known and len(self.tickets) < self.plan.items_at_once:
            self._begin_item(self._next)
        complete = self._over is None or self._over.closed
        if complete and len(self.streams[0].chunks) == known:
            self.end()

    def _begin_item(self, index: int) -> None:
        self._next += 1
        self.tickets[index] = ticket = self.network.slots.acquire(
            self.plan.limits, lambda: self.network.start(self, self._item(index))
        )
        if ticket.held:
            self.network.start(self, self._item(index))

    async def _item(self, index: int) -> None:
        for _ in range(1 + self.plan.pace):
            await asyncio.sleep(0)
        if index == self.plan.fails_at:
            self.failed = True
            self.end()
            return
        self.tickets.pop(index).release()
        self._done.add(index)
        stream = self.streams[0]
        while len(stream.chunks) in self._done and not stream.closed:
            stream.append(_chunk(self.plan.size))
        self._go_on()

    def release(self) -> None:
        """Give the slots of all items back."""
        for ticket in getattr(self, "tickets", {}).values():
            ticket.release()


async def _in_sequence(node: Node, begin: int = 0) -> None:
    for which in range(begin, len(node.readers)):
        await node.read(which)


async def _zip(node: Node) -> None:
    cursors = [aiter(reader) for reader in node.readers]
    try:
        while cursors:
            for which, cursor in enumerate(cursors):
                await anext(cursor)
                await node.take(which)
    except StopAsyncIteration:
        return


async def _all_at_once(node: Node) -> None:
    async with asyncio.TaskGroup() as group:
        for which in range(len(node.readers)):
            group.create_task(node.read(which))


async def _final_first(node: Node) -> None:
    if node.readers:
        await node.final(0)
    await _in_sequence(node, 1)


async def _finals(node: Node) -> None:
    async with asyncio.TaskGroup() as group:
        for which in range(len(node.readers)):
            group.create_task(node.final(which))


async def _part(node: Node) -> None:
    for which in range(len(node.readers)):
        await node.read(which, node.plan.part)


async def _twice(node: Node) -> None:
    await _in_sequence(node)
    await _in_sequence(node)


async def _never(_node: Node) -> None:
    return


async def _break_off(node: Node) -> None:
    await _part(node)
    await _in_sequence(node)


_READ: dict[str, Callable[[Node], Awaitable[None]]] = dict(
    zip(
        READING,
        (
            _in_sequence,
            _zip,
            _all_at_once,
            _final_first,
            _finals,
            _part,
            _twice,
            _never,
            _break_off,
        ),
        strict=True,
    )
)


class Network:
    """Bodies under way, as an executor would start them."""

    def __init__(
        self, plans: list[BodyPlan], slots: Slots, rules: Rules = ALL_RULES, *, eager: bool = True
    ) -> None:
        self.slots = slots
        self.rules = rules
        self.eager = eager
        self.elastic = elastic_ends(plans) if rules.elastic else set()
        self.nodes = [
            (MapNode if plan.items_at_once else Node)(self, index, plan)
            for index, plan in enumerate(plans)
        ]
        self._left = len(plans)
        self._stopping = False
        self._over: asyncio.Future[None]

    async def run(self) -> list[tuple[Any, ...] | None]:
        """Run all bodies to their ends; give what each read and pushed, None if it failed."""
        self._over = asyncio.get_running_loop().create_future()
        if not self.rules.only_started_hold:
            for node in self.nodes:
                node.open_readers()
        for node in self.nodes:
            self._look_at(node)
        try:
            await self._over
        finally:
            await self.cancel()
        return [
            None if each.failed else (*each.got, *(len(stream.chunks) for stream in each.streams))
            for each in self.nodes
        ]

    async def cancel(self) -> None:
        """End all that is under way."""
        self._stopping = True
        tasks = [task for node in self.nodes for task in node.tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for node in self.nodes:
            node.failed = node.failed or not node.ended
            node.end()

    def start(self, node: Node, body: Coroutine[Any, Any, None]) -> None:
        """Start a body, or an item's."""
        if self._stopping:
            body.close()
            return
        loop = asyncio.get_running_loop()
        task = asyncio.Task(body, loop=loop, eager_start=self.eager, name=f"body {node.index}")
        node.tasks.append(task)

    def look_below(self, node: Node) -> None:
        """Start what may start now that a body has opened a stream or ended."""
        for each in self.nodes[node.index + 1 :]:
            if any(flow.producer == node.index for flow in each.plan.inputs):
                self._look_at(each)

    def _look_at(self, node: Node) -> None:
        if node.begun or node.ended:
            return
        if node.lacks_input:
            node.failed = True
            node.end()
        elif node.is_ready:
            node.begin()

    def one_less(self) -> None:
        """Count a body that ended."""
        self._left -= 1
        if not self._left and not self._over.done():
            self._over.set_result(None)


def outcome_of(
    plans: list[BodyPlan], limits: dict[str, int], rules: Rules = ALL_RULES, *, eager: bool = True
) -> Outcome:
    """Run one network under limits."""
    network = Network(plans, Slots(limits), rules, eager=eager)
    counts, hung = run_until_idle(network.run)
    return Outcome(hung, counts or [])


def _chunk(size: int) -> str:
    return _CHUNKS.setdefault(size, "x" * size)
