"""Starting, listing, watching, cancelling and resuming runs."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runner.errors import RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs
from workflows import background
from workflows.access import may, run_for, workflow_for
from workflows.drawing import DRAWN_AT_ONCE, digest_of, stylesheet
from workflows.forms import RunFilterForm, StartForm
from workflows.http import Request
from workflows.inside import ITEMS, item_page
from workflows.inspection import inspect, whole_output
from workflows.models import Right, Run, Workflow, WorkflowVersion
from workflows.outline import slug_of
from workflows.showing import drawing_of, run_page
from workflows.tree import asked_of_query
from workflows.views.answers import asked_of

PAGE = 50
DIGITS = 8
YEAR = 365 * 24 * 60 * 60


@login_required
@require_safe
def index(request: Request) -> HttpResponse:
    """List runs, newest first; the address is the filter."""
    form = RunFilterForm(request.GET, person=request.user)
    if not form.is_valid():
        form = RunFilterForm({}, person=request.user)
        form.is_valid()
    wanted = {name: form.cleaned_data[name] for name in ("status", "workflow", "before")}
    runs = list(_filtered(Run.objects.visible_to(request.user), wanted)[: PAGE + 1])
    page = {
        "section": "runs",
        "form": form,
        "runs": runs[:PAGE],
        "filtered": _in_words(wanted),
        "older": _older(runs, wanted) if len(runs) > PAGE else "",
    }
    return render(request, f"runs/list.html{'#results' if request.htmx else ''}", page)


def _filtered(runs: Any, wanted: dict[str, Any]) -> Any:
    if wanted["status"]:
        runs = runs.filter(status=wanted["status"])
    if wanted["workflow"]:
        runs = runs.filter(version__workflow=wanted["workflow"])
    if wanted["before"]:
        runs = runs.filter(created_at__lt=wanted["before"])
    return runs.select_related("version__workflow", "started_by").order_by("-created_at")


def _in_words(wanted: dict[str, Any]) -> str:
    words = [f"of {wanted['workflow']}"] if wanted["workflow"] else []
    words += [f"is {wanted['status']}"] if wanted["status"] else []
    return " ".join(words)


def _older(runs: list[Run], wanted: dict[str, Any]) -> str:
    kept = {"status": wanted["status"], "workflow": wanted["workflow"] and wanted["workflow"].pk}
    last = runs[PAGE - 1].created_at
    return urlencode({name: each for name, each in kept.items() if each} | {"before": last})


# ── starting ────────────────────────────────────────────────────────────────────────────────────


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request, id: UUID) -> HttpResponse:
    """Ask for the workflow's inputs, and start a run with them."""
    workflow = workflow_for(request.user, id, Right.RUN)
    version = workflow.latest
    if version is None:
        return render(request, "runs/start.html", {"workflow": workflow}, status=_code(request))
    if request.method != "POST":
        form = StartForm(_ports(version), earlier=_earlier(request, workflow))
        return _start_page(request, version, form)
    form = StartForm(_ports(version), request.POST)
    run = _started(request, version, form)
    if run is None:
        return _start_page(request, version, form, status=422)
    return _to(request, reverse("run-show", args=[run.pk]))


def _code(request: Request) -> int:
    return 409 if request.method == "POST" else 200


def _ports(version: WorkflowVersion) -> list[dict[str, Any]]:
    return list(json.loads(version.definition).get("inputs", []))


def _earlier(request: Request, workflow: Workflow) -> dict[str, Any] | None:
    """Give the inputs of an earlier run to start from; None without one of this workflow."""
    like = request.GET.get("like")
    if not like:
        return None
    run = run_for(request.user, like)
    if run.version.workflow_id != workflow.pk:
        raise Http404
    return dict(json.loads(run.inputs))


def _started(request: Request, version: WorkflowVersion, form: StartForm) -> Run | None:
    """Start the run the form asks for; None when the form says what is wrong with it."""
    if not form.is_valid():
        return None
    inputs = form.inputs()
    try:
        definition = GraphDefinition.from_json(version.definition)
        form.blame(check_inputs(definition, inputs))
    except RunnerError as trouble:
        form.add_error(None, str(trouble))
    if form.errors:
        return None
    run = Run.objects.start(version, request.user, inputs, form.cleaned_data["key"])
    transaction.on_commit(background.wake)
    return run


def _start_page(
    request: Request, version: WorkflowVersion, form: StartForm, status: int = 200
) -> HttpResponse:
    page = {
        "section": "workflows",
        "workflow": version.workflow,
        "version": version,
        "form": form,
    }
    part = "#form" if request.htmx else ""
    return render(request, f"runs/start.html{part}", page, status=status)


def _to(request: Request, address: str) -> HttpResponse:
    """Send the browser on, in the way in which it asked."""
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)


# ── watching ────────────────────────────────────────────────────────────────────────────────────


@login_required
@never_cache
@require_safe
def show(request: Request, id: UUID) -> HttpResponse:
    """Show a run as a tree or as a graph, with one task or the result beside it."""
    run = run_for(request.user, id)
    view = "graph" if request.GET.get("view") == "graph" else "tree"
    asked = asked_of_query(dict(request.GET.lists()))
    page = run_page(run, view, may_run=may(request.user, run, Right.RUN), asked=asked)
    if view == "graph" and (page["boxes"] <= DRAWN_AT_ONCE or "all" in request.GET):
        page["drawing"] = drawing_of(run, page["rows"])
    part = request.GET.get("part", "") if request.htmx else ""
    if part in {"result", "controls"}:
        return render(request, f"runs/show.html#{part}", page)
    if request.htmx:
        return render(request, f"runs/show.html#{view}", page)
    if path := request.GET.get("task"):
        page["inspection"] = inspect(run, path)
        page |= asked_of(request, run, path)
    return render(request, "runs/show.html", page)


@login_required
@never_cache
@require_safe
def task(request: Request, id: UUID, path: str) -> HttpResponse:
    """Show all there is to say about one task of a run."""
    run = run_for(request.user, id)
    if port := request.GET.get("download"):
        return _download(run, path, port)
    inspection = inspect(run, path)
    if inspection is None:
        raise Http404
    page: dict[str, Any] = {
        "section": "runs",
        "run": run,
        "run_id": run.pk,
        "inspection": inspection,
        "live_url": reverse("run-show", args=[run.pk]) + "live",
        **asked_of(request, run, path),
    }
    if inspection.row.is_closed:
        page |= _items(run, path, request.GET.get("items", "1"))
        if request.htmx and "items" in request.GET:
            return render(request, "runs/show.html#items", page)
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


def _download(run: Run, path: str, port: str) -> HttpResponse:
    text = whole_output(run, path, port)
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


@login_required
@require_safe
def drawing(request: Request, hash: str) -> HttpResponse:  # noqa: A002 - the address names it so
    """Give the positions of a drawing as a stylesheet, to be kept for good."""
    versions = WorkflowVersion.objects.visible_to(request.user)
    version = versions.filter(digest=digest_of(hash)).first()
    if version is None:
        raise Http404
    return HttpResponse(
        stylesheet(version.definition),
        content_type="text/css; charset=utf-8",
        headers={"Cache-Control": f"private, max-age={YEAR}, immutable"},
    )


# ── acting ──────────────────────────────────────────────────────────────────────────────────────


@login_required
@require_POST
def cancel(request: Request, id: UUID) -> HttpResponse:
    """Ask for the run to stop."""
    return _ask(request, id, "cancel")


@login_required
@require_POST
def pause(request: Request, id: UUID) -> HttpResponse:
    """Ask that nothing further starts."""
    return _ask(request, id, "pause")


@login_required
@require_POST
def continue_(request: Request, id: UUID) -> HttpResponse:
    """Ask for a paused run to go on."""
    return _ask(request, id, "continue")


@login_required
@require_POST
def resume(request: Request, id: UUID) -> HttpResponse:
    """Ask for the run to go on from what it has."""
    return _ask(request, id, "resume")


def _ask(request: Request, id: UUID, kind: str) -> HttpResponse:
    run = run_for(request.user, id, Right.RUN)
    refused = run.refusal_of(kind)
    if not refused and run.request(kind, request.user):
        transaction.on_commit(background.wake)
    else:
        messages.info(request, refused)
    if request.htmx:
        run.refresh_from_db()
        page = run_page(run, "tree", may_run=True)
        return render(request, "runs/show.html#controls", page)
    return HttpResponseRedirect(reverse("run-show", args=[run.pk]), status=303)
