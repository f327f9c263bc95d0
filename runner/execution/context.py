"""TaskContext: what a task is given while it runs."""

import asyncio
import hashlib
import inspect
import logging
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from runner.errors import TaskAbandoned
from runner.execution.artifacts import Content, RunArtifacts
from runner.execution.mail import Mail
from runner.execution.network import Network
from runner.execution.programs import Emit, Program, Say
from runner.execution.secrets import Secret
from runner.execution.stream import Stream
from runner.graph.artifact import ANY_MEDIA_TYPE, Artifact

logger = logging.getLogger("runner.task")


class Desk(Protocol):
    """What a context passes on to: the executor, seen from one attempt of one task."""

    @property
    def network(self) -> Network:
        """Give what may be reached of other machines."""

    async def send_mail(self, mail: Mail) -> str:
        """Send a message; give its id."""

    def open_stream(self, path: str, port: str) -> Stream:
        """Give the stream of an output port, opening it at the first chunk."""

    def take(self, stream: Stream, chunk: Any) -> bool:
        """Take one chunk; give whether its readers lag, or may: then wait for its throttle."""

    async def throttle(self, stream: Stream) -> None:
        """Wait while the readers of a stream lag, or too much of the run is not kept yet."""

    def close_stream(self, stream: Stream) -> None:
        """Say that no further chunk comes."""

    def resume_stream(self, path: str, port: str) -> int:
        """Begin a port with the chunks that were kept with the saved state; give how many."""

    def progressed(self, path: str, attempt: int, fraction: float, message: str) -> None:
        """Take note of progress."""

    def queued(self, path: str, why: str) -> None:
        """Take note that the body waits elsewhere for a worker, and holds nothing here."""

    def taken(self, path: str, attempt: int) -> None:
        """Take note that a worker elsewhere has begun the body."""

    def kept(self, path: str) -> "Kept":
        """Give what an earlier attempt kept, for a body that runs elsewhere."""

    def mask(self, text: str) -> str:
        """Take the run's secrets out of a text."""

    def logged(self, path: str, attempt: int, level: str, message: str) -> None:
        """Take note of a log line."""

    async def save_state(self, path: str, value: Any) -> None:
        """Keep a body's state, with its place in its streams."""

    def saved_state(self, path: str) -> Any:
        """Give the state that an earlier attempt kept; None if there is none."""

    def decision(self, path: str, name: str) -> tuple[bool, Any]:
        """Say whether a task has decided this before, and how."""

    async def keep_decision(self, path: str, name: str, value: Any) -> Any:
        """Keep a decision; give it as it will be read back."""

    async def ask(self, path: str, question: Mapping[str, Any]) -> Any:
        """Wait for a person's answer."""

    async def wait_until(self, path: str, at: datetime) -> None:
        """Wait for a time."""

    def artifacts(self) -> RunArtifacts:
        """Give what saves and reads the run's artifacts."""

    def identity(self) -> str:
        """Name the person whose authority the run has."""

    async def secret(self, path: str, name: str) -> Secret:
        """Give a credential, waiting while it is missing."""

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> Any:
        """Give what an expression gives over named values."""

    async def run_program(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Give what a person's code gives by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What attempts of a task kept: its decisions (encoded, by name), and chunks by port."""

    decisions: Mapping[str, str] = field(default_factory=dict)
    chunks: Mapping[str, int] = field(default_factory=dict)


class Authority:
    """Whose authority a task has, and the credentials that its type declares."""

    def __init__(self, desk: Desk, path: str) -> None:
        self._desk = desk
        self._path = path

    @property
    def identity(self) -> str:
        """The person who started the run."""
        return self._desk.identity()

    async def secret(self, name: str) -> Secret:
        """Give a credential of that person; waits while it is missing or expired.

        Raises RunnerError for a name that the task type does not declare in its `needs`.
        """
        return await self._desk.secret(self._path, name)


class TaskContext:
    """What a task may do while it runs; bound to one attempt, refused once that is over."""

    __slots__ = (
        "_desk", "_fraction", "_log", "_over", "_streams", "attempt", "ended_by", "path", "run",
    )  # fmt: skip

    def __init__(self, desk: Desk, run: str, path: str, attempt: int) -> None:
        self.run = run
        self.path = path
        self.attempt = attempt
        self._desk = desk
        self._streams: dict[str, Stream] = {}
        self._fraction = 0.0
        self._over = False
        #: Why it was stopped from outside: "stop" is the server's end, after which it goes on.
        self.ended_by = ""
        self._log: logging.LoggerAdapter[logging.Logger] | None = None

    @property
    def log(self) -> "logging.LoggerAdapter[logging.Logger]":
        """A standard logger; its lines go to the run's log and to Python logging."""
        if self._log is None:
            said = {"run": self.run, "path": self.path, "attempt": self.attempt}
            self._log = logging.LoggerAdapter(log_of(self), said)
        return self._log

    @property
    def idempotency_key(self) -> str:
        """The same text for every attempt of this task in this run (SHA-256 of run and path)."""
        return hashlib.sha256(f"{self.run}/{self.path}".encode()).hexdigest()

    @property
    def cancelled(self) -> bool:
        """Whether the task should stop; bodies in threads look at it now and then."""
        return self._over

    @property
    def auth(self) -> Authority:
        """The starter's identity, and the credentials that the task type declares."""
        return Authority(self._desk, self.path)

    # ── streams ──────────────────────────────────────────────────────────────────────────────

    async def push_chunk(self, port: str, chunk: Any) -> None:
        """Send one chunk to the dependants of a streaming port; waits while they lag."""
        stream = self._streams.get(port) or self._stream(port)
        if self._desk.take(stream, chunk):
            await self._desk.throttle(stream)

    def close_stream(self, port: str) -> None:
        """Say that no further chunk comes on a port."""
        self._desk.close_stream(self._stream(port))

    async def attach_stream(self, port: str, source: AsyncIterable[Any]) -> None:
        """Push every chunk of an async iterator, then close the port."""
        streams, take = self._streams, self._desk.take
        async for chunk in source:
            stream = streams.get(port) or self._stream(port)
            if take(stream, chunk):
                await self._desk.throttle(stream)
        self.close_stream(port)

    def resume_stream(self, port: str) -> int:
        """Go on with the chunks of a port that were kept with the saved state; say how many.

        Raises RunnerError when there is no saved state, or the port has chunks already.
        """
        self._refuse_if_over()
        return self._desk.resume_stream(self.path, port)

    def _stream(self, port: str) -> Stream:
        self._refuse_if_over()
        stream = self._streams.get(port)
        if stream is None:
            stream = self._streams[port] = self._desk.open_stream(self.path, port)
        return stream

    # ── what is kept ─────────────────────────────────────────────────────────────────────────

    @property
    def saved_state(self) -> Any:
        """What an earlier attempt of this task kept with `save_state`; None if nothing."""
        return self._desk.saved_state(self.path)

    async def save_state(self, value: Any) -> None:
        """Keep a JSON value to go on from, with all earlier chunks and the place in each stream."""
        self._refuse_if_over()
        await self._desk.save_state(self.path, value)

    async def decide(self, name: str, make: Any) -> Any:
        """Give what was decided the first time; a resumed task never decides differently.

        For chance, the time, and whatever else would not be the same again. `make` is the value,
        or a function, async or not, that gives it.
        """
        self._refuse_if_over()
        known, value = self._desk.decision(self.path, name)
        if known:
            return value
        made = make() if callable(make) else make
        return await self._desk.keep_decision(
            self.path, name, await made if inspect.isawaitable(made) else made
        )

    async def save_artifact(
        self, content: Content, name: str = "", media_type: str = ANY_MEDIA_TYPE
    ) -> Artifact:
        """Keep a file: bytes, a binary file or an iterable of bytes; give it as a value.

        It stays if a value that the run keeps mentions it. Raises SizeLimit.
        """
        self._refuse_if_over()
        return await asyncio.to_thread(self.artifacts.save, content, name, media_type)

    @property
    def artifacts(self) -> RunArtifacts:
        """What saves and reads the run's artifacts, in whatever thread."""
        return self._desk.artifacts()

    @property
    def network(self) -> Network:
        """Which other machines may be reached, and how much of an answer is taken."""
        return self._desk.network

    async def send_mail(self, mail: Mail) -> str:
        """Send a message by a mailer of the operator's; give its id.

        Raises Refused and Unavailable.
        """
        self._refuse_if_over()
        return await self._desk.send_mail(mail)

    # ── waiting ──────────────────────────────────────────────────────────────────────────────

    async def ask(self, question: Mapping[str, Any]) -> Any:
        """Ask a person, and wait for the answer: once in a run, also after a resume.

        `question` has a `kind` ("input" or "approval"), and what the page needs to ask it.
        """
        self._refuse_if_over()
        return await self._desk.ask(self.path, question)

    async def wait_until(self, at: datetime) -> None:
        """Wait for a time, holding no slot; give `decide` the time, so that a resume keeps it."""
        self._refuse_if_over()
        await self._desk.wait_until(self.path, at)

    # ── saying ───────────────────────────────────────────────────────────────────────────────

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> Any:
        """Give what an expression gives over named values, in a sandbox.

        Raises ExpressionError with a sentence.
        """
        self._refuse_if_over()
        return await self._desk.evaluate(source, values)

    async def run_program(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Give the results of a person's code by name, from a sandbox.

        `emit` is awaited with each value that it emits, `say` called with what it prints.
        Raises CodeError with a sentence.
        """
        self._refuse_if_over()
        return await self._desk.run_program(program, emit, say)

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the task is: 0 to 1; it is clamped and never falls."""
        self._refuse_if_over()
        self._fraction = max(self._fraction, min(1.0, max(0.0, float(fraction))))
        self._desk.progressed(self.path, self.attempt, self._fraction, message)

    def note(self, level: str, message: str) -> None:
        """Take a line for the run's log; what came after the end is dropped."""
        if not self._over:
            self._desk.logged(self.path, self.attempt, level, message)

    def mask(self, text: str) -> str:
        """Take the secrets that the run's tasks were given out of a text."""
        return self._desk.mask(text)

    # ── what runs elsewhere ──────────────────────────────────────────────────────────────────

    @property
    def kept(self) -> Kept:
        """What earlier attempts kept."""
        return self._desk.kept(self.path)

    def queued(self, why: str) -> None:
        """Say what the body waits for before a worker elsewhere begins it."""
        if not self._over:
            self._desk.queued(self.path, why)

    def taken(self) -> None:
        """Say that a worker elsewhere has begun the body."""
        if not self._over:
            self._desk.taken(self.path, self.attempt)

    def end(self, reason: str = "") -> None:
        """Refuse everything from now on: the attempt is over."""
        self._over = True
        self.ended_by = self.ended_by or reason
        self._streams.clear()

    def _refuse_if_over(self) -> None:
        if self._over:
            raise TaskAbandoned(self.path, self.attempt)


class _SecretFilter(logging.Filter):
    """Takes the run's secrets out of a line, before any log has it."""

    def __init__(self, context: TaskContext) -> None:
        super().__init__()
        self._context = context

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._context.mask(record.getMessage()), None
        if record.exc_info:
            record.exc_text = self._context.mask(_FORMATTER.formatException(record.exc_info))
            record.exc_info = None
        return True


_FORMATTER = logging.Formatter()


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


def log_of(context: TaskContext, loop: asyncio.AbstractEventLoop | None = None) -> logging.Logger:
    """Give a logger of its own whose lines go to the run's log and to Python logging."""
    log = logging.Logger(logger.name, logging.INFO)  # noqa: LOG001 - one for each attempt, freed with it
    log.parent = logger
    log.addFilter(_SecretFilter(context))
    log.addHandler(_RunLogHandler(context, loop))
    return log
