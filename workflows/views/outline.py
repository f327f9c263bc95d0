"""The outline editor: the same draft as the canvas shows, as a list with forms, without scripts."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from runner.editing.draft import Draft, joined
from runner.errors import DefinitionError, RunnerError
from runner.graph.registry import TaskRegistry
from workflows.access import may, workflow_for
from workflows.editing import Offer, history_of, levels_of, offers, opened, port_in_hand
from workflows.examples import examples_on
from workflows.http import Request
from workflows.last_run import SinceLastRun, since_last_run
from workflows.models import Right, Workflow
from workflows.models.drafting import draft_of, stack_of
from workflows.outline_acts import also_chosen
from workflows.outline_telling import copied, panel_if_there, told_in_outline
from workflows.outlining import (
    ends_in,
    flows_of,
    page_of,
    placed_problems,
    places_of,
    rows_of,
)
from workflows.pinning import pin_form, pinned_ids, typed_in
from workflows.sheet_panel import SheetPanel
from workflows.telling import Told, panel_of
from workflows.trials import last_run_of

HISTORY = 10
MOST_WORDS = 200
DIGITS = 6


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def outline(request: Request, id: UUID) -> HttpResponse:
    """Show a level of the draft as a list, and what can be said about one task; take an act."""
    workflow = workflow_for(request.user, id)
    if workflow.is_from_code or not may(request.user, workflow, Right.EDIT):
        if request.method == "POST":
            raise Http404
        return HttpResponseRedirect(reverse("workflow-show", args=[id]))
    level, path = request.GET.get("level", ""), request.GET.get("task", "")
    if request.method == "POST":
        return _told(request, workflow, level, path)
    drawing = opened(workflow, workflow.registry).drawing
    try:
        drawing.level(level)
        forms = panel_of(workflow, drawing, level, path)
    except DefinitionError as gone:
        messages.info(request, gone.sentence)
        return HttpResponseRedirect(_url(id))
    return _page(request, workflow, level, Told(forms=forms))


# ── what is shown ───────────────────────────────────────────────────────────────────────────────


def _page(request: Request, workflow: Workflow, level: str, told: Told) -> HttpResponse:
    draft, registry, forms = draft_of(workflow), workflow.registry, told.forms
    drawing = draft.drawing
    level = level if not level or _is_there(drawing, level) else ""
    path = forms.path if forms is not None else ""
    page = {
        "section": "workflows",
        "workflow": workflow,
        "draft": draft,
        "level": level,
        "levels": levels_of(drawing, level),
        "path": path,
        "forms": forms,
        "sheet": SheetPanel(drawing, level, path, request.POST or None),
        "pin": pin_form(workflow, path, typed_in(request.POST)),
        "sentence": told.sentence,
        "examples": examples_on(drawing),
        "target": _url(workflow.pk, level, path),
        "inside": _url(workflow.pk, path),
        **_history(request, workflow),
        **_adding(request, drawing, level, registry),
        **_rows(request, workflow, drawing, level),
    }
    status = 422 if told.refused else 200
    return render(request, "workflows/outline.html", page, status=status)


def _history(request: Request, workflow: Workflow) -> dict[str, Any]:
    stack = stack_of(workflow, request.user)
    return {
        "undo": stack.done[-1].words if stack.done else "",
        "redo": stack.undone[-1].words if stack.undone else "",
        "acts": history_of(workflow, HISTORY),
        "copied": copied(request.session),
    }


def _rows(request: Request, workflow: Workflow, drawing: Draft, level: str) -> dict[str, Any]:
    """Give the list: its rows, what is chosen of them, what is wrong, and what is pinned."""
    problems = drawing.definition.check(workflow.registry)
    chosen = request.POST.getlist("paths")
    also = request.POST.get("choose", "")
    rows = rows_of(drawing, level, problems, _since(workflow, drawing, level))
    return {
        "problems": placed_problems(drawing, problems, workflow.registry),
        "pinned": pinned_ids(workflow),
        "chosen": also_chosen(drawing, level, chosen, also) if also else frozenset(chosen),
        "flows": flows_of(drawing, level),
        **page_of(rows, _number(request.GET.get("start", ""))),
    }


def _since(workflow: Workflow, drawing: Draft, level: str) -> SinceLastRun | None:
    run = last_run_of(workflow)
    return None if run is None else since_last_run(drawing, level, run)


def _adding(request: Request, drawing: Draft, level: str, registry: TaskRegistry) -> dict[str, Any]:
    return {
        "places": places_of(drawing, level, registry),
        "place": request.GET.get("place", ""),
        "q": request.GET.get("q", ""),
        "offers": _offers(request, drawing, level, registry),
    }


def _offers(request: Request, drawing: Draft, level: str, registry: TaskRegistry) -> list[Offer]:
    source, target = ends_in(request.GET.get("place", ""))
    try:
        hand = port_in_hand(drawing, level, registry, source, "" if source else target)
    except RunnerError:
        hand = {}
    return offers(registry, request.GET.get("q", "")[:MOST_WORDS], **hand)


# ── what is told ────────────────────────────────────────────────────────────────────────────────


def _told(request: Request, workflow: Workflow, level: str, path: str) -> HttpResponse:
    data = request.POST
    form = data.get("form", "task")
    if form == "find" and "add" not in data:
        words = {name: data.get(name, "")[:MOST_WORDS] for name in ("q", "place")}
        found = _url(workflow.pk, level, path, **words)
        return HttpResponseRedirect(f"{found}#add", status=303)
    if "choose" in data:
        return _page(request, workflow, level, Told(forms=panel_if_there(workflow, level, path)))
    told = told_in_outline(workflow, request.user, (level, path), data, request.session)
    if told.refused:
        return _page(request, workflow, level, told)
    said = told.done[-1].words if told.done else told.said or "Nothing has changed"
    messages.info(request, f"{said}.")
    if form == "publish":
        return HttpResponseRedirect(reverse("workflow-show", args=[workflow.pk]), status=303)
    onward = _next(workflow, level, path, told, stays=form == "strategy")
    return HttpResponseRedirect(onward, status=303)


def _next(workflow: Workflow, level: str, path: str, told: Told, *, stays: bool) -> str:
    """Say where to go on: to the one task that was added, or where the person was."""
    drawing = draft_of(workflow).drawing
    added = [
        joined(*change.thing[1:3])
        for act in told.done
        for change in act.changed
        if change.kind == "task" and change.word == "added"
    ]
    # Whoever lists subtasks goes on listing them.
    shown = added[0] if len(added) == 1 and not stays else path
    level = level if not level or _is_there(drawing, level) else ""
    if shown and _is_there(drawing, shown):
        return f"{_url(workflow.pk, level, shown)}#panel"
    return _url(workflow.pk, level)


def _is_there(drawing: Draft, path: str) -> bool:
    """Whether there is a level, or a task, of this path."""
    try:
        drawing.task(path)
    except DefinitionError:
        return False
    return True


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0


def _url(id: UUID, level: str = "", path: str = "", **more: str) -> str:
    query = {"level": level, "task": path, **more}
    query = {name: each for name, each in query.items() if each}
    address = reverse("workflow-outline", args=[id])
    return f"{address}?{urlencode(query)}" if query else address
