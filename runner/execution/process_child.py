"""The child of a process place: runs one body, asks its parent for all that leaves the process.

It speaks on a file descriptor of its own, so that what a body prints or reads disturbs nothing.
When the parent's end closes it ends at once, whatever the body does.
"""

import asyncio
import importlib
import inspect
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from runner.errors import RunnerError
from runner.execution.body import error_of
from runner.execution.process_context import (
    BlockingContext,
    BlockingReader,
    Line,
    LoopContext,
    LoopReader,
)
from runner.execution.process_messages import Message, said_of
from runner.graph.task import Task
from runner.graph.values import decode


def found(name: str) -> type[Task]:
    """Import a task type by "module:qualname"; raises RunnerError if it is none."""
    module, _, qualname = name.partition(":")
    kind: Any = importlib.import_module(module)
    for part in qualname.split("."):
        kind = getattr(kind, part, None)
    if not isinstance(kind, type) or not issubclass(kind, Task):
        raise RunnerError(f"'{name}' is no task type that can be imported.")
    return kind


def run_body(job: Message, line: Line) -> dict[str, str]:
    """Run the body of a job to its end; give its encoded outputs by port."""
    task = found(job["task"])(decode(job["config"]))
    inputs: Mapping[str, str] = job["inputs"]
    values = {name: task.inputs[name].decode(text) for name, text in inputs.items()}
    ports = [task.inputs[name] for name in job["streams"]]
    context: LoopContext | BlockingContext
    if task.blocking:
        context = BlockingContext(line, task, job)
        signal.signal(signal.SIGTERM, lambda *_: _stop(context, line))
        values |= {port.name: BlockingReader(line, port) for port in ports}
        with _within_memory(task):
            returned = task.execute_blocking(task.bind(values), context)
    else:
        context = LoopContext(line, task, job)
        values |= {port.name: LoopReader(line, port) for port in ports}
        with _within_memory(task):
            returned = asyncio.run(_on_loop(task, values, context))
    context.settle()
    collected = task.collect(returned)
    return {name: task.outputs[name].encode(value) for name, value in collected.items()}


async def _on_loop(task: Task, values: Mapping[str, Any], context: LoopContext) -> Any:
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 - asyncio.run makes one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _cancel, body, context)
    try:
        returned = task.execute(task.bind(values), context)
        return await returned if inspect.isawaitable(returned) else returned
    except asyncio.CancelledError:
        if context.cancelled:
            raise
        raise RunnerError("The task's body was cancelled from inside.") from None


def _stop(context: LoopContext | BlockingContext, line: Line) -> None:
    context.cancelled = True
    line.give_up()


def _cancel(body: asyncio.Task[Any], context: LoopContext) -> None:
    context.cancelled = True
    body.cancel()


@contextmanager
def _within_memory(task: Task) -> Iterator[None]:
    """Let a body take no more than its task may; raises RunnerError when it would."""
    if not task.memory:
        yield
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (task.memory, most))
    try:
        yield
    except MemoryError:
        raise RunnerError(
            f"{task.title} needs more than {task.memory >> 20:,} MiB of memory; give it less at a "
            "time."
        ) from None
    finally:
        # What is left to do is to say how it went.
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> NoReturn:
    """Take the job, run it, say the outcome, end without waiting for any thread."""
    line = Line(int(sys.argv[1]))
    job = line.receive()
    line.listen()
    try:
        outcome: Message = {"outputs": run_body(job, line)}
    except (Exception, SystemExit) as fault:
        error = error_of(fault, job["path"], job["attempt"])
        outcome = {"failed": said_of(fault, error.message, error.trace)}
    except asyncio.CancelledError:
        os._exit(128 + signal.SIGTERM)
    sys.stdout.flush()
    sys.stderr.flush()
    line.say(outcome)
    os._exit(0)


if __name__ == "__main__":
    main()
