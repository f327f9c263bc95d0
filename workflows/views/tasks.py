"""One task of a run: all there is to say, the items inside, and what it put out as a file."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runner.errors import DamagedArtifact, MissingArtifact
from workflows.access import may, run_for
from workflows.http import Request
from workflows.inside import ITEMS, item_page
from workflows.inspection import Inspection, inspect
from workflows.inspector_tabs import wanted_of
from workflows.kept_outputs import whole_output
from workflows.models import Right, Run
from workflows.outline import slug_of
from workflows.results import whole_input
from workflows.views.answers import asked_of
from workflows.views.artifacts import gone
from workflows.views.decisions import decision_of
from workflows.waiting import renewal_of

DIGITS = 8
#: What an address says of the tab that is open.
OF_A_TAB = ("tab", "port", "as", "attempt", "events")


@login_required
@never_cache
@require_safe
def show(request: Request, id: UUID, path: str) -> HttpResponse:
    """Show all there is to say about one task of a run."""
    run = run_for(request.user, id)
    if port := request.GET.get("download"):
        return _download(request, run, path, port)
    inspection = inspect(run, path, wanted_of(request.GET.dict()))
    if inspection is None:
        raise Http404
    page: dict[str, Any] = {
        "section": "runs",
        "run": run,
        "run_id": run.pk,
        "may_run": may(request.user, run, Right.RUN),
        "live_url": reverse("run-show", args=[run.pk]) + "live",
        **opened_task(run, inspection, request.GET),
    }
    if inspection.row.is_closed and request.htmx and "items" in request.GET:
        return render(request, "runs/tree.html#items", page | items_of(run, path, request.GET))
    if request.htmx and request.htmx.target == "task-panel":
        return render(request, "runs/task.html#panel", page)
    page |= asked_of(request, run, path) | decision_of(request, run, path)
    page |= renewal_of(run, path, request.user)
    return render(request, f"runs/task.html{'#task' if request.htmx else ''}", page)


def opened_task(run: Run, inspection: Inspection, query: QueryDict) -> dict[str, Any]:
    """Give what the inspector's template needs beside the run."""
    path, asked = inspection.row.path, query.copy()
    asked.pop("task", None)
    page: dict[str, Any] = {
        "inspection": inspection,
        "panel_template": f"runs/panels.html#{inspection.tab}",
        "panel_url": reverse("task-show", args=[run.pk, path]),
    }
    kept = {name: asked[name] for name in OF_A_TAB if name in asked}
    if kept and not inspection.follows:
        page["panel_url"] += f"?{urlencode(kept)}"
    return page | (items_of(run, path, query) if inspection.tab == "items" else {})


def items_of(run: Run, path: str, query: QueryDict) -> dict[str, Any]:
    """Give one page of what is inside of a map, a loop or a workflow."""
    asked = query.get("items", "1")
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


@login_required
@never_cache
@require_safe
def given(request: Request, id: UUID, port: str) -> HttpResponse:
    """Give one input of a run in full, to be saved."""
    run = run_for(request.user, id)
    try:
        text = whole_input(run, port)
    except (MissingArtifact, DamagedArtifact) as fault:
        return gone(request, fault)
    return _saved(text, f"input-{port}")


def _download(request: Request, run: Run, path: str, port: str) -> HttpResponse:
    try:
        text = whole_output(run, path, port)
    except (MissingArtifact, DamagedArtifact) as fault:
        return gone(request, fault)
    return _saved(text, f"{path}-{port}")


def _saved(text: str | None, title: str) -> HttpResponse:
    """Give a text as a file; what is not there is not found."""
    if text is None:
        raise Http404
    name = "".join(sign if sign.isalnum() else "-" for sign in title)[:80]
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}.txt"',
            "X-Content-Type-Options": "nosniff",
        },
    )
