"""What a body in a thread may ask, and how it hears that its task was given up."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runner.errors import TaskAbandoned
from runner.execution.blocking_context import BlockingContext
from runner.execution.context import TaskContext
from runner.graph.task import task
from tests.drive import outputs_of
from tests.handshake import drive_written

SECONDS = 10


class Silent:
    """A desk that answers no question, and says when it has heard one."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ask(self, path: str, question: Any) -> None:
        self.asked.set()
        await asyncio.Event().wait()


class Overheard:
    """A loop that says when somebody from another thread has called it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.called = threading.Event()
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_soon_threadsafe(self, *call: Any) -> Any:
        handle = self._loop.call_soon_threadsafe(*call)
        self.called.set()
        return handle


def context_on(desk: Any, loop: Any = None) -> BlockingContext:
    """Give the context of a body in a thread that belongs to this loop."""
    context = TaskContext(desk, "run-1", "one", 1)
    return BlockingContext(context, loop or asyncio.get_running_loop())


async def test_a_thread_that_waits_for_an_answer_hears_that_it_was_given_up():
    """Engine 5.8."""
    desk = Silent()
    context = context_on(desk)
    waiting = asyncio.create_task(asyncio.to_thread(context.ask, {"title": "Go on?"}))
    await asyncio.wait_for(desk.asked.wait(), SECONDS)
    context.interrupt()

    with pytest.raises(TaskAbandoned):
        await asyncio.wait_for(waiting, SECONDS)


async def test_a_question_that_the_loop_has_not_taken_up_yet_is_given_up_with_its_thread():
    """Engine 5.8."""
    loop: Any = Overheard(asyncio.get_running_loop())
    context = context_on(Silent(), loop)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(context.ask, {"title": "Go on?"})
        # The loop is held here: what was asked stands in its line.
        assert loop.called.wait(SECONDS)
        context.interrupt()
        with pytest.raises(TaskAbandoned):
            await asyncio.wait_for(asyncio.wrap_future(waiting), SECONDS)


async def test_a_body_that_was_given_up_keeps_no_file():
    """Engine 5.8."""
    context = context_on(Silent())
    context._context.end()
    with pytest.raises(TaskAbandoned):
        context.save_artifact(b"late")


async def test_a_body_in_a_thread_evaluates_an_expression():
    """Engine 8.3."""

    @task(name="evaluates.here", effect="none")
    def evaluates(context: Any, number: int = 20) -> int:
        return int(context.evaluate("n + 1", {"n": number}))

    run = await drive_written(
        {"one": "evaluates.here"}, "", evaluates, outputs={"out": "one.result"}
    )
    assert outputs_of(run) == {"out": 21}
