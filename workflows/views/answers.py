"""Answering what a task asks."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from runner.run.status import TaskStatus
from workflows import background
from workflows.access import may, run_for
from workflows.forms import AnswerForm
from workflows.http import Request
from workflows.models import Right, Run

ASKING = ("input", "approval")


@login_required
@require_POST
def give(request: Request, id: UUID, path: str) -> HttpResponse:
    """Give a task the answer it waits for."""
    run = run_for(request.user, id, Right.RUN)
    question = question_of(run, path)
    if question is None:
        return _said(request, run, path, f"Task {path} does not wait for an answer.")
    form = AnswerForm(question, request.POST)
    if not form.is_valid():
        page = {"run": run, "path": path, "question": question, "form": form}
        part = "_answer.html" if request.htmx else "answer.html"
        return render(request, f"runs/{part}", page, status=422)
    given = {"path": path, "value": form.inputs()}
    refused = run.refusal_of("answer", given)
    if not refused:
        run.request("answer", request.user, given, form.cleaned_data["key"])
        transaction.on_commit(background.wake)
    return _said(request, run, path, refused or "The answer was given; the task goes on.")


def question_of(run: Run, path: str) -> dict[str, Any] | None:
    """Give what a task asks; None when it asks nothing."""
    asking = run.task_runs.filter(path=path, status=TaskStatus.AWAITING, reason__in=ASKING)
    detail = asking.values_list("detail", flat=True).first()
    question = json.loads(detail) if detail else None
    return question if isinstance(question, dict) else None


def asked_of(request: Request, run: Run, path: str) -> dict[str, Any]:
    """Give the form for what a task asks, to those who may answer; empty otherwise."""
    question = question_of(run, path)
    if question is None or not may(request.user, run, Right.RUN):
        return {}
    return {"path": path, "question": question, "form": AnswerForm(question)}


def _said(request: Request, run: Run, path: str, sentence: str) -> HttpResponse:
    """Answer HTMX with the sentence, and any other with the task's page."""
    if request.htmx:
        return render(request, "runs/_answer.html", {"sentence": sentence})
    messages.info(request, sentence)
    return HttpResponseRedirect(reverse("task-show", args=[run.pk, path]), status=303)
