"""Two runs side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runner.errors import RunnerError
from workflows.access import run_for
from workflows.comparing import ComparedTask, ComparedValue, compared, compared_values, diff
from workflows.http import Request
from workflows.kept_outputs import whole_output
from workflows.models import Run
from workflows.rows import look_of
from workflows.sides import inputs_of_side, sides_of
from workflows.wording import said_duration, said_span

#: So many tasks are shown at first.
SHOWN = 200
CANDIDATES = 20
LONG = 300
BAR = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A compared task as its row shows it; `bar` is how much of the largest delta, in pixels."""

    task: ComparedTask
    delta: str
    bar: int
    is_slower: bool
    left: str
    right: str


@login_required
@never_cache
@require_safe
def compare(request: Request) -> HttpResponse:
    """Show two runs side by side, or ask for the second."""
    left = run_for(request.user, request.GET.get("a", ""))
    if not request.GET.get("b"):
        return render(request, "runs/compare.html", _candidates(request, left))
    right = run_for(request.user, request.GET["b"])
    if "port" in request.GET:
        return _diff(request, left, right)
    page = _page(request, left, right)
    return render(request, f"runs/compare.html{'#tasks' if request.htmx else ''}", page)


def _candidates(request: Request, left: Run) -> dict[str, Any]:
    others = Run.objects.visible_to(request.user).filter(version__workflow=left.version.workflow_id)
    others = others.exclude(pk=left.pk).select_related("version__workflow", "started_by")
    return {
        "section": "runs",
        "left": left,
        "others": others.order_by("-created_at")[:CANDIDATES],
    }


def _page(request: Request, left: Run, right: Run) -> dict[str, Any]:
    tasks = compared(sides_of(left), sides_of(right))
    differ = [each for each in tasks if each.is_different]
    only = request.GET.get("only") == "differs"
    shown = differ if only else tasks
    limit = len(shown) if "all" in request.GET else SHOWN
    return {
        "section": "runs",
        "left": left,
        "right": right,
        "facts": [
            each for each in compared_values(_facts(left), _facts(right)) if each.left or each.right
        ],
        "inputs": [
            _cut(each) for each in compared_values(inputs_of_side(left), inputs_of_side(right))
        ],
        "lines": list(_lines(shown[:limit])),
        "only": only,
        "count": len(tasks),
        "different": len(differ),
        "hidden": max(0, len(shown) - limit),
    }


def _facts(run: Run) -> dict[str, str]:
    return {
        "State": look_of(run.status).word,
        "Version": str(run.version),
        "Started by": run.started_by.get_username(),
        "Took": said_span(run.started_at, run.ended_at, timezone.now()),
        "Tasks": f"{run.done}/{run.total}",
        "Label": run.label,
    }


def _cut(value: ComparedValue) -> dict[str, Any]:
    left, right = (each and each[:LONG] for each in (value.left, value.right))
    is_cut = max(len(value.left or ""), len(value.right or "")) > LONG
    return {
        "name": value.name,
        "left": left,
        "right": right,
        "is_same": value.is_same,
        "is_cut": is_cut,
    }


def _lines(tasks: list[ComparedTask]) -> Iterator[Line]:
    largest = max((abs(each.delta) for each in tasks if each.delta is not None), default=0) or 1
    for task in tasks:
        delta = task.delta
        yield Line(
            task=task,
            delta=""
            if delta is None
            else f"{'+' if delta >= 0 else '−'}{said_duration(abs(delta))}",
            bar=0 if delta is None else round(BAR * abs(delta) / largest),
            is_slower=bool(delta and delta > 0),
            left=_took(task.left),
            right=_took(task.right),
        )


def _took(side: Any) -> str:
    return "" if side is None or side.seconds is None else said_duration(side.seconds)


# ── one text ────────────────────────────────────────────────────────────────────────────────────


def _diff(request: Request, left: Run, right: Run) -> HttpResponse:
    """Compare one output of a task, or one input of the runs, line by line."""
    path, port = request.GET.get("task", ""), request.GET["port"]
    before, after = (_text(run, path, port) for run in (left, right))
    if before is None and after is None:
        raise Http404
    page = {
        "section": "runs",
        "left": left,
        "right": right,
        "path": path,
        "port": port,
        "diff": diff(before or "", after or ""),
    }
    return render(request, f"runs/compare_text.html{'#diff' if request.htmx else ''}", page)


def _text(run: Run, path: str, port: str) -> str | None:
    if not path:
        return inputs_of_side(run).get(port)
    try:
        return whole_output(run, path, port)
    except RunnerError as fault:
        return f"[{fault}]"
