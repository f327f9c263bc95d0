"""What the processes of these tests have in common: a database, a run to drive, an observer.

python -m tests.durability.observed RUNS LENGTH prepares the database that the environment names,
and queues so many runs, each a chain of so many tasks; it prints their ids.

The observer is files that bodies append to, of which the engine knows nothing.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from runner import TaskRegistry, task
from tests.benchmarks.database import add_people, queue_run, set_up
from tests.benchmarks.shapes import document

BODY_SECONDS = 0.2
HELD_SECONDS = 60.0


def note(file: Path, *words: object) -> None:
    """Append a line, in one write and for other processes to see."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
    os.close(descriptor)


def lines_of(file: Path) -> list[list[str]]:
    """Give the words of each whole line so far."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [line.split() for line in text.rpartition("\n")[0].splitlines()]


def registry(folder: Path, seconds: float, held: str = "") -> TaskRegistry:
    """Give the tasks: a step that notes when it begins and when it is stopped.

    The first attempt of the one at the path `held` takes very long.
    """

    @task(name="durable.step", effect="repeatable")
    async def step(n: int, context: Any) -> int:
        note(folder / "began", context.run, context.path, context.attempt, os.getpid())
        try:
            is_held = context.path == held and context.attempt == 1
            await asyncio.sleep(HELD_SECONDS if is_held else seconds)
        except asyncio.CancelledError:
            note(folder / "stopped", context.run, context.path, context.attempt, os.getpid())
            raise
        return n + 1

    made = TaskRegistry()
    made.register(step)
    return made


def chain(length: int) -> str:
    """Write the definition of a chain; its result is its length."""
    names = [f"t{number}" for number in range(length)]
    tasks = [
        {"id": name, "type": "durable.step", "inputs": {} if number else {"n": 0}}
        for number, name in enumerate(names)
    ]
    dataflows = [
        {"from": f"{before}.result", "to": f"{after}.n"} for before, after in pairwise(names)
    ]
    return document("durable", tasks, dataflows, f"{names[-1]}.result")


def prepare(runs: int, length: int) -> Iterable[str]:
    """Bring a database up to date and queue runs."""
    set_up(Path(os.environ["ANABRANCH_DATA"]))
    add_people()
    return [queue_run(chain(length)) for _ in range(runs)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(prepare(int(sys.argv[1]), int(sys.argv[2]))))
