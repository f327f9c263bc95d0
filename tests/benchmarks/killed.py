"""python -m tests.benchmarks.killed FOLDER LENGTH [DIES]: one life of the process that W6 kills.

The first life queues a strict chain of LENGTH tasks and drives it, and is killed by its own DIES-th
body, between two commits like any crash; the next one drives what is left, and prints its moments.
Bodies write their paths to a file, which is an observer that the engine does not know of.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from runner import FunctionTask, TaskRegistry, task
from runner.execution.run_executor import RunExecutor
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from tests.benchmarks.database import add_people, queue_run, set_up
from tests.benchmarks.shapes import document


def seen_in(folder: Path) -> list[str]:
    """Give the paths of the bodies that began, in order, over all lives."""
    return (folder / "seen").read_text(encoding="ascii").split()


def observed(folder: Path, dies: int, moments: dict[str, float]) -> type[FunctionTask]:
    """Make the task whose bodies are counted outside."""
    file = os.open(folder / "seen", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    begun = 0

    @task(name="bench.observed", effect="repeatable")
    async def step(n: int, context: Any) -> int:
        nonlocal begun
        moments.setdefault("first", time.monotonic())
        os.write(file, f"{context.path}\n".encode())
        begun += 1
        if begun == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return n + 1

    return step


def chain_of_observed(length: int) -> str:
    """Write the chain's definition."""
    tasks = [
        {"id": f"t{number}", "type": "bench.observed", "inputs": {} if number else {"n": 0}}
        for number in range(length)
    ]
    dataflows = [
        {"from": f"t{number - 1}.result", "to": f"t{number}.n"} for number in range(1, length)
    ]
    return document("observed", tasks, dataflows, f"t{length - 1}.result")


async def drive(folder: Path, registry: TaskRegistry, moments: dict[str, float]) -> None:
    """Claim the run that waits and drive it."""
    from workflows.store import DatabaseStore

    store = DatabaseStore(folder)
    moments["ready"] = time.monotonic()
    (stored,) = await store.claim(f"life-{os.getpid()}", 1)
    graph = plan(GraphDefinition.from_json(stored.definition), {}, registry)
    await RunExecutor(graph, store, stored).run()
    await store.close()


def main() -> None:
    """Live once."""
    folder, length, dies = Path(sys.argv[1]), int(sys.argv[2]), int((*sys.argv, "0")[3])
    moments: dict[str, float] = {}
    registry = TaskRegistry()
    registry.register(observed(folder, dies, moments))
    set_up(folder, migrated=not dies)
    if dies:
        add_people()
        queue_run(chain_of_observed(length))
    asyncio.run(drive(folder, registry, moments))
    sys.stdout.write(json.dumps(moments))


if __name__ == "__main__":
    main()
