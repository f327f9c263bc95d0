"""Deciding about a task that must not start twice by itself, and about changed task types."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from runner.run.status import TaskStatus
from workflows import background
from workflows.access import may, run_for
from workflows.decision_form import DecisionForm
from workflows.http import Request
from workflows.models import Right, Run
from workflows.outline import outline_for
from workflows.ports import output_ports
from workflows.views.answers import page_before


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: Request, id: UUID, path: str) -> HttpResponse:
    """Ask what becomes of a task, and say it: again, done with a value, or failed."""
    run = run_for(request.user, id, Right.RUN)
    detail = _waiting(run, path)
    if detail is None:
        asked = {"path": path, "action": "retry"}
        return _said(request, run, path, run.refusal_of("decide", asked, request.user))
    page = {"run": run, "path": path, "decision_about": detail}
    form = DecisionForm(_ports(run, path), request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "runs/decision.html", page | {"decision": form})
    if not form.is_valid():
        part = "_decision.html" if request.htmx else "decision.html"
        return render(request, f"runs/{part}", page | {"decision": form}, status=422)
    decision = form.decision(path)
    if run.request("decide", request.user, decision):
        transaction.on_commit(background.wake)
        return _said(request, run, path, "It was decided; the run goes on.")
    return _said(request, run, path, run.refusal_of("decide", decision, request.user))


@login_required
@require_POST
def decide_versions(request: Request, id: UUID) -> HttpResponse:
    """Let a run go on with the task types that are installed now, or end it."""
    run = run_for(request.user, id, Right.RUN)
    decision = {"action": request.POST.get("action", "")}
    refused = run.refusal_of("decide", decision)
    if not refused and run.request("decide", request.user, decision):
        transaction.on_commit(background.wake)
    messages.info(request, refused or "It was decided; the run is told.")
    return HttpResponseRedirect(reverse("run-show", args=[run.pk]), status=303)


def decision_of(request: Request, run: Run, path: str) -> dict[str, Any]:
    """Give the form for a decision, to those who may decide; empty when none is waited for."""
    detail = _waiting(run, path)
    if detail is None or not may(request.user, run, Right.RUN):
        return {}
    return {"path": path, "decision": DecisionForm(_ports(run, path)), "decision_about": detail}


def _waiting(run: Run, path: str) -> str | None:
    """Give why a task waits for a decision, "" where nothing was said; None if it does not."""
    waiting = run.task_runs.filter(path=path, status=TaskStatus.AWAITING, reason="decision")
    detail = waiting.values_list("detail", flat=True).first()
    if detail is None:
        return None
    said = json.loads(detail) if detail else {}
    return str(said.get("message", "")) if isinstance(said, dict) else ""


def _ports(run: Run, path: str) -> Any:
    place = outline_for(run).place_of(path)
    return output_ports(place) if place else None


def _said(request: Request, run: Run, path: str, sentence: str) -> HttpResponse:
    """Answer HTMX with the sentence, and any other with the page that the person came from."""
    sentence = sentence or f"Task {path} does not wait for a decision."
    if request.htmx:
        return render(request, "runs/_decision.html", {"sentence": sentence})
    messages.info(request, sentence)
    return HttpResponseRedirect(page_before(request, run, path), status=303)
