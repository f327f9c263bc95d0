"""Lets a task of the library read a stream that is still open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from runner import GraphBuilder, TaskGraphRunner, task

SECONDS = 10


async def listed(it, items, port="items", host=None):
    """Give what a task gives for a list that flows in; raises RunFault."""
    graph = GraphBuilder("listed")
    flows: dict[str, Any] = {port: graph.input(port, "list[any]")}
    drawn = graph.add("it", it, **flows)
    for name in it.outputs:
        graph.output(name, getattr(drawn, name))
    return await TaskGraphRunner(host=host).start(graph.as_task(), {port: items}).outputs()


def fed(it, port, chunks, output, *, gate=None, **inputs):
    """Start a run in which `it` reads chunks at `port`; after them the stream waits for `gate`.

    Give the run; its output has the name of the task's.
    """
    held = gate or asyncio.Event()

    @task(effect="none", name="test.source")
    async def source() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk
        await asyncio.wait_for(held.wait(), SECONDS)

    graph = GraphBuilder("flowing")
    flows: dict[str, Any] = {port: graph.add("source", source).result, **inputs}
    drawn = graph.add("it", it, **flows)
    graph.output(output, getattr(drawn, output))
    return TaskGraphRunner().start(graph.as_task())


async def first_of(run, output):
    """Give the first chunk of an output whose source is still open, then cancel the run."""
    async with aclosing(run.stream(output)) as chunks:
        first = await asyncio.wait_for(anext(chunks), SECONDS)
    await cancelled(run)
    return first


async def cancelled(run):
    """Cancel a run and give for how many seconds it went on."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    run.cancel()
    last = [each async for each in run.events()][-1]
    assert last.kind == "RunCancelled", last
    return loop.time() - began
