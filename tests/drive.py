"""Runs definitions on the memory store, as a test wants them run."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from runner.execution.background import planned
from runner.execution.host import Host
from runner.execution.memory import MemoryRun, MemoryStore
from runner.execution.run_executor import RunExecutor
from runner.execution.store import RunStore, StoredRun
from runner.graph.registry import TaskRegistry
from runner.graph.values import decode, encode
from tests.tasks import registry_of_tests

SECONDS = 20


def definition_of(
    tasks: list[dict[str, Any]], dataflows: Sequence[tuple[str, str]] = (), **rest: Any
) -> str:
    """Give a definition's JSON from tasks and (from, to) pairs; `outputs` by port."""
    outputs = [{"name": name, "from": source} for name, source in rest.pop("outputs", {}).items()]
    flows = [{"from": source, "to": target} for source, target in dataflows]
    document = {"v": 1, "name": "test", "tasks": tasks, "dataflows": flows, "outputs": outputs}
    return json.dumps(document | rest)


def executor_of(
    store: RunStore,
    stored: StoredRun,
    registry: TaskRegistry | None = None,
    host: Host | None = None,
) -> RunExecutor:
    """Give the executor of a claimed run."""
    graph = planned(stored, registry or registry_of_tests())
    return RunExecutor(graph, store, stored, host=host)


async def drive(
    definition: str,
    inputs: dict[str, Any] | None = None,
    *,
    registry: TaskRegistry | None = None,
    host: Host | None = None,
) -> MemoryRun:
    """Run a definition to its end; check the invariants; give what was kept."""
    store = MemoryStore()
    run = store.submit(definition, encode(inputs or {}))
    await go_on(store, registry, host)
    return store.runs[run]


async def go_on(
    store: MemoryStore, registry: TaskRegistry | None = None, host: Host | None = None
) -> RunExecutor:
    """Claim the one run that waits and drive it to its end."""
    (stored,) = await store.claim("test", 1)
    executor = executor_of(store, stored, registry, host)
    await asyncio.wait_for(executor.run(), SECONDS)
    executor.state.check()
    return executor


def outputs_of(run: MemoryRun) -> dict[str, Any]:
    """Give the run's outputs, decoded."""
    event: Any = run.entries[-1].event
    return {port: decode(text) for port, text in event.outputs.items()}


def kinds_of(run: MemoryRun, path: str | None = None) -> list[str]:
    """Give the kinds of a run's events, or of those of one task."""
    return [
        each.event.kind
        for each in run.entries
        if path is None or getattr(each.event, "path", None) == path
    ]
