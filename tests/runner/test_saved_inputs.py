"""Saved state and what it was made of: it holds only if that is still what the task reads."""

import asyncio
from typing import Any

from runner.graph.building import GraphBuilder
from runner.graph.choices import Fallback
from runner.graph.ports import Chunks
from runner.graph.task import task
from tests.held_tasks import GATES, Flaky
from tests.runs import Driven, run
from tests.tasks import Emit, Number

FOUND: list[Any] = []


@task(name="saves.first", effect="none")
async def saves(numbers: Chunks[int], context: Any) -> list[int]:
    """All numbers; it saves its state at the first."""
    FOUND.append(context.saved_state)
    read = []
    async for number in numbers:
        read.append(number)
        if len(read) == 1:
            await context.save_state(read)
    return read


async def test_a_state_made_of_another_task_s_stream_is_not_used():
    """Engine 4.10, 7.4: the stream of a fallback starts again with another alternative."""
    FOUND.clear()
    GATES.clear()
    graph = GraphBuilder("alternatives")
    gated = Flaky({"fails": 9, "after": 2, "gate": "saved"})
    tried = graph.add("tried", Fallback.of(gated, Emit), count=3, start=50)
    graph.output("read", graph.add("saves", saves, numbers=tried.numbers).result)
    async with Driven(graph) as driven:
        await driven.until("StateSaved", "saves")
        GATES.setdefault("saved", asyncio.Event()).set()
        ran = await driven.end()
    assert ran.outputs == {"read": [0, 1, 2]}
    assert FOUND == [None, None]


async def test_a_state_made_of_a_list_of_values_holds_in_the_next_attempt():
    """Engine 7.4."""
    FOUND.clear()

    @task(name="saves.sum", effect="none")
    async def sums(values: list[int], context: Any) -> int:
        FOUND.append(context.saved_state)
        if context.saved_state is None:
            await context.save_state(sum(values))
            raise ValueError("the first attempt ends here")
        return int(context.saved_state)

    graph = GraphBuilder("sums")
    policy = {"retry": {"attempts": 2, "delay": 0.0}}
    numbers = [graph.add(name, Number, value=21).result for name in ("one", "two")]
    total = graph.add("sums", sums, values=numbers, policy=policy)
    graph.output("total", total.result)
    ran = await run(graph)
    assert (ran.outputs, FOUND) == ({"total": 42}, [None, 42])
