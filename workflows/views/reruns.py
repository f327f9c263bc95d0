"""Running a run again: the matrix of engine 7.6 with a preview, and what a person asks of it."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from runner.errors import PlanError, RunnerError
from runner.graph.planning import check_inputs
from runner.run.rerun import RerunMode
from workflows import background
from workflows.access import run_for
from workflows.grants import refusal_of
from workflows.http import Request
from workflows.large_values import inputs_whole
from workflows.models import Right, Run, WorkflowVersion
from workflows.models.rerunning import Cell, Rerunning, RerunWish
from workflows.outline import outline_of
from workflows.rerun_form import LATEST, SAME, RerunForm
from workflows.uploads import upload_ticket

#: So many paths are named under a preview.
NAMED = 200
MODES = {
    RerunMode.RESUME: ("Resume", "keeps what is done, goes on where it stopped"),
    RerunMode.FAILED: ("From what failed", "runs what failed and what needs it"),
    RerunMode.TASK: ("From a task", "runs the task chosen below and what needs it"),
    RerunMode.START: ("From the start", "runs everything"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a person asks of a run, and what it would do."""

    run: Run
    rerunning: Rerunning
    form: RerunForm
    cell: Cell


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rerun(request: Request, id: UUID) -> HttpResponse:
    """Show what may be done again of a run, what each choice would do, and do it."""
    run = run_for(request.user, id, Right.RUN)
    rerunning = Rerunning(run, request.user)
    form = _form(request, run, rerunning)
    cell = _agreed(request, run, rerunning, rerunning.cell(_wish(form, run, rerunning)))
    asked = _Asked(run=run, rerunning=rerunning, form=form, cell=cell)
    if request.method != "POST" or "preview" in request.GET:
        return _page(request, asked)
    if form.errors or cell.refusal:
        return _page(request, asked, status=422)
    return _done(request, asked)


def _agreed(request: Request, run: Run, rerunning: Rerunning, cell: Cell) -> Cell:
    """Refuse a new run whose tasks the person has not let have their credentials."""
    if cell.refusal or cell.wish.mode == RerunMode.RESUME:
        return cell
    version = _version(run, rerunning, latest=cell.wish.latest)
    refusal = refusal_of(version, request.user)
    return Cell(wish=cell.wish, refusal=refusal) if refusal else cell


def _done(request: Request, asked: _Asked) -> HttpResponse:
    key, wish = asked.form.cleaned_data["key"], asked.cell.wish
    try:
        made = Run.objects.rerun(asked.run, request.user, wish, key)
    except RunnerError as fault:
        refused = replace(asked, cell=Cell(wish=wish, refusal=str(fault)))
        return _page(request, refused, status=422)
    transaction.on_commit(background.wake)
    messages.info(request, asked.cell.sentence)
    return HttpResponseRedirect(reverse("run-show", args=[made.pk]), status=303)


def _form(request: Request, run: Run, rerunning: Rerunning) -> RerunForm:
    more: dict[str, Any] = {"team": str(run.team_id), "earlier": _earlier(run)}
    more["first"] = {
        "cell": f"{_mode(request, run)}-{LATEST if request.GET.get('version') == LATEST else SAME}",
        "task": request.GET.get("task", "").partition("[")[0] or _first_task(run),
    }
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = RerunForm(_ports(run.version), *sent, **more)
    _, latest = form.chosen
    version = _version(run, rerunning, latest=latest)
    return form if version.pk == run.version_id else RerunForm(_ports(version), *sent, **more)


def _wish(form: RerunForm, run: Run, rerunning: Rerunning) -> RerunWish:
    """Read the form; what is wrong with it stands in its errors then."""
    if not form.is_bound:
        return form.wish({})
    form.is_valid()
    form.keep_files()
    before = _before(rerunning)
    wish = form.wish(before)
    if not form.errors and run.options == "{}":
        version = _version(run, rerunning, latest=wish.latest)
        _blame(form, version, rerunning, wish)
    return wish


def _blame(
    form: RerunForm, version: WorkflowVersion, rerunning: Rerunning, wish: RerunWish
) -> None:
    try:
        inputs = rerunning.inputs_for(version, wish)
        form.blame(check_inputs(rerunning.definition_of(version), inputs))
    except RunnerError:
        return  # the cell says it


def _before(rerunning: Rerunning) -> dict[str, Any]:
    try:
        return rerunning.inputs
    except RunnerError:
        return {}


def _earlier(run: Run) -> dict[str, Any] | None:
    """Give the run's inputs as the form shows them; None when they cannot be read any more."""
    try:
        return dict(json.loads(inputs_whole(str(run.team_id), run.inputs)))
    except RunnerError:
        return None


def _version(run: Run, rerunning: Rerunning, *, latest: bool) -> WorkflowVersion:
    try:
        return rerunning.source(latest=latest)[0]
    except PlanError:
        return run.version


def _ports(version: WorkflowVersion) -> list[dict[str, Any]]:
    return list(json.loads(version.definition).get("inputs", []))


def _mode(request: Request, run: Run) -> RerunMode:
    asked = request.GET.get("from", "")
    if asked in list(RerunMode):
        return RerunMode(asked)
    return RerunMode.FAILED if run.can_resume else RerunMode.START


def _first_task(run: Run) -> str:
    """Give the task where one would most likely begin: the first that failed, or the first."""
    failed = run.task_runs.filter(status="failed").exclude(path__contains="[").order_by("id")
    path = failed.values_list("path", flat=True).first()
    return path or next(iter(outline_of(run.version.definition).places), "")


def _page(request: Request, asked: _Asked, status: int = 200) -> HttpResponse:
    run, form, cell, rerunning = asked.run, asked.form, asked.cell, asked.rerunning
    version = _version(run, rerunning, latest=cell.wish.latest)
    page = {
        "section": "runs",
        "run": run,
        "form": form,
        "cell": cell,
        "latest": _version(run, rerunning, latest=True),
        "rows": _rows(rerunning.matrix(cell.wish), form.chosen),
        "places": outline_of(version.definition).places.values(),
        "task": cell.wish.task,
        "named": NAMED,
        "faults": [str(sentence) for sentences in form.errors.values() for sentence in sentences],
        "redrawn": bool(request.htmx) and (form.takes_files or form.asks_otherwise),
        "ticket": upload_ticket(request.user.pk) if form.takes_files else "",
    }
    part = "#preview" if request.htmx else ""
    return render(request, f"runs/rerun.html{part}", page, status=status)


def _rows(cells: list[Cell], chosen: tuple[RerunMode, bool]) -> list[dict[str, Any]]:
    """Arrange the cells for the table: a row a mode, the run's version first."""
    return [
        {
            "name": name,
            "help": words,
            "cells": [
                {
                    "value": f"{mode}-{LATEST if each.wish.latest else SAME}",
                    "chosen": (mode, each.wish.latest) == chosen,
                    "brief": each.planned.preview.brief if each.planned else "",
                    "refusal": each.refusal,
                }
                for each in cells
                if each.wish.mode == mode
            ],
        }
        for mode, (name, words) in MODES.items()
    ]
