"""Where a task's body runs: on the event loop, in a worker thread, in a process of its own."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol

from runner.execution.blocking_context import BlockingContext
from runner.execution.context import TaskContext
from runner.execution.process_place import ProcessPlace
from runner.execution.queue_place import QueuePlace
from runner.execution.stream import ChunkReader
from runner.graph.policy import Policy
from runner.graph.task import Task

THREADS = 32


class Place(Protocol):
    """Somewhere that bodies can run.

    Whatever a place is, the executor sees the same: values and readers of streams go in, the
    body's words go through the context (chunks with their back-pressure, closes, progress, log
    lines, saved state, secrets), and what `execute` returned comes out, or what it raised. Away
    from this process that is a JSON job, numbered messages and a JSON outcome
    (`process_messages`), so that a job queue or a cluster is one more class and one more name.
    """

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body to its end and give what it returned; a cancel stops the body."""


class Places:
    """All places by name; a task type names its own in `place`, or runs on the loop or a thread."""

    def __init__(
        self,
        threads: int = THREADS,
        *,
        more: Mapping[str, Place] | None = None,
        queue: QueuePlace | None = None,
    ) -> None:
        """Bound how many threads work at once; replace places by name; say where the queue is.

        Without a queue, as in a script, what would be posted runs where its type says.
        """
        self._queue = queue
        self._places: dict[str, Place] = {
            "loop": LoopPlace(),
            "thread": ThreadPlace(threads),
            "process": ProcessPlace(),
            **(more or {}),
        }
        # Most bodies run on the loop: they are spared one frame and a look.
        self._is_plain = "loop" not in (more or {})

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body where its task type says; raises what the body raised."""
        if self._is_plain and not task.place and not task.blocking:
            returned = task.execute(task.bind(inputs), context)
            return await returned if isawaitable(returned) else returned
        return await self._places[place_of(task)].run(task, inputs, context)

    async def post(
        self, task: Task, inputs: Mapping[str, Any], context: TaskContext, policy: Policy
    ) -> Any:
        """Let a worker of the job queue run a body; raises what the body raised."""
        if self._queue is None:
            return await self.run(task, inputs, context)
        return await self._queue.run(task, inputs, context, policy)


def place_of(task: Task) -> str:
    """Name the place where a task's body runs."""
    return task.place or ("thread" if task.blocking else "loop")


class LoopPlace:
    """Runs bodies on the event loop, which they must not hold."""

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body to its end and give what it returned."""
        returned = task.execute(task.bind(inputs), context)
        return await returned if isawaitable(returned) else returned


class ThreadPlace:
    """Runs each body in a thread of its own; bounds how many threads work at once.

    A body that reads or writes streams takes no place under the bound: it may wait for another
    body, and must never wait for a thread that this other body needs.
    """

    def __init__(self, threads: int) -> None:
        self._threads = asyncio.Semaphore(threads)

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body to its end and give what it returned.

        A cancel waits for the thread, which hears of it from its context; another gives it up.
        """
        if task.streaming() or any(_readers(value) for value in inputs.values()):
            return await self._in_thread(task, inputs, context)
        async with self._threads:
            return await self._in_thread(task, inputs, context)

    async def _in_thread(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        blocking = BlockingContext(context, asyncio.get_running_loop())
        given = {port: _blocking(value, blocking) for port, value in inputs.items()}
        return await _threaded(
            lambda: task.execute_blocking(task.bind(given), blocking),
            context.path,
            blocking.interrupt,
        )


def _readers(value: Any) -> list[ChunkReader]:
    """Give the readers in an input: itself, or those of several streams."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, ChunkReader)]


def _blocking(value: Any, context: BlockingContext) -> Any:
    readers = _readers(value)
    if not readers:
        return value
    twins = [context.read(each) for each in readers]
    return twins if isinstance(value, list) else twins[0]


async def _threaded(body: Callable[[], Any], name: str, interrupt: Callable[[], None]) -> Any:
    """Run a function in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, fault: BaseException | None) -> None:
        if outcome.done():
            return
        if fault is None:
            outcome.set_result(value)
        else:
            outcome.set_exception(fault)

    def work() -> None:
        value: Any = None
        fault: Exception | None = None
        try:
            value = body()
        except StopIteration as stop:
            fault = RuntimeError(f"the body raised StopIteration: {stop}")
        except Exception as raised:
            fault = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, fault)

    # With what the body's task knows of the run: where the content of artifacts is read.
    known = contextvars.copy_context()
    threading.Thread(target=known.run, args=(work,), name=name, daemon=True).start()
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        # The thread hears of it from its context; a second cancel gives it up.
        interrupt()
        try:
            await asyncio.wait([outcome])
        finally:
            outcome.cancel()
        raise
