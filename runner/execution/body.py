"""Body: one attempt of one task under way: its time, its slots, and its failure as data."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from runner.errors import RunnerError
from runner.execution.context import TaskContext
from runner.execution.process_messages import BodyFailed, bases_of
from runner.execution.slots import Ticket
from runner.execution.stream import ChunkReader
from runner.graph.policy import Policy
from runner.run.events import TaskError

ERROR_CHARACTERS = 8192
_OWN_ROOM = str(Path(__file__).parent)


class Body:
    """The asyncio task of one attempt, its context, what it reads, and the time it has taken.

    It is the meter of its streams: while the body waits inside the engine its clocks stand
    still, and its slots count as waiting.
    """

    __slots__ = (
        "_clock", "_depth", "_heard", "_is_elsewhere", "_since", "begun", "context", "inputs",
        "is_late", "is_timed", "reason", "runs", "task", "ticket",
    )  # fmt: skip

    def __init__(
        self, context: TaskContext, ticket: Ticket | None, clock: Callable[[], float]
    ) -> None:
        self.context = context
        self.ticket = ticket
        self.inputs: dict[str, Any] = {}
        self.reason = ""
        #: Whether the task's own code has begun.
        self.runs = False
        #: Whether that comes after its first step: then its clocks have still to begin.
        self.is_late = False
        #: Whether a timer of its own looks at it, near a limit of its time.
        self.is_timed = False
        self.task: asyncio.Task[None]
        self._clock = clock
        self.begun = self._heard = 0.0
        self._since = 0.0
        self._depth = 0
        self._is_elsewhere = False

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Say that the task's own code begins."""
        self.runs = True
        if self.is_late:
            self.begin()

    def begin(self) -> None:
        """Start the clocks; those of a body that ends in its first step never start."""
        self.begun = self._heard = self._clock()

    def heard(self) -> None:
        """Take note of a sign of life: a chunk, progress, or saved state."""
        self._heard = self._now()

    def _now(self) -> float:
        """Give the time of its clocks, which stand still while it waits."""
        return self._since if self._depth else self._clock()

    def waits(self) -> None:
        """Say that the body waits inside the engine."""
        self._depth += 1
        if self._depth == 1:
            self._since = self._clock()
            if self.ticket is not None:
                self.ticket.waits()

    def works(self) -> None:
        """Say that one such wait is over."""
        self._depth -= 1
        if self._depth == 0:
            waited = self._clock() - self._since
            if self.begun:
                self.begun += waited
                self._heard += waited
            if self.ticket is not None:
                self.ticket.works()

    def waits_elsewhere(self) -> None:
        """Say that it waits for a worker of the job queue, and hold no slots from now on."""
        if self._is_elsewhere:
            return
        self._is_elsewhere = True
        self.waits()
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.release()

    def works_elsewhere(self) -> bool:
        """Say that a worker has begun it; give whether it had waited for one."""
        if not self._is_elsewhere:
            return False
        self._is_elsewhere = False
        self.works()
        return True

    @property
    def works_now(self) -> bool:
        """Whether its clocks go: its own code runs, and does not wait inside the engine."""
        return self.runs and not self._depth

    def hold(self, ticket: Ticket) -> None:
        """Hold these slots from now on, or stand in line for them; waits under way count."""
        self.ticket = ticket
        if self._depth:
            ticket.waits()

    def time_left(self, policy: Policy) -> float | None:
        """Give the seconds before which no limit of time is passed; None without a limit."""
        now = self._now()
        begun, heard = (self.begun, self._heard) if self.begun else (now, now)
        left = [
            since + limit - now
            for since, limit in ((begun, policy.timeout), (heard, policy.idle_timeout))
            if limit is not None
        ]
        return min(left, default=None)

    def overdue(self, policy: Policy) -> str:
        """Say which limit of time is passed; empty if none is."""
        left = self.time_left(policy)
        if left is None or left > 0 or not self.works_now or self.reason:
            return ""
        if policy.timeout is not None and self._clock() - self.begun >= policy.timeout:
            return f"It ran longer than its timeout of {policy.timeout:g} s."
        return f"It gave no chunk and no progress for {policy.idle_timeout:g} s, its idle timeout."

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def stop(self, reason: str) -> None:
        """Stop the body: "cancel", "stop" (the server's), "drop" (its inputs), or "timeout"."""
        self.reason = self.reason or reason
        self.context.end(self.reason)
        self.task.cancel()

    def end(self) -> None:
        """Refuse whatever the body still says, and let its producers and its slots go."""
        self.context.end()
        for reader in self.readers():
            reader.close()
        if self.ticket is not None:
            self.ticket.release()

    def readers(self) -> Iterator[ChunkReader]:
        """Give what the body reads of streams."""
        for value in self.inputs.values():
            if isinstance(value, ChunkReader):
                yield value
            elif isinstance(value, list):
                yield from (each for each in value if isinstance(each, ChunkReader))


def error_of(
    fault: BaseException, path: str, attempt: int, mask: Callable[[str], str] = str
) -> TaskError:
    """Turn an exception into data: its type, its message, and the task's own frames, masked."""
    trace = "" if isinstance(fault, RunnerError) else _trace(fault)
    return TaskError(
        type=type(fault).__name__,
        message=mask(str(fault) or type(fault).__name__)[:ERROR_CHARACTERS],
        trace=mask(trace)[:ERROR_CHARACTERS],
        task=path,
        attempt=attempt,
        bases=bases_of(fault),
    )


def _trace(fault: BaseException) -> str:
    """Write the frames of the task's own code; those of this engine say nothing to a reader."""
    if isinstance(fault, BodyFailed):
        return fault.trace
    frames = [
        each
        for each in traceback.extract_tb(fault.__traceback__)
        if not each.filename.startswith(_OWN_ROOM)
    ]
    said = "".join(traceback.format_list(frames))
    return said + "".join(traceback.format_exception_only(fault))
