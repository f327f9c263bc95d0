"""The outline editor: the same draft as the canvas shows, as a list with forms, without scripts."""

from collections.abc import Callable
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
from workflows.models import Right, Workflow
from workflows.models.drafting import DraftAct, draft_of, publish, redo, stack_of, undo
from workflows.outlining import (
    adding,
    asked_of,
    ends_in,
    page_of,
    placed_problems,
    places_of,
    rows_of,
)
from workflows.pinning import pin_form, pinned_ids, told_pin, typed_in
from workflows.telling import Panel, Told, carry_out_all, panel_of, revision_in, tell

HISTORY = 10
MOST_WORDS = 200
DIGITS = 6
_PANEL = frozenset(
    {"task", "strategy", "json", "graph", "input", "output", "remove-input", "remove-output", "pin"}
)


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
    return _page(request, workflow, level, forms)


# ── what is shown ───────────────────────────────────────────────────────────────────────────────


def _page(
    request: Request, workflow: Workflow, level: str, forms: Panel | None, sentence: str = ""
) -> HttpResponse:
    registry, draft = workflow.registry, draft_of(workflow)
    drawing = draft.drawing
    level = level if not level or _is_there(drawing, level) else ""
    problems = drawing.definition.check(registry)
    stack = stack_of(workflow, request.user)
    path = forms.path if forms is not None else ""
    page = {
        "section": "workflows",
        "workflow": workflow,
        "draft": draft,
        "level": level,
        "levels": levels_of(drawing, level),
        "path": path,
        "forms": forms,
        "sentence": sentence,
        "problems": placed_problems(drawing, problems, registry),
        "undo": stack.done[-1].words if stack.done else "",
        "redo": stack.undone[-1].words if stack.undone else "",
        "acts": history_of(workflow, HISTORY),
        "examples": examples_on(drawing),
        "places": places_of(drawing, level, registry),
        "place": request.GET.get("place", ""),
        "q": request.GET.get("q", ""),
        "offers": _offers(request, drawing, level, registry),
        "target": _url(workflow.pk, level, path),
        "inside": _url(workflow.pk, path),
        "pin": pin_form(workflow, path, typed_in(request.POST)),
        "pinned": pinned_ids(workflow),
        **page_of(rows_of(drawing, level, problems), _number(request.GET.get("start", ""))),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "workflows/outline.html", page, status=status)


def _offers(request: Request, drawing: Draft, level: str, registry: TaskRegistry) -> list[Offer]:
    source, target = ends_in(request.GET.get("place", ""))
    try:
        hand = port_in_hand(drawing, level, registry, source, "" if source else target)
    except RunnerError:
        hand = {}
    return offers(registry, request.GET.get("q", "")[:MOST_WORDS], **hand)


# ── what is told ────────────────────────────────────────────────────────────────────────────────


def _told(request: Request, workflow: Workflow, level: str, path: str) -> HttpResponse:
    form = request.POST.get("form", "task")
    if form == "find" and "add" not in request.POST:
        words = {name: request.POST.get(name, "")[:MOST_WORDS] for name in ("q", "place")}
        found = _url(workflow.pk, level, path, **words)
        return HttpResponseRedirect(f"{found}#add", status=303)
    if form in _PANEL:
        told = tell(workflow, request.user, level, path, request.POST)
    else:
        told = _done(request, workflow, level, path)
    if told.refused:
        return _page(request, workflow, level, told.forms, told.sentence)
    if form == "publish":
        return HttpResponseRedirect(reverse("workflow-show", args=[workflow.pk]), status=303)
    said = told.done[-1].words if told.done else told.said or "Nothing has changed"
    messages.info(request, f"{said}.")
    onward = _next(workflow, level, path, told, stays=form == "strategy")
    return HttpResponseRedirect(onward, status=303)


def _done(request: Request, workflow: Workflow, level: str, path: str) -> Told:
    """Do what a button of the list asks for; what is refused keeps the panel as it was."""
    drawing, data = draft_of(workflow).drawing, request.POST
    turns: dict[str, Callable[[Workflow, Any], DraftAct | None]] = {"undo": undo, "redo": redo}
    try:
        if data.get("form") == "publish":
            version = publish(workflow, request.user, data.get("note", ""))
            messages.info(request, f"Published as version {version.number}.")
            return Told(forms=None)
        if turn := turns.get(data.get("form", "")):
            made = turn(workflow, request.user)
            return Told(forms=None, done=(made,) if made else ())
        if task_id := data.get("pin", ""):
            return Told(forms=None, said=told_pin(workflow, request.user, task_id, "turn"))
        kind = data.get("add", "")
        asked = adding(level, kind, data.get("place", "")) if kind else asked_of(drawing, data)
        done = carry_out_all(workflow, request.user, revision_in(data), [asked])
    except RunnerError as fault:
        return Told(forms=_panel(workflow, level, path), sentence=fault.sentence, refused=True)
    return Told(forms=None, done=tuple(done))


def _panel(workflow: Workflow, level: str, path: str) -> Panel | None:
    """Give the panel as it is; None when what it was about is gone."""
    try:
        return panel_of(workflow, draft_of(workflow).drawing, level, path)
    except DefinitionError:
        return None


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
