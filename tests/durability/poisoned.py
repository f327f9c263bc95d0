"""python -m tests.durability.poisoned FOLDER: a background runner, with a task that kills it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from runner import TaskRegistry, task
from tests.benchmarks.database import add_people, queue_run, set_up
from tests.benchmarks.shapes import document
from tests.durability.observed import chain, note, registry

STEP_SECONDS = 0.1
APART_SECONDS = 0.6


def with_poison(folder: Path) -> TaskRegistry:
    """Give the steps of the others, and a task that ends its process."""

    @task(name="durable.poison")
    async def poison(n: int, context: Any) -> int:
        note(folder / "poisoned", context.run, context.path, context.attempt)
        os._exit(1)

    made = registry(folder, STEP_SECONDS)
    made.register(poison)
    return made


def queue() -> list[str]:
    """Queue a run with the poison, and three without."""
    poison = {"id": "bad", "type": "durable.poison", "inputs": {"n": 0}}
    definition = document("poisoned", [poison], [], "bad.result")
    return [queue_run(each) for each in (chain(3), definition, chain(3), chain(3))]


async def live(folder: Path) -> None:
    """Run until told to stop, or killed from inside."""
    from runner.execution.background import BackgroundRunner
    from workflows.deaths import Suspects
    from workflows.owners import new_owner
    from workflows.store import DatabaseStore

    store = DatabaseStore()
    store._suspects = Suspects(APART_SECONDS)
    runner = BackgroundRunner(store, with_poison(folder), new_owner())
    runner.start()
    await asyncio.to_thread(sys.stdin.read)
    await runner.stop()
    await store.close()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    is_first = not (place / "poisoned").exists()
    set_up(Path(os.environ["ANABRANCH_DATA"]), migrated=not is_first)
    if is_first:
        add_people()
        note(place / "queued", *queue())
    asyncio.run(live(place))
