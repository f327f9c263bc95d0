"""The simulated loop leaves nothing behind of a process that was killed."""

import asyncio
import gc
import warnings
from random import Random

from tests.simulation.loop import SimulatedLoop


def test_what_a_killed_process_still_begins_as_it_is_closed_is_closed_too():
    loop = SimulatedLoop(lambda: 0.0, print, Random(0), shuffled=False)
    begun: list[str] = []

    async def last() -> None:
        begun.append("last")

    async def first() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.Task(last(), loop=loop)

    asyncio._set_running_loop(loop)
    try:
        loop.create_task(first())
        while loop.is_ready:
            loop.step()
    finally:
        asyncio._set_running_loop(None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop.abandon()
        gc.collect()
    assert (begun, [str(each.message) for each in caught]) == ([], [])
