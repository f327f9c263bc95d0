"""TaskContext: what a task is given while it runs; its blocking twin for thread bodies."""

import asyncio
import hashlib
import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Protocol

from runner.errors import TaskAbandoned
from runner.execution.stream import ChunkReader, Stream

logger = logging.getLogger("runner.task")


class Desk(Protocol):
    """What a context passes on to: the executor, seen from one attempt of one task."""

    def open_stream(self, path: str, port: str) -> Stream:
        """Give the stream of an output port, opening it at the first chunk."""

    def pushed(self, stream: Stream) -> None:
        """Take note of a new chunk."""

    def closed(self, stream: Stream) -> None:
        """Take note of a close."""

    def progressed(self, path: str, attempt: int, fraction: float, message: str) -> None:
        """Take note of progress."""

    def logged(self, path: str, attempt: int, level: str, message: str) -> None:
        """Take note of a log line."""


class TaskContext:
    """What a task may do while it runs; bound to one attempt, refused once that is over."""

    def __init__(self, desk: Desk, run: str, path: str, attempt: int) -> None:
        self.run = run
        self.path = path
        self.attempt = attempt
        self.log = logging.LoggerAdapter(
            _log_of(self), {"run": run, "path": path, "attempt": attempt}
        )
        self._desk = desk
        self._fraction = 0.0
        self._over = False
        self._cancelled = threading.Event()

    @property
    def idempotency_key(self) -> str:
        """The same text for every attempt of this task in this run (SHA-256 of run and path)."""
        return hashlib.sha256(f"{self.run}/{self.path}".encode()).hexdigest()

    @property
    def cancelled(self) -> bool:
        """Whether the task should stop; bodies in threads look at it now and then."""
        return self._cancelled.is_set()

    async def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk to the dependants of a streaming port; waits while they lag."""
        self._refuse_if_over()
        stream = self._desk.open_stream(self.path, port)
        stream.append(stream.port.chunk(chunk))
        self._desk.pushed(stream)
        await stream.throttle()

    def close_stream(self, port: str) -> None:
        """Say that no further chunk comes on a port."""
        self._refuse_if_over()
        stream = self._desk.open_stream(self.path, port)
        if not stream.closed:
            stream.close()
            self._desk.closed(stream)

    async def attach_stream(self, port: str, source: AsyncIterable[Any]) -> None:
        """Push every chunk of an async iterator, then close the port."""
        async for chunk in source:
            await self.push_chunk(port, chunk)
        self.close_stream(port)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is: 0 to 1; it is clamped and never falls."""
        self._refuse_if_over()
        self._fraction = max(self._fraction, min(1.0, max(0.0, float(fraction))))
        self._desk.progressed(self.path, self.attempt, self._fraction, message)

    def note(self, level: str, message: str) -> None:
        """Take a line for the run's log; what came after the end is dropped."""
        if not self._over:
            self._desk.logged(self.path, self.attempt, level, message)

    def end(self) -> None:
        """Refuse everything from now on: the attempt is over."""
        self._over = True
        self._cancelled.set()

    def _refuse_if_over(self) -> None:
        if self._over:
            raise TaskAbandoned(self.path, self.attempt)


class BlockingContext:
    """The same for a body in a worker thread: every call waits for the event loop."""

    def __init__(self, context: TaskContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self.run = context.run
        self.path = context.path
        self.attempt = context.attempt
        self.idempotency_key = context.idempotency_key
        self.log = logging.LoggerAdapter(
            _log_of(context, loop),
            {"run": context.run, "path": context.path, "attempt": context.attempt},
        )

    @property
    def cancelled(self) -> bool:
        """Whether the body should stop."""
        return self._context.cancelled

    def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk; waits while dependants lag."""
        self._wait(self._context.push_chunk(port, chunk))

    def close_stream(self, port: str) -> None:
        """Say that no further chunk comes on a port."""
        self._wait(_later(self._context.close_stream, port))

    def attach_stream(self, port: str, source: Iterable[Any]) -> None:
        """Push every chunk of an iterable, then close the port."""
        for chunk in source:
            self.push_chunk(port, chunk)
        self.close_stream(port)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is: 0 to 1."""
        self._wait(_later(self._context.progress, fraction, message))

    def read(self, reader: ChunkReader) -> "BlockingReader":
        """Give the plain iterable twin of a stream input."""
        return BlockingReader(reader, self._loop)

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class BlockingReader:
    """A stream input in a worker thread: a plain iterable."""

    def __init__(self, reader: ChunkReader, loop: asyncio.AbstractEventLoop) -> None:
        self._reader = reader
        self._loop = loop

    def __iter__(self) -> Iterator[Any]:
        cursor = aiter(self._reader)
        while True:
            ended, chunk = asyncio.run_coroutine_threadsafe(_next(cursor), self._loop).result()
            if ended:
                return
            yield chunk

    def final(self) -> Any:
        """Wait for the end and give the aggregate."""
        return asyncio.run_coroutine_threadsafe(self._reader.final(), self._loop).result()


class _RunLogHandler(logging.Handler):
    """Carries the lines of one task to the run's log."""

    def __init__(self, context: TaskContext, loop: asyncio.AbstractEventLoop | None) -> None:
        super().__init__()
        self._context = context
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        line = (record.levelname, record.getMessage())
        if self._loop is None:
            self._context.note(*line)
        else:
            self._loop.call_soon_threadsafe(self._context.note, *line)


def _log_of(context: TaskContext, loop: asyncio.AbstractEventLoop | None = None) -> logging.Logger:
    """Give a logger of its own whose lines go to the run's log and to Python logging."""
    log = logging.Logger(logger.name, logging.INFO)  # noqa: LOG001 - one for each attempt, freed with it
    log.parent = logger
    log.addHandler(_RunLogHandler(context, loop))
    return log


async def _later(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


async def _next(cursor: AsyncIterator[Any]) -> tuple[bool, Any]:
    try:
        return False, await anext(cursor)
    except StopAsyncIteration:
        return True, None


__all__ = ["BlockingContext", "BlockingReader", "Desk", "TaskContext"]
