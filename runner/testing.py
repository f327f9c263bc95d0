"""A test kit for who writes tasks: run one as a run does, and look at all that it said."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runner.errors import RunFault, StreamFailed
from runner.execution.host import Host
from runner.execution.inline import InlineRun, TaskGraphRunner
from runner.graph.building import Part
from runner.run import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a task did: its outputs and chunks by port, and what it said meanwhile, in order.

    `error` is the sentence it failed with, and `outputs` is empty then. `progress` has a fraction
    (0 to 1) and words each time; `attempts` counts how often it was begun.
    """

    outputs: Mapping[str, Any]
    chunks: Mapping[str, tuple[Any, ...]]
    progress: tuple[tuple[float, str], ...]
    logs: tuple[str, ...]
    attempts: int
    error: str


async def observe(
    task: Part,
    inputs: Mapping[str, Any] | None = None,
    *,
    host: Host | None = None,
    identity: str = "",
    cancel_after: int | None = None,
) -> Observed:
    """Run a task (a class, an object or a graph) to its end, whatever that is.

    It is cancelled when any of its ports has given `cancel_after` chunks, 0 for at once. Raises
    PlanError for inputs that do not fit.
    """
    run = TaskGraphRunner(host=host, identity=identity).start(task, inputs)
    if cancel_after == 0:
        run.cancel()
    async with asyncio.TaskGroup() as group:
        streams = {
            port: group.create_task(_chunks(run, port, cancel_after)) for port in run.graph.outputs
        }
        happened = [event async for event in run.events()]
    outputs, error = await _ended(run)
    return Observed(
        outputs=outputs,
        chunks={port: tuple(each.result()) for port, each in streams.items()},
        progress=tuple(
            (each.fraction, each.message)
            for each in happened
            if isinstance(each, events.TaskProgressed)
        ),
        logs=tuple(each.message for each in happened if isinstance(each, events.TaskLogged)),
        attempts=sum(isinstance(each, events.TaskStarted) for each in happened),
        error=error,
    )


async def _chunks(run: InlineRun, port: str, cancel_after: int | None) -> list[Any]:
    """Give the chunks until the stream ends, or breaks because its task failed."""
    seen: list[Any] = []
    with suppress(StreamFailed, RunFault):
        async for chunk in run.stream(port):
            seen.append(chunk)
            if len(seen) == cancel_after:
                run.cancel()
    return seen


async def _ended(run: InlineRun) -> tuple[Mapping[str, Any], str]:
    try:
        return await run.outputs(), ""
    except RunFault as fault:
        return {}, fault.sentence
