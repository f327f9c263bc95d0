"""A workflow's last runs as a grid: a row a task, a column a run, and what they tell (pure)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.rows import ENDED_WELL, FAILED

#: So many columns may be asked for; the second is what is shown at first.
WIDTHS = (5, 10, 25, 50)
WIDTH = 10
#: So many rows stand on one page.
ROWS = 60
TALLEST = 100
SHORTEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RanTask:
    """How one task went in one run; times in seconds, None when there are none."""

    status: str
    seconds: float | None = None
    first_chunk: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RanOnce:
    """One run: `tasks` are those that began, by path; `titles` all that its version has."""

    id: str
    status: str
    version: int
    created_at: datetime
    seconds: float | None
    titles: Mapping[str, str]
    tasks: Mapping[str, RanTask]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A run's head: as tall as it took long; `was` is the version before, where it changed."""

    run: RanOnce
    height: int
    was: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A task in a run; `task` is None where the version had no such task."""

    column: Column
    task: RanTask | None

    @property
    def needs_icon(self) -> bool:
        """Whether it did not simply succeed."""
        return self.task is not None and self.task.status != "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """A task over all runs: `success` in percent of its ends, times in seconds."""

    path: str
    title: str
    cells: tuple[Cell, ...]
    success: int | None
    p50: float | None
    p95: float | None
    first_chunk: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Columns from the oldest to the newest, and one page of the rows."""

    columns: tuple[Column, ...]
    rows: tuple[GridRow, ...]
    count: int


def grid_of(runs: Sequence[RanOnce], page: int = 1) -> Grid:
    """Arrange runs, the oldest first; tasks stand in the order of the newest version."""
    columns = tuple(_columns(runs))
    titles = _titles(runs)
    paths = list(titles)[(page - 1) * ROWS : page * ROWS]
    rows = tuple(_row(path, titles[path], columns) for path in paths)
    return Grid(columns=columns, rows=rows, count=len(titles))


def percentile(values: Iterable[float], part: float) -> float | None:
    """Give the nearest-rank percentile, `part` between 0 and 1; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None


def _columns(runs: Sequence[RanOnce]) -> Iterable[Column]:
    longest = max((run.seconds or 0 for run in runs), default=0) or 1
    before: RanOnce | None = None
    for run in runs:
        height = round(SHORTEST + (TALLEST - SHORTEST) * (run.seconds or 0) / longest)
        changed = before is not None and before.version != run.version
        yield Column(run=run, height=height, was=before.version if before and changed else None)
        before = run


def _titles(runs: Sequence[RanOnce]) -> dict[str, str]:
    """Name all tasks: those of the newest run in their order, then those that are gone."""
    titles: dict[str, str] = {}
    for run in reversed(runs):
        titles |= {path: title for path, title in run.titles.items() if path not in titles}
    return titles


def _row(path: str, title: str, columns: Sequence[Column]) -> GridRow:
    cells = tuple(Cell(column=each, task=_task(each.run, path)) for each in columns)
    tasks = [cell.task for cell in cells if cell.task is not None]
    worked = [each for each in tasks if each.status == "completed" and each.seconds is not None]
    seconds = [each.seconds for each in worked if each.seconds is not None]
    first = [each.first_chunk for each in worked if each.first_chunk is not None]
    return GridRow(
        path=path,
        title=title,
        cells=cells,
        success=_success([each.status for each in tasks]),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        first_chunk=percentile(first, 0.5),
    )


def _task(run: RanOnce, path: str) -> RanTask | None:
    if path not in run.titles:
        return None
    return run.tasks.get(path, RanTask(status="pending"))


def _success(statuses: Sequence[Any]) -> int | None:
    """Give how many of a hundred ends were good; what was not reached is no end of its own."""
    well = sum(status in ENDED_WELL for status in statuses)
    badly = sum(status in FAILED - {"upstream-failed"} for status in statuses)
    return round(100 * well / (well + badly)) if well + badly else None
