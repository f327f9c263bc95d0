"""Runs: started and watched."""

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from runner.errors import RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs
from workflows import background
from workflows.access import may, may_share, run_for, workflow_for
from workflows.arrangement import digest_of, stylesheet
from workflows.folding import folding_of
from workflows.forms import RunForm
from workflows.grants import UNAGREED, grants_of, must_ask, told
from workflows.http import Request
from workflows.inspection import inspect
from workflows.inspector_tabs import wanted_of
from workflows.large_values import inputs_whole
from workflows.models import Right, Run, Workflow, WorkflowVersion
from workflows.outline import outline_of
from workflows.rows import Row
from workflows.run_graph import differences_page
from workflows.showing import VIEWS, run_page
from workflows.starting import before, version_of
from workflows.uploads import upload_ticket
from workflows.views.answers import asked_of
from workflows.views.decisions import decision_of
from workflows.views.tasks import opened_task
from workflows.waiting import renewal_of

YEAR = 365 * 24 * 60 * 60


# ── starting ────────────────────────────────────────────────────────────────────────────────────


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request, id: UUID) -> HttpResponse:
    """Ask for the workflow's inputs, and start a run with them."""
    workflow = workflow_for(request.user, id, Right.RUN)
    number = (request.POST if request.method == "POST" else request.GET).get("version", "")
    version = version_of(workflow, number)
    if version is None and number:
        raise Http404
    if version is None:
        return render(request, "runs/start.html", {"workflow": workflow}, status=_code(request))
    if request.method != "POST":
        team, earlier = str(workflow.team_id), _earlier(request, workflow)
        form = RunForm(_ports(version), team=team, earlier=earlier)
        return _start_page(request, version, form)
    form = RunForm(_ports(version), request.POST, request.FILES, team=str(workflow.team_id))
    if "grants" not in request.POST and must_ask(
        version, grants_of(version, request.user), request.user
    ):
        form.add_error(None, UNAGREED)
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
    try:
        return dict(json.loads(inputs_whole(str(run.team_id), run.inputs)))
    except RunnerError:
        return None  # a large value that cannot be read any more


def _started(request: Request, version: WorkflowVersion, form: RunForm) -> Run | None:
    """Start the run the form asks for; None when the form says what is wrong with it."""
    is_valid = form.is_valid()
    # Those of a form with a mistake too: nobody should have to send them again.
    form.keep_files()
    if not is_valid or form.errors:
        return None
    inputs = form.inputs()
    try:
        definition = GraphDefinition.from_json(version.definition)
        form.blame(check_inputs(definition, inputs))
    except RunnerError as trouble:
        form.add_error(None, str(trouble))
    if form.errors:
        return None
    run = Run.objects.start(
        version,
        request.user,
        inputs,
        form.cleaned_data["key"],
        label=form.cleaned_data["label"],
    )
    transaction.on_commit(background.wake)
    return run


def _start_page(
    request: Request, version: WorkflowVersion, form: RunForm, status: int = 200
) -> HttpResponse:
    grants = grants_of(version, request.user)
    page = {
        "section": "workflows",
        "workflow": version.workflow,
        "version": version,
        "form": form,
        "grants": told(grants, request.user),
        "must_ask": must_ask(version, grants, request.user),
        "ticket": upload_ticket(request.user.pk) if form.takes_files else "",
    }
    if request.htmx:
        return render(request, "runs/start.html#form", page, status=status)
    page["before"] = before(request.user, version)
    return render(request, "runs/start.html", page, status=status)


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
    """Show a run in one of its views, with one task or the result beside it."""
    run = run_for(request.user, id)
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "tree"
    if request.htmx and request.GET.get("part") == "differences":
        return render(request, "runs/graph.html#differences", differences_page(run))
    page = run_page(
        run,
        view,
        may_run=may(request.user, run, Right.RUN),
        may_share=may_share(request.user, run),
        query=request.GET,
    )
    part = request.GET.get("part", "") if request.htmx else ""
    if part == "result":
        return render(request, "runs/head.html#result", page)
    page |= acts_of(request, run, page["problem"])
    if part == "controls":
        return render(request, "runs/head.html#acts", page | {"again": True})
    if request.htmx:
        return render(request, f"runs/{view}.html#{view}", page)
    if path := request.GET.get("task"):
        inspection = inspect(run, path, wanted_of(request.GET.dict()))
        if inspection is not None:
            page |= opened_task(run, inspection, request.GET)
        page |= asked_of(request, run, path) | decision_of(request, run, path)
        page |= renewal_of(run, path, request.user)
    return render(request, "runs/show.html", page)


def acts_of(request: Request, run: Run, problem: Row | None) -> dict[str, Any]:
    """Give what may be done at once about the first problem of a run."""
    if problem is None or problem.status != "awaiting":
        return {}
    approval = asked_of(request, run, problem.path) if problem.reason == "approval" else {}
    return {"approval": approval, **renewal_of(run, problem.path, request.user)}


@login_required
@require_safe
def drawing(request: Request, hash: str) -> HttpResponse:  # noqa: A002 - the address names it so
    """Give the positions of a drawing, as it is folded, as a stylesheet to be kept for good."""
    versions = WorkflowVersion.objects.visible_to(request.user)
    version = versions.filter(digest=digest_of(hash)).first()
    if version is None:
        raise Http404
    folding = folding_of(outline_of(version.definition), dict(request.GET.lists()))
    return HttpResponse(
        stylesheet(version.definition, folding.closed),
        content_type="text/css; charset=utf-8",
        headers={"Cache-Control": f"private, max-age={YEAR}, immutable"},
    )
