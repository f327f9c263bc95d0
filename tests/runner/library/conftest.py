"""Runs a task of the library, or a shipped demo, for real on the memory store."""

import asyncio
import json
from pathlib import Path

import pytest

import runner.library
from runner.execution.memory import MemoryStore
from runner.graph.registry import default_registry
from runner.graph.values import encode
from tests.drive import definition_of, executor_of

DEMOS = Path(runner.library.__file__).parent / "demos"
SECONDS = 60


async def finished(definition, inputs):
    """Run a definition to its end; give the run as it was kept."""
    store = MemoryStore()
    run = store.submit(definition, encode(inputs))
    (stored,) = await store.claim("test", 1)
    executor = executor_of(store, stored, default_registry())
    await asyncio.wait_for(executor.run(), SECONDS)
    executor.state.check()
    return store.runs[run]


@pytest.fixture
def run_task():
    """Give a function that runs one task with inputs and gives the run."""

    async def run(type_name, config=None, **inputs):
        drawn = {"id": "it", "type": type_name, "config": config or {}, "inputs": inputs}
        outputs = {port: f"it.{port}" for port in default_registry().get(type_name)(config).outputs}
        return await finished(definition_of([drawn], outputs=outputs), {})

    return run


@pytest.fixture
def run_demo():
    """Give a function that runs a shipped demo, without its pauses."""

    async def run(name, **inputs):
        document = json.loads((DEMOS / f"{name}.json").read_text(encoding="utf-8"))
        for drawn in document["tasks"]:
            if "pace" in drawn.get("config", {}):
                drawn["config"]["pace"] = 0
        return await finished(json.dumps(document), inputs)

    return run
