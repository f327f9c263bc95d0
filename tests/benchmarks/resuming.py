"""A durable run of 10,000 tasks of which 5,000 have results: what it takes to go on."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from runner.execution.run_executor import RunExecutor
from runner.execution.store import Batch, Entry, StoredRun
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.state import RunState
from tests.benchmarks.database import (
    fresh_database,
    kept_in_database,
    own_database,
    queue_run,
)
from tests.benchmarks.driving import Ran, planned
from tests.benchmarks.measuring import Row, Series
from tests.benchmarks.shapes import Shape, definition, layers

#: Step -> its goal.
STEPS = {
    "claim": "",
    "read and plan": "",
    "rebuild": "",
    "the rest": "",
    "all before the rest": "≤ 250 ms",
}


def rows(rounds: int) -> list[Row]:
    """Measure every step."""
    folder = own_database()
    found: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(rounds):
        fresh_database("NORMAL")
        seconds, _ = resume(layers(), len(layers()) // 2, folder)
        for step, value in seconds.items():
            found[step].append(value * 1e3)
    return [
        Row(
            workload="resume W3",
            what=step,
            unit="ms",
            series=Series(tuple(found[step])),
            goal=goal,
        )
        for step, goal in STEPS.items()
    ]


def resume(shape: Shape, done: int, folder: Path) -> tuple[dict[str, float], Ran]:
    """Keep the results of so many tasks, then go on as the next process does."""
    text = definition(shape)
    run = queue_run(text)
    seconds = asyncio.run(_go_on(shape, text, done, folder))
    return seconds, kept_in_database(run)


async def _go_on(shape: Shape, text: str, done: int, folder: Path) -> dict[str, float]:
    from workflows.store import DatabaseStore

    store = DatabaseStore(folder)
    (first,) = await store.claim("first", 1)
    for batch in _half(shape, first, done):
        await store.commit(batch)
    await store.release("first", [first.run])

    moments = [time.perf_counter()]
    (stored,) = await store.claim("second", 1)
    moments.append(time.perf_counter())
    graph = planned(text)
    moments.append(time.perf_counter())
    RunState(graph).restore(stored.checkpoints, stored.attempts)
    moments.append(time.perf_counter())
    await RunExecutor(graph, store, stored).run()
    moments.append(time.perf_counter())
    await store.close()
    claim, plan, rebuild, whole = (later - before for before, later in pairwise(moments))
    return {
        "claim": claim,
        "read and plan": plan,
        "rebuild": rebuild,
        "the rest": whole - rebuild,
        "all before the rest": claim + plan + rebuild,
    }


def _half(shape: Shape, stored: StoredRun, done: int) -> list[Batch]:
    """Say what a first owner would have kept of the first `done` tasks."""
    at = datetime.now(UTC)
    expected = list(shape.expected().items())
    batches = [_batch(stored, 0, [Entry(1, at, happened.RunStarted())], [])]
    for number, (path, value) in enumerate(expected[:done]):
        outputs = {"result": str(value)}
        before = 1 + 2 * number
        entries = [
            Entry(before + 1, at, happened.TaskStarted(path, 1)),
            Entry(before + 2, at, happened.TaskCompleted(path, 1, outputs)),
        ]
        kept = TaskCheckpoint(path=path, attempt=1, seq=before + 2, outputs=outputs)
        batches.append(_batch(stored, before, entries, [kept]))
    return batches


def _batch(
    stored: StoredRun, before: int, entries: list[Entry], kept: list[TaskCheckpoint]
) -> Batch:
    return Batch(
        run=stored.run,
        epoch=stored.epoch,
        before=before,
        entries=tuple(entries),
        checkpoints=tuple(kept),
    )
