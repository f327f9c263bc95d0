"""What runs ahead of the commits is bounded: whoever streams waits for the storage, too."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.stream import WINDOW_CHUNKS
from runner.graph.task import task
from tests.drive import outputs_of
from tests.handshake import registry_with, text_of
from tests.planned import written
from tests.tasks import give_way
from tests.under_way import submit_and_begin


class Slow(MemoryStore):
    """A store that takes chunks only once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def commit(self, batch: Any) -> None:
        if batch.chunks:
            await self.gate.wait()
        await super().commit(batch)


@pytest.mark.parametrize("attached", [False, True])
async def test_a_stream_too_far_ahead_of_its_commits_waits_for_them(attached):
    """Engine 4.5, 5.6: by bytes; nobody reads it, and the wait counts toward no timeout."""
    pushed: list[int] = []

    async def numbers() -> AsyncIterator[str]:
        for number in range(400):
            pushed.append(number)
            yield "x" * 10_000

    @task(name="streams.much", effect="none")
    async def streams() -> AsyncIterator[str]:
        async for text in numbers():
            yield text

    class Attached(streams):  # type: ignore[misc, valid-type]
        """The same, attached."""

        name = "attaches.much"

        async def execute(self, inputs: Any, context: Any) -> None:
            await context.attach_stream("result", numbers())

    kind: Any = Attached if attached else streams
    store = Slow()
    run = await submit_and_begin(
        text_of(written({"one": kind.name}, outputs={"all": "one.result"})),
        registry=registry_with(kind), store=store, host=Host(ahead_bytes=200_000),
    )  # fmt: skip
    await run.until_event("TaskStarted", "one")
    before = -1
    while before < len(pushed):
        before = len(pushed)
        await give_way(200)
    # What was allowed, and a window for which nobody looks.
    assert 20 < before <= 20 + 2 * WINDOW_CHUNKS
    store.gate.set()
    assert len(str(outputs_of(await run.end())["all"])) == 4_000_000
