"""Where a task's body runs: on the event loop, or in a worker thread."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

from runner.execution.context import BlockingContext, TaskContext
from runner.execution.stream import ChunkReader
from runner.graph.task import Task

THREADS = 32


class Places:
    """Runs bodies where their task type says; bounds how many threads work at once.

    A body that reads or writes streams takes no place under the bound: it may wait for another
    body, and must never wait for a thread that this other body needs.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = asyncio.Semaphore(threads)

    async def run(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        """Run a body to its end and give what it returned."""
        if not task.blocking:
            return await _awaited(task.execute(task.bind(inputs), context))
        readers = [each for each in inputs.values() if isinstance(each, ChunkReader)]
        if readers or task.streaming():
            return await self._in_thread(task, inputs, context)
        async with self._threads:
            return await self._in_thread(task, inputs, context)

    async def _in_thread(self, task: Task, inputs: Mapping[str, Any], context: TaskContext) -> Any:
        loop = asyncio.get_running_loop()
        blocking = BlockingContext(context, loop)
        given = {
            port: blocking.read(value) if isinstance(value, ChunkReader) else value
            for port, value in inputs.items()
        }
        return await _threaded(
            lambda: task.execute_blocking(task.bind(given), blocking), context.path
        )


async def _awaited(returned: Any) -> Any:
    return await returned if inspect.isawaitable(returned) else returned


async def _threaded(body: Callable[[], Any], name: str) -> Any:
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

    threading.Thread(target=work, name=name, daemon=True).start()
    return await outcome
