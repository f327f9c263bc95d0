"""BlockingContext: the twin of a task's context for bodies in worker threads."""

import asyncio
import concurrent.futures
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from datetime import datetime
from typing import Any

from runner.errors import TaskAbandoned
from runner.execution.artifacts import Content
from runner.execution.context import Authority, TaskContext, log_of
from runner.execution.mail import Mail
from runner.execution.network import Network
from runner.execution.secrets import Secret
from runner.execution.stream import ChunkReader
from runner.graph.artifact import ANY_MEDIA_TYPE, Artifact


class BlockingContext:
    """The same for a body in a worker thread: every call waits for the event loop."""

    def __init__(self, context: TaskContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._calls = _Calls(context, loop)
        self.run = context.run
        self.path = context.path
        self.attempt = context.attempt
        self.idempotency_key = context.idempotency_key
        self.log = logging.LoggerAdapter(
            log_of(context, loop),
            {"run": context.run, "path": context.path, "attempt": context.attempt},
        )

    @property
    def cancelled(self) -> bool:
        """Whether the body should stop."""
        return self._context.cancelled

    @property
    def auth(self) -> "BlockingAuthority":
        """The starter's identity, and the credentials that the task type declares."""
        return BlockingAuthority(self._context.auth, self._calls)

    @property
    def saved_state(self) -> Any:
        """What an earlier attempt kept; None if nothing."""
        return self._context.saved_state

    def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk; waits while dependants lag."""
        self._wait(_awaited(self._context.push_chunk, port, chunk))

    def close_stream(self, port: str) -> None:
        """Say that no further chunk comes on a port."""
        self._wait(_later(self._context.close_stream, port))

    def attach_stream(self, port: str, source: Iterable[Any]) -> None:
        """Push every chunk of an iterable, then close the port."""
        for chunk in source:
            self.push_chunk(port, chunk)
        self.close_stream(port)

    def resume_stream(self, port: str) -> int:
        """Go on with the kept chunks of a port; say how many."""
        return int(self._wait(_later(self._context.resume_stream, port)))

    def save_state(self, value: Any) -> None:
        """Keep a JSON value to go on from."""
        self._wait(self._context.save_state(value))

    def save_artifact(
        self, content: Content, name: str = "", media_type: str = ANY_MEDIA_TYPE
    ) -> Artifact:
        """Keep a file: bytes, a binary file or an iterable of bytes; give it as a value."""
        if self.cancelled:
            raise TaskAbandoned(self.path, self.attempt)
        return self._context.artifacts.save(content, name, media_type)

    @property
    def network(self) -> Network:
        """Which other machines may be reached, and how much of an answer is taken."""
        return self._context.network

    def send_mail(self, mail: Mail) -> str:
        """Send a message by a mailer of the operator's; give its id."""
        return str(self._wait(self._context.send_mail(mail)))

    def decide(self, name: str, make: Any) -> Any:
        """Give what was decided the first time."""
        return self._wait(self._context.decide(name, make))

    def ask(self, question: Mapping[str, Any]) -> Any:
        """Ask a person, and wait for the answer."""
        return self._wait(self._context.ask(question))

    def evaluate(self, source: str, values: Mapping[str, Any]) -> Any:
        """Give what an expression gives over named values."""
        return self._wait(self._context.evaluate(source, values))

    def wait_until(self, at: datetime) -> None:
        """Wait for a time."""
        self._wait(self._context.wait_until(at))

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is: 0 to 1."""
        self._wait(_later(self._context.progress, fraction, message))

    def read(self, reader: ChunkReader) -> "BlockingReader":
        """Give the plain iterable twin of a stream input."""
        return BlockingReader(reader, self._calls)

    def interrupt(self) -> None:
        """Let whatever the body waits for here end now, with TaskAbandoned."""
        self._calls.interrupt()

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._calls.wait(coroutine)


class _Calls:
    """The calls of one thread body that wait for the event loop; all but `wait` is on its thread."""

    def __init__(self, context: TaskContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self._pending: set[asyncio.Task[Any]] = set()
        self._over = False

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Give what a coroutine gives on the loop; raises TaskAbandoned if interrupted."""
        if self._over:
            coroutine.close()
            raise TaskAbandoned(self._context.path, self._context.attempt)
        future = asyncio.run_coroutine_threadsafe(self._interruptible(coroutine), self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError as fault:
            raise TaskAbandoned(self._context.path, self._context.attempt) from fault

    async def _interruptible(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - run_coroutine_threadsafe makes one
        self._pending.add(task)
        if self._over:
            task.cancel()
        try:
            return await coroutine
        finally:
            self._pending.discard(task)

    def interrupt(self) -> None:
        """End all waits, those to come too."""
        self._over = True
        for each in self._pending:
            each.cancel()


class BlockingAuthority:
    """The same for a body in a worker thread: `secret` waits for the event loop."""

    def __init__(self, authority: Authority, calls: _Calls) -> None:
        self.identity = authority.identity
        self._authority = authority
        self._calls = calls

    def secret(self, name: str) -> Secret:
        """Give a credential of the person who started the run."""
        secret: Secret = self._calls.wait(self._authority.secret(name))
        return secret


class BlockingReader:
    """A stream input in a worker thread: a plain iterable."""

    def __init__(self, reader: ChunkReader, calls: _Calls) -> None:
        self._reader = reader
        self._calls = calls

    def __iter__(self) -> Iterator[Any]:
        cursor = aiter(self._reader)
        while True:
            ended, chunk = self._calls.wait(_next(cursor))
            if ended:
                return
            yield chunk

    def final(self) -> Any:
        """Wait for the end and give the aggregate."""
        return self._calls.wait(self._reader.final())


async def _later(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


async def _awaited(function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    return await function(*arguments)


async def _next(cursor: AsyncIterator[Any]) -> tuple[bool, Any]:
    try:
        return False, await anext(cursor)
    except StopAsyncIteration:
        return True, None
