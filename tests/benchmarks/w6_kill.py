"""W6: a durable run killed half way, and the next process that goes on with it."""

import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.killed import seen_in
from tests.benchmarks.measuring import Row, Series

LENGTH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a kill cost; `again` are tasks that ran again though their results were committed."""

    restart: float
    engine: float
    committed: int
    again: list[str]
    status: str


def rows(rounds: int) -> list[Row]:
    """Kill and go on, round after round."""
    lives = [kill_and_go_on(LENGTH) for _ in range(rounds)]
    figures: dict[str, tuple[str, list[float], str]] = {
        "restart to first new task": ("ms", [each.restart * 1e3 for each in lives], "≤ 800 ms"),
        "of it claim, plan, rebuild": ("ms", [each.engine * 1e3 for each in lives], "≤ 50 ms"),
        "committed tasks run again": ("tasks", [len(each.again) for each in lives], "0"),
    }
    return [
        Row(workload="W6", what=what, unit=unit, series=Series(tuple(values)), goal=goal)
        for what, (unit, values, goal) in figures.items()
    ]


def kill_and_go_on(length: int) -> Recovery:
    """Let a process die in the middle of a chain, and another one finish it."""
    with tempfile.TemporaryDirectory(prefix="anabranch-bench-") as name:
        folder = Path(name)
        killed = _live(folder, length, dies=length // 2)
        if killed.returncode != -signal.SIGKILL:
            raise RuntimeError(killed.stderr)
        committed = set(_found(folder, "SELECT path FROM workflows_checkpoint"))
        before = len(seen_in(folder))
        began = time.monotonic()
        moments = json.loads(_live(folder, length).stdout)
        return Recovery(
            restart=moments["first"] - began,
            engine=moments["first"] - moments["ready"],
            committed=len(committed),
            again=[path for path in seen_in(folder)[before:] if path in committed],
            status=_found(folder, "SELECT status FROM workflows_run")[0],
        )


def _live(folder: Path, length: int, *, dies: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = [str(folder), str(length), *([str(dies)] if dies else [])]
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.killed", *arguments],
        check=not dies,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _found(folder: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(folder / "anabranch.sqlite3")) as connection:
        return [value for (value,) in connection.execute(query)]
