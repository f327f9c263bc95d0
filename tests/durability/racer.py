"""python -m tests.durability.racer FOLDER SEED: one of several processes that race for runs.

It gives up some of what it claims, so that each run has several owners; what it keeps it drives
to its end. Every claim leaves a line.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from runner.execution.run_executor import RunExecutor
from runner.execution.store import RunStore, StoredRun
from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.graph.registry import TaskRegistry
from tests.benchmarks.database import set_up
from tests.durability.observed import note, registry

AT_ONCE = 3
OWNERS_A_RUN = 4


async def race(folder: Path, chance: random.Random) -> None:
    """Claim until nothing is left to claim or to wait for."""
    from workflows.models import Run
    from workflows.owners import new_owner
    from workflows.store import DatabaseStore

    owner, tasks = new_owner(), registry(folder, 0.0)
    store = DatabaseStore()
    while True:
        claimed = await store.claim(owner, AT_ONCE)
        for stored in claimed:
            note(folder / "claims", stored.run, stored.epoch, os.getpid())
        gives_up = [each for each in claimed if each.epoch < OWNERS_A_RUN and chance.random() < 0.5]
        for stored in gives_up:
            await store.release(owner, [stored.run], stored.epoch)
        kept = [each for each in claimed if each not in gives_up]
        await asyncio.gather(*(drive(store, stored, tasks) for stored in kept))
        if not claimed and not await Run.objects.exclude(status="completed").aexists():
            break
    await store.close()


async def drive(store: RunStore, stored: StoredRun, tasks: TaskRegistry) -> None:
    """Carry a run out."""
    graph = plan(GraphDefinition.from_json(stored.definition), {}, tasks)
    await RunExecutor(graph, store, stored).run()


def main() -> None:
    """Say that all is loaded, wait for the start of the race, and race."""
    set_up(Path(os.environ["ANABRANCH_DATA"]), migrated=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    asyncio.run(race(Path(sys.argv[1]), random.Random(sys.argv[2])))


if __name__ == "__main__":
    main()
