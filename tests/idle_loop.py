"""An event loop that sees when nothing is left to do though its coroutine has not ended."""

import asyncio
import gc
import selectors
from collections.abc import Awaitable, Callable
from typing import Any


class _IdleSelector(selectors.DefaultSelector):
    """Calls `on_idle` when the loop would wait for ever."""

    on_idle: Callable[[], None]

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            self.on_idle()
            timeout = 0
        return super().select(timeout)


def run_until_idle(make: Callable[[], Awaitable[Any]]) -> tuple[Any, bool]:
    """Run a coroutine on a loop of its own; give its result, and whether it hung.

    What a task raises that nobody awaits fails the test.
    """
    faults: list[dict[str, Any]] = []
    selector = _IdleSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.set_exception_handler(lambda _, context: faults.append(context))
    hung = False

    async def call() -> Any:
        return await make()

    main = loop.create_task(call())

    def on_idle() -> None:
        nonlocal hung
        hung = True
        main.cancel()

    selector.on_idle = on_idle
    try:
        result = loop.run_until_complete(main)
    except asyncio.CancelledError:
        result = None
    finally:
        loop.close()
    gc.collect(0)
    assert not faults, faults
    return result, hung
