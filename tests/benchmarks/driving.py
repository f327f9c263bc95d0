"""Runs a workload on the memory store; gives the seconds and what was kept."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.execution.store import RunStore, StoredRun
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.task_graph import TaskGraph
from runner.graph.values import decode
from runner.run import events as happened
from tests.benchmarks.shapes import registry

SETTLE_SECONDS = 0.05

#: Makes what goes on beside a run.
type Beside = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that ended: its time, and what the store kept of it."""

    run: str
    seconds: float
    outputs: dict[str, Any]
    seqs: list[int]
    values: dict[str, Any]


def planned(definition: str) -> TaskGraph:
    """Plan a workload."""
    return plan(GraphDefinition.from_json(definition), {}, registry())


def run_in_memory(
    definition: str, *, beside: Beside | None = None, graph: TaskGraph | None = None
) -> Ran:
    """Drive a run on the memory store; `beside` makes a coroutine that goes on meanwhile."""
    graph = graph or planned(definition)
    store = MemoryStore()
    run = store.submit(definition, "{}")
    seconds = asyncio.run(_drive(graph, store, beside))
    return kept_in_memory(store.runs[run], seconds)


async def _drive(graph: TaskGraph, store: MemoryStore, beside: Beside | None) -> float:
    (stored,) = await store.claim("bench", 1)
    return await timed(graph, store, stored, beside)


async def timed(
    graph: TaskGraph, store: RunStore, stored: StoredRun, beside: Beside | None = None
) -> float:
    """Drive a planned run to its end, its run state built and its last commit acknowledged."""
    other = asyncio.create_task(beside()) if beside else None
    await asyncio.sleep(SETTLE_SECONDS if beside else 0)
    began = time.perf_counter()
    await RunExecutor(graph, store, stored).run()
    seconds = time.perf_counter() - began
    if other is not None:
        other.cancel()
    return seconds


def kept_in_memory(run: MemoryRun, seconds: float) -> Ran:
    """Read back what the memory store kept."""
    end = run.entries[-1].event
    if not isinstance(end, happened.RunCompleted):
        raise TypeError(f"the run ended with {end}")
    return Ran(
        run=run.id,
        seconds=seconds,
        outputs={port: decode(text) for port, text in end.outputs.items()},
        seqs=[entry.seq for entry in run.entries],
        values={
            path: decode(kept.outputs["result"])
            for path, kept in run.checkpoints.items()
            if "result" in kept.outputs
        },
    )
