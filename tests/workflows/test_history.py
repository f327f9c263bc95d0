"""Runs as a grid, without a database."""

from datetime import UTC, datetime

import pytest

from workflows.history import ROWS, TALLEST, RanOnce, RanTask, grid_of, percentile

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def once(number, *, version=1, seconds=1.0, titles=("a", "b"), **tasks):
    return RanOnce(
        id=str(number), status="completed", version=version, created_at=AT, seconds=seconds,
        titles={each: each.upper() for each in titles}, tasks=tasks,
    )  # fmt: skip


def done(seconds=1.0, status="completed", first_chunk=None):
    return RanTask(status=status, seconds=seconds, first_chunk=first_chunk)


def test_a_change_of_version_is_marked_once():
    grid = grid_of([once(1), once(2, version=2), once(3, version=2)])
    assert [column.was for column in grid.columns] == [None, 1, None]


def test_bars_are_as_tall_as_runs_took_long():
    assert [each.height for each in grid_of([once(1, seconds=0), once(2, seconds=8)]).columns] == [
        4, TALLEST,
    ]  # fmt: skip


def test_a_task_that_did_not_exist_is_empty_and_one_not_reached_is_pending():
    grid = grid_of([once(1, titles=("old", "a")), once(2, titles=("a", "new"))])
    cells = {row.path: [cell.task and cell.task.status for cell in row.cells] for row in grid.rows}
    assert list(cells) == ["a", "new", "old"]
    assert cells["new"] == [None, "pending"]
    assert cells["old"] == ["pending", None]


def test_success_counts_the_ends_of_its_own():
    ends = ["completed", "cached", "failed", "upstream-failed", "running"]
    runs = [once(number, a=done(status=status)) for number, status in enumerate(ends)]
    assert [row.success for row in grid_of(runs).rows] == [67, None]


def test_times_are_those_of_what_completed():
    runs = [once(n, a=done(seconds=n, first_chunk=n / 10)) for n in range(1, 21)]
    runs.append(once(21, a=done(seconds=900, status="failed")))
    row = grid_of(runs).rows[0]
    assert (row.p50, row.p95, row.first_chunk) == (10, 19, 1.0)


@pytest.mark.parametrize(("values", "p50"), [([], None), ([3], 3), ([1, 2], 1), ([1, 2, 3], 2)])
def test_a_percentile_is_the_nearest_rank(values, p50):
    assert percentile(values, 0.5) == p50


def test_rows_stand_on_pages():
    run = once(1, titles=[f"t{number}" for number in range(ROWS + 1)])
    assert [len(grid_of([run], page).rows) for page in (1, 2, 3)] == [ROWS, 1, 0]
