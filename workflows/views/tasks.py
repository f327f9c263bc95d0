"""One task of a run: all there is to say, the items inside, and what it put out as a file."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runner.errors import DamagedArtifact, MissingArtifact
from workflows.access import may, run_for
from workflows.http import Request
from workflows.inside import ITEMS, item_page
from workflows.inspection import inspect
from workflows.kept_outputs import whole_output
from workflows.models import Right, Run
from workflows.outline import slug_of
from workflows.views.answers import asked_of
from workflows.views.artifacts import gone
from workflows.views.decisions import decision_of

DIGITS = 8


@login_required
@never_cache
@require_safe
def show(request: Request, id: UUID, path: str) -> HttpResponse:
    """Show all there is to say about one task of a run."""
    run = run_for(request.user, id)
    if port := request.GET.get("download"):
        return _download(request, run, path, port)
    inspection = inspect(run, path)
    if inspection is None:
        raise Http404
    page: dict[str, Any] = {
        "section": "runs",
        "run": run,
        "run_id": run.pk,
        "inspection": inspection,
        "may_run": may(request.user, run, Right.RUN),
        "live_url": reverse("run-show", args=[run.pk]) + "live",
        **asked_of(request, run, path),
        **decision_of(request, run, path),
    }
    if inspection.row.is_closed:
        page |= _items(run, path, request.GET.get("items", "1"))
        if request.htmx and "items" in request.GET:
            return render(request, "runs/tree.html#items", page)
    return render(request, f"runs/task.html{'#task' if request.htmx else ''}", page)


def _items(run: Run, path: str, asked: str) -> dict[str, Any]:
    page = int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < DIGITS else 1
    shown, count = item_page(run, path, max(1, page))
    first = (max(1, page) - 1) * ITEMS
    return {
        "item_rows": shown,
        "items_first": first + 1 if shown else 0,
        "items_last": first + len(shown),
        "items_count": count,
        "items_url": reverse("task-show", args=[run.pk, path]),
        "items_id": f"items-{slug_of(path)}",
        "page": max(1, page),
        "page_size": ITEMS,
    }


def _download(request: Request, run: Run, path: str, port: str) -> HttpResponse:
    try:
        text = whole_output(run, path, port)
    except (MissingArtifact, DamagedArtifact) as fault:
        return gone(request, fault)
    if text is None:
        raise Http404
    name = "".join(sign if sign.isalnum() else "-" for sign in f"{path}-{port}")[:80]
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}.txt"',
            "X-Content-Type-Options": "nosniff",
        },
    )
