"""python -m tests.benchmarks [W1 W2 ...] [--rounds N]: measure, print the table, write the JSON."""

import argparse
import importlib
import logging
from pathlib import Path

from tests.benchmarks.measuring import ROUNDS, Row
from tests.benchmarks.table import show, write

#: Workload -> its module; each has `rows(rounds)`.
WORKLOADS = {
    "W1": "w1_chain",
    "W2": "w2_fan",
    "W3": "w3_layers",
    "W4": "w4_durable",
    "W4-postgres": "w4_postgres",
    "W5": "w5_stream",
    "W6": "w6_kill",
    "W7": "w7_watch",
    "W7-pages": "w7_pages",
    "W7-browser": "w7_browser",
    "W9": "w9_editor",
    "before": "planning",
    "resume": "resuming",
    "beside": "beside",
    "line": "waiting_line",
}
RESULTS = Path("var/bench.json")


def measure(workload: str, rounds: int) -> list[Row]:
    """Measure one workload."""
    module = importlib.import_module(f"tests.benchmarks.{WORKLOADS[workload]}")
    found: list[Row] = module.rows(rounds)
    return found


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("workloads", nargs="*", metavar="W", choices=[*WORKLOADS, []])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    rows = [
        row for workload in asked.workloads or WORKLOADS for row in measure(workload, asked.rounds)
    ]
    show(rows)
    write(rows, RESULTS)


if __name__ == "__main__":
    main()
