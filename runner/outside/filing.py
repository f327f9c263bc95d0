"""Filing: keeps a body that comes in on the event loop as a file that is written in a thread."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from runner.graph.artifact import Artifact

_BLOCKS = 4


async def filed(context: Any, blocks: AsyncIterator[bytes], name: str, media_type: str) -> Artifact:
    """Save blocks as an artifact while they come; raises what they or the saving raise."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[bytes | Exception | None](_BLOCKS)

    def taken() -> Iterator[bytes]:
        while True:
            block = asyncio.run_coroutine_threadsafe(waiting.get(), loop).result()
            if isinstance(block, Exception):
                raise block
            if block is None:
                return
            yield block

    saving = asyncio.create_task(context.save_artifact(taken(), name, media_type))
    try:
        async for block in blocks:
            await _put(waiting, block, saving)
        await _put(waiting, None, saving)
        saved: Artifact = await saving
    except BaseException as fault:
        _break_off(waiting, fault)
        await asyncio.gather(saving, return_exceptions=True)
        raise
    return saved


async def _put(
    waiting: "asyncio.Queue[bytes | Exception | None]",
    block: bytes | None,
    saving: "asyncio.Task[Artifact]",
) -> None:
    """Hand a block over; raises what the saving raised if it takes no more."""
    putting = asyncio.ensure_future(waiting.put(block))
    try:
        await asyncio.wait({putting, saving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        putting.cancel()
    if saving.done() and block is not None:
        saving.result()


def _break_off(waiting: "asyncio.Queue[bytes | Exception | None]", fault: BaseException) -> None:
    """Let the thread that writes end now: what it wrote so far is discarded."""
    while not waiting.empty():
        waiting.get_nowait()
    waiting.put_nowait(fault if isinstance(fault, Exception) else InterruptedError("Stopped."))
