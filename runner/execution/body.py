"""Body: one attempt of one task under way, and how its failure becomes data."""

import asyncio
import traceback
from pathlib import Path
from typing import Any

from runner.errors import RunnerError
from runner.execution.context import TaskContext
from runner.execution.stream import ChunkReader
from runner.run.events import TaskError

ERROR_CHARACTERS = 8192
_OWN_ROOM = str(Path(__file__).parent)


class Body:
    """The asyncio task of one attempt, its context and what it reads."""

    __slots__ = ("context", "inputs", "reason", "task")

    def __init__(self, context: TaskContext) -> None:
        self.context = context
        self.inputs: dict[str, Any] = {}
        self.reason = ""
        self.task: asyncio.Task[None]

    def stop(self, reason: str) -> None:
        """Cancel the body: the run stops ("cancel", "stop") or lost its inputs ("drop")."""
        self.reason = self.reason or reason
        self.context.end()
        self.task.cancel()

    def end(self) -> None:
        """Refuse whatever the body still says, and let its producers go."""
        self.context.end()
        for value in self.inputs.values():
            if isinstance(value, ChunkReader):
                value.close()


def error_of(fault: BaseException, path: str, attempt: int) -> TaskError:
    """Turn an exception into data: its type, its message, and the task's own frames."""
    message = str(fault) or type(fault).__name__
    return TaskError(
        type=type(fault).__name__,
        message=message[:ERROR_CHARACTERS],
        trace="" if isinstance(fault, RunnerError) else _trace(fault)[:ERROR_CHARACTERS],
        task=path,
        attempt=attempt,
    )


def _trace(fault: BaseException) -> str:
    """Write the frames of the task's own code; those of this engine say nothing to a reader."""
    frames = [
        each
        for each in traceback.extract_tb(fault.__traceback__)
        if not each.filename.startswith(_OWN_ROOM)
    ]
    said = "".join(traceback.format_list(frames))
    return said + "".join(traceback.format_exception_only(fault))
