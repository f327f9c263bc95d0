"""The least that could be done: the same graphs in bare asyncio, bare queues, bare rows."""

import asyncio
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.shapes import MODULUS, Shape

WINDOW = 64
BATCH = 500


async def _step(*numbers: int) -> int:
    return 1 + sum(numbers) % MODULUS


async def _at_once(_number: int, _value: int) -> None:
    return None


class BareGraph:
    """One asyncio task each, begun when the last of its parents has counted down."""

    def __init__(
        self, shape: Shape, keep: Callable[[int, int], Awaitable[None]] = _at_once
    ) -> None:
        self.values = [0] * len(shape)
        self._keep = keep
        self._parents = shape.parents
        self._waiting = [len(parents) for parents in shape.parents]
        self._children: list[list[int]] = [[] for _ in shape.parents]
        for number, parents in enumerate(shape.parents):
            for parent in parents:
                self._children[parent].append(number)
        self._left = len(shape)
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Run to the end."""
        for number, waiting in enumerate(self._waiting):
            if not waiting:
                self._begin(number)
        await self._over.wait()

    def _begin(self, number: int) -> None:
        task = asyncio.create_task(self._body(number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _body(self, number: int) -> None:
        values = self.values
        value = await _step(*[values[parent] for parent in self._parents[number]])
        values[number] = value
        if self._keep is not _at_once:
            await self._keep(number, value)
        for child in self._children[number]:
            self._waiting[child] -= 1
            if not self._waiting[child]:
                self._begin(child)
        self._left -= 1
        if not self._left:
            self._over.set()


CREATE = "CREATE TABLE kept (number INTEGER PRIMARY KEY, value INTEGER)"
COUNT = "SELECT count(*) FROM kept"


class BareRows(ABC):
    """One row of two integers a task."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int]] = []
        self._waiting: list[asyncio.Future[None]] = []

    async def keep(self, number: int, value: int) -> None:
        """Strict: come back when the row is committed, with all others of this loop turn."""
        loop = asyncio.get_running_loop()
        if not self._rows:
            loop.call_soon(self.commit)
        self._rows.append((number, value))
        kept: asyncio.Future[None] = loop.create_future()
        self._waiting.append(kept)
        await kept

    async def keep_later(self, number: int, value: int) -> None:
        """Write-behind: commit now and then."""
        self._rows.append((number, value))
        if len(self._rows) >= BATCH:
            self.commit()

    def commit(self) -> None:
        """Commit what there is."""
        if self._rows:
            self.write(self._rows)
        self._rows.clear()
        for kept in self._waiting:
            kept.set_result(None)
        self._waiting.clear()

    @abstractmethod
    def write(self, rows: Sequence[tuple[int, int]]) -> None:
        """Write rows in one transaction."""

    @abstractmethod
    def count(self) -> int:
        """Count what is kept, and close."""


class BareSqlite(BareRows):
    """Rows in a SQLite file in WAL mode."""

    def __init__(self, path: Path, synchronous: str) -> None:
        super().__init__()
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={synchronous}")
        self._connection.execute(CREATE)

    def write(self, rows: Sequence[tuple[int, int]]) -> None:
        """Write rows in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO kept VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """Count what is kept, and close."""
        (found,) = self._connection.execute(COUNT).fetchone()
        self._connection.close()
        return int(found)


class BarePostgres(BareRows):
    """Rows on a PostgreSQL server, by one connection."""

    def __init__(self, url: str) -> None:
        import psycopg

        super().__init__()
        self._connection = psycopg.connect(url)
        self._connection.execute("SET synchronous_commit = on")
        self._connection.execute("DROP TABLE IF EXISTS kept")
        self._connection.execute(CREATE)
        self._connection.commit()

    def write(self, rows: Sequence[tuple[int, int]]) -> None:
        """Write rows in one transaction."""
        with self._connection.cursor() as cursor:
            cursor.executemany("INSERT INTO kept VALUES (%s, %s)", rows)
        self._connection.commit()

    def count(self) -> int:
        """Count what is kept, and close."""
        found = self._connection.execute(COUNT).fetchone()
        self._connection.close()
        return int(found[0]) if found else 0


def bare(shape: Shape) -> tuple[float, list[int]]:
    """Run a shape and keep nothing; give the seconds and the values."""

    async def run() -> tuple[float, list[int]]:
        graph = BareGraph(shape)
        began = time.perf_counter()
        await graph.run()
        return time.perf_counter() - began, graph.values

    return asyncio.run(run())


def sqlite_rows(folder: Path, synchronous: str) -> BareSqlite:
    """Begin with an empty file."""
    for each in folder.glob("floor.sqlite3*"):
        each.unlink()
    return BareSqlite(folder / "floor.sqlite3", synchronous)


def bare_durable(shape: Shape, rows: BareRows, *, strict: bool) -> tuple[float, int]:
    """Run a shape and keep a row a task; give the seconds and the rows counted afterwards."""

    async def run() -> tuple[float, int]:
        graph = BareGraph(shape, rows.keep if strict else rows.keep_later)
        began = time.perf_counter()
        await graph.run()
        rows.commit()
        return time.perf_counter() - began, rows.count()

    return asyncio.run(run())


def bare_stream(chunks: int, size: int = 100, hops: int = 4) -> tuple[float, float, int]:
    """Send chunks through bounded queues; give seconds, seconds to the first, and the count."""

    async def run() -> tuple[float, float, int]:
        queues: list[asyncio.Queue[str | None]] = [asyncio.Queue(WINDOW) for _ in range(hops)]
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(_pour(chunks, size, queues[0]))
            for before, after in pairwise(queues):
                group.create_task(_pass_on(before, after))
            end = group.create_task(_drain(queues[-1]))
        first, count = end.result()
        return time.perf_counter() - began, first - began, count

    return asyncio.run(run())


async def _pour(chunks: int, size: int, into: asyncio.Queue[str | None]) -> None:
    for number in range(chunks):
        await into.put(f"{number:0{size}}")
    await into.put(None)


async def _pass_on(before: asyncio.Queue[str | None], after: asyncio.Queue[str | None]) -> None:
    while (chunk := await before.get()) is not None:
        await after.put(chunk)
    await after.put(None)


async def _drain(queue: asyncio.Queue[str | None]) -> tuple[float, int]:
    first, count = 0.0, 0
    while await queue.get() is not None:
        first = first or time.perf_counter()
        count += 1
    return first, count
