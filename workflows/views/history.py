"""A workflow's last runs, task by task."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows.access import may, workflow_for
from workflows.history import ROWS, WIDTH, WIDTHS, Cell, RanOnce, RanTask, grid_of
from workflows.http import Request
from workflows.models import Right, Run, TaskRun, Workflow
from workflows.outline import outline_for
from workflows.rows import look_of
from workflows.wording import said_duration

DIGITS = 6


@login_required
@never_cache
@require_safe
def show(request: Request, id: UUID) -> HttpResponse:
    """Show the last runs of a workflow as a grid."""
    workflow = workflow_for(request.user, id)
    width, page = _width(request), _number(request.GET.get("page"))
    newest_first = list(_runs(workflow)[(page - 1) * width : page * width + 1])
    tasks_page = _number(request.GET.get("tasks"))
    runs = _read(newest_first[:width][::-1])
    grid = grid_of(runs, tasks_page)
    shown = {
        "section": "workflows",
        "workflow": workflow,
        "grid": grid,
        "rows": [
            (row, [_cell(cell, row.path) for cell in row.cells], *_times(row)) for row in grid.rows
        ],
        "columns": [_head(column) for column in grid.columns],
        "moving": page == 1 and any(not run.is_over for run in newest_first[:1]),
        "width": width,
        "widths": WIDTHS,
        "page": page,
        "older": len(newest_first) > width,
        "tasks_page": tasks_page,
        "tasks_more": tasks_page * ROWS < grid.count,
        "may_run": may(request.user, workflow, Right.RUN),
    }
    part = "#grid" if request.htmx else ""
    return render(request, f"workflows/history.html{part}", shown)


def _runs(workflow: Workflow) -> Any:
    runs = Run.objects.filter(version__workflow=workflow, trial=False).select_related("version")
    return runs.defer("inputs", "outputs", "kept", "types", "options").order_by("-created_at")


def _read(runs: Sequence[Run]) -> list[RanOnce]:
    titles = {
        run.pk: {each.path: each.title for each in outline_for(run).level.places} for run in runs
    }
    paths = {path for names in titles.values() for path in names}
    kept = TaskRun.objects.filter(run__in=[run.pk for run in runs]).exclude(path__contains="/")
    columns = ("run_id", "path", "status", "started_at", "ended_at", "first_chunk_at")
    tasks: dict[Any, dict[str, RanTask]] = {run.pk: {} for run in runs}
    for run_id, path, status, *times in kept.values_list(*columns):
        if path in paths:
            tasks[run_id][path] = _ran(status, *times)
    return [_once(run, titles[run.pk], tasks[run.pk]) for run in runs]


def _ran(status: str, start: datetime | None, end: datetime | None, chunk: Any) -> RanTask:
    return RanTask(status=status, seconds=_span(start, end), first_chunk=_span(start, chunk))


def _once(run: Run, titles: dict[str, str], tasks: dict[str, RanTask]) -> RanOnce:
    return RanOnce(
        id=str(run.pk),
        status=run.status,
        version=run.version.number,
        created_at=run.created_at,
        seconds=_span(run.started_at, run.ended_at or timezone.now()),
        titles=titles,
        tasks=tasks,
    )


def _span(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


def _width(request: Request) -> int:
    asked = _number(request.GET.get("runs"))
    return asked if asked in WIDTHS else WIDTH


def _number(asked: str | None) -> int:
    is_number = asked and asked.isascii() and asked.isdigit() and len(asked) < DIGITS
    return max(1, int(asked)) if asked and is_number else 1


def _head(column: Any) -> dict[str, Any]:
    run = column.run
    took = said_duration(run.seconds) if run.seconds is not None else "not started"
    return {
        "url": reverse("run-show", args=[run.id]),
        "status": run.status,
        "height": column.height,
        "y": 100 - column.height,
        "was": column.was,
        "version": run.version,
        "says": f"Run of {run.created_at:%d %b %Y %H:%M}, version {run.version}: {look_of(run.status).word}, {took}",
    }


def _cell(cell: Cell, path: str) -> dict[str, Any] | None:
    if cell.task is None:
        return None
    took = f", {said_duration(cell.task.seconds)}" if cell.task.seconds is not None else ""
    return {
        "url": reverse("task-show", args=[cell.column.run.id, path]),
        "status": cell.task.status,
        "icon": cell.needs_icon,
        "ruled": cell.column.was is not None,
        "says": f"{path}, {look_of(cell.task.status).word}{took}",
    }


def _times(row: Any) -> list[str]:
    times = (row.p50, row.p95, row.first_chunk)
    return ["" if each is None else said_duration(each) for each in times]
