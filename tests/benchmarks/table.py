"""What was measured, as a table for a person and as JSON for a comparison."""

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measuring import Row, Series

WIDTH = 132
THOUSAND = 1000


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table(title="median [min .. max]")
    for heading in ("workload", "what"):
        table.add_column(heading, overflow="fold")
    for heading in ("figure", "unit", "× floor"):
        table.add_column(heading, justify="left", no_wrap=True)
    table.add_column("goal")
    before = ""
    for row in rows:
        if before and row.workload != before:
            table.add_section()
        before = row.workload
        table.add_row(
            row.workload, row.what, said(row.series), row.unit, said(row.ratios), row.goal
        )
    Console(width=WIDTH, markup=False).print(table)


def said(series: Series) -> str:
    """Write a series for reading."""
    if not series.values:
        return ""
    if len(series.values) == 1:
        return _short(series.median)
    return f"{_short(series.median)} [{_short(series.low)} .. {_short(series.high)}]"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= THOUSAND else f"{value:.3g}"


def write(rows: Sequence[Row], path: Path) -> None:
    """Write all figures, and what they were measured on."""
    document = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "rows": [row.to_json() for row in rows],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
