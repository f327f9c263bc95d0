"""Runs a workload on the memory store; gives the seconds and what was kept."""

import asyncio
import time
from collections.abc import Callable
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
    definition: str, *, beside: Callable[[], Any] | None = None, graph: TaskGraph | None = None
) -> Ran:
    """Drive a run on the memory store; `beside` makes a coroutine that goes on meanwhile."""
    graph = graph or planned(definition)
    store = MemoryStore()
    run = store.submit(definition, "{}")
    seconds = asyncio.run(_drive(graph, store, beside))
    return kept_in_memory(store.runs[run], seconds)


async def _drive(
    graph: TaskGraph, store: MemoryStore, beside: Callable[[], Any] | None = None
) -> float:
    (stored,) = await store.claim("bench", 1)
    if beside is None:
        return await timed(graph, store, stored)
    other = asyncio.create_task(beside())
    await asyncio.sleep(0.05)
    seconds = await timed(graph, store, stored)
    other.cancel()
    return seconds


async def timed(graph: TaskGraph, store: RunStore, stored: StoredRun) -> float:
    """Drive a planned run to its end, its run state built and its last commit acknowledged."""
    began = time.perf_counter()
    await RunExecutor(graph, store, stored).run()
    return time.perf_counter() - began


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
