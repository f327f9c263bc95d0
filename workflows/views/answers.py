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
from django.views.decorators.http import require_http_methods

from runner.run.status import TaskStatus
from workflows import background
from workflows.access import may, run_for
from workflows.deadlines import after_deadline
from workflows.forms import AnswerForm
from workflows.http import Request
from workflows.models import Right, Run
from workflows.outline import outline_for

ASKING = ("input", "approval")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: Request, id: UUID, path: str) -> HttpResponse:
    """Show what a task asks, and give it the answer it waits for."""
    run = run_for(request.user, id, Right.RUN)
    question = question_of(run, path)
    if question is None:
        return _said(request, run, path, run.refusal_of("answer", {"path": path}, request.user))
    page = {"run": run, "path": path, "question": question}
    if request.method != "POST":
        refused = run.refusal_of("answer", {"path": path, "value": None}, request.user)
        form = AnswerForm(question)
        return render(request, "runs/answer.html", page | {"form": form, "sentence": refused})
    form = AnswerForm(question, request.POST)
    if not form.is_valid():
        part = "_answer.html" if request.htmx else "answer.html"
        return render(request, f"runs/{part}", page | {"form": form}, status=422)
    given = {"path": path, "value": form.inputs()}
    if run.request("answer", request.user, given, form.cleaned_data["key"]):
        transaction.on_commit(background.wake)
        return _said(request, run, path, "The answer was given; the task goes on.")
    return _said(request, run, path, run.refusal_of("answer", given, request.user))


def question_of(run: Run, path: str) -> dict[str, Any] | None:
    """Give what a task asks; None when it asks nothing."""
    asking = run.task_runs.filter(path=path, status=TaskStatus.AWAITING, reason__in=ASKING)
    detail = asking.values_list("detail", flat=True).first()
    question = json.loads(detail) if detail else None
    if not isinstance(question, dict):
        return None
    until = asking.values_list("until", flat=True).first()
    then = after_deadline(outline_for(run), path) if until else ""
    return {**question, "until": until, "then": then}


def asked_of(request: Request, run: Run, path: str) -> dict[str, Any]:
    """Give the form for what a task asks, to those who may answer; empty otherwise."""
    question = question_of(run, path)
    if question is None or not may(request.user, run, Right.RUN):
        return {}
    refused = run.refusal_of("answer", {"path": path, "value": None}, request.user)
    return {"path": path, "question": question, "form": AnswerForm(question), "sentence": refused}


def _said(request: Request, run: Run, path: str, sentence: str) -> HttpResponse:
    """Answer HTMX with the sentence, and any other with the page that the person came from."""
    sentence = sentence or f"Task {path} does not wait for an answer."
    if request.htmx:
        return render(request, "runs/_answer.html", {"sentence": sentence})
    messages.info(request, sentence)
    return HttpResponseRedirect(page_before(request, run, path), status=303)


def page_before(request: Request, run: Run, path: str) -> str:
    """Give the page that a person came from to deal with a task: all that waits, or the task's."""
    if request.GET.get("from") == "waiting":
        return reverse("waiting-list")
    return reverse("task-show", args=[run.pk, path])
