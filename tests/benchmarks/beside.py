"""What a run costs others: the loop's delay, memory, the time to import the engine."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.benchmarks.database import fresh_database, own_database, run_in_database
from tests.benchmarks.driving import Beside, planned, run_in_memory
from tests.benchmarks.measuring import Row, Series, percentile, rows_of
from tests.benchmarks.shapes import chain, definition, layers

TICK = 0.001
IMPORT = "import time; a = time.perf_counter(); import runner; print(time.perf_counter() - a)"
ROOT = Path(__file__).parents[2]


def rows(rounds: int) -> list[Row]:
    """Measure all three."""
    return [
        *_delays(rounds),
        _row("memory W3 durable", "peak above idle", "MB", _repeated(rounds, memory), "≤ 60 MB"),
        _row("import", "runner", "ms", _repeated(rounds, import_time), "≤ 150 ms"),
    ]


def _row(workload: str, what: str, unit: str, series: Series, goal: str) -> Row:
    return Row(workload=workload, what=what, unit=unit, series=series, goal=goal)


def _repeated(rounds: int, measure: Callable[[], float]) -> Series:
    return Series(tuple(measure() for _ in range(rounds)))


# ── the loop ─────────────────────────────────────────────────────────────────────────────────────


def _delays(rounds: int) -> list[Row]:
    text = definition(layers())
    graph = planned(text)
    folder = own_database()

    def in_memory(beside: Beside) -> object:
        return run_in_memory(text, graph=graph, beside=beside)

    def durable(beside: Beside) -> object:
        fresh_database("FULL")
        return run_in_database(text, folder, beside=beside)

    return [
        *_delays_beside("ticker beside W3", in_memory, rounds),
        *_delays_beside("ticker beside W3 durable FULL", durable, rounds),
    ]


def _delays_beside(workload: str, run: Callable[[Beside], object], rounds: int) -> list[Row]:
    late: list[float] = []

    def median() -> float:
        late.clear()
        run(lambda: tick(late))
        return percentile(late, 0.5) * 1e3

    measures = {
        "p50": median,
        "p99": lambda: percentile(late, 0.99) * 1e3,
        "worst": lambda: max(late) * 1e3,
    }
    return rows_of(workload, measures, rounds, unit="ms late", goals={"p99": "≤ 25 ms"})


def tick(late: list[float]) -> Coroutine[Any, Any, None]:
    """Wake every millisecond and note how late that was."""

    async def run() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(time.perf_counter() - due)

    return run()


# ── processes ────────────────────────────────────────────────────────────────────────────────────


def import_time() -> float:
    """Import the engine in a new process, its bytecode compiled; milliseconds."""
    return float(_process("-c", IMPORT)) * 1e3


def memory() -> float:
    """Run W3 durable in a new process; give its peak above the idle engine's memory in MB."""
    return float(_process("-m", "tests.benchmarks.beside"))


def _process(*arguments: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    return done.stdout


def _resident(name: str) -> float:
    """Read this process's memory from the kernel in MB: "VmRSS" now, "VmHWM" at its highest."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _peak_of_a_durable_run() -> float:
    folder = own_database()
    run_in_database(definition(chain(2)), folder)
    fresh_database("NORMAL")
    idle = _resident("VmRSS")
    run_in_database(definition(layers()), folder)
    return _resident("VmHWM") - idle


if __name__ == "__main__":
    sys.stdout.write(str(_peak_of_a_durable_run()))
