"""The editor: a draft on its canvas; every act is one request, answered with what it changed."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from runner.editing.pasting import clip_of
from runner.errors import DefinitionError, RunnerError
from workflows.access import may, workflow_for
from workflows.canvas import Canvas, canvas_of, tidied_spots
from workflows.editing import (
    answer_to,
    fits_of,
    history_of,
    levels_of,
    offers,
    opened,
    port_in_hand,
    problems_of,
)
from workflows.examples import examples_on
from workflows.http import Request
from workflows.last_run import since_last_run
from workflows.models import Right, Workflow
from workflows.models.drafting import OutdatedAct, act, draft_of, publish, redo, stack_of, undo
from workflows.outlining import placed_problems
from workflows.pinning import pinned_ids
from workflows.trials import last_run_of

MOST_BYTES = 1024 * 1024
DIGITS = 9
MOST_TASKS = 10_000


@login_required
@never_cache
@require_safe
def show(request: Request, id: UUID) -> HttpResponse:
    """Show one level of the draft on its canvas."""
    workflow = workflow_for(request.user, id)
    if workflow.is_from_code or not may(request.user, workflow, Right.EDIT):
        return HttpResponseRedirect(reverse("workflow-show", args=[id]))
    registry = workflow.registry
    draft = opened(workflow, registry)
    drawing, level = draft.drawing, request.GET.get("level", "")
    problems = problems_of(drawing, registry)
    try:
        canvas = canvas_of(drawing, level, registry, problems)
    except DefinitionError as gone:
        messages.info(request, gone.sentence)
        return HttpResponseRedirect(reverse("workflow-edit", args=[id]))
    stack = stack_of(workflow, request.user)
    page = {
        "section": "workflows",
        "workflow": workflow,
        "draft": draft,
        "level": level,
        "levels": levels_of(drawing, level),
        "wires": _drawn(canvas, "wire-"),
        "tiles": _drawn(canvas, "frame-", "box-", "note-"),
        "map": _drawn(canvas, "map-"),
        "is_empty": not drawing.level(level).tasks,
        "examples": examples_on(drawing),
        "problems": problems,
        "undo": stack.done[-1].words if stack.done else "",
        "redo": stack.undone[-1].words if stack.undone else "",
        "offers": offers(registry),
    }
    return render(request, "workflows/edit.html", page)


def _drawn(canvas: Canvas, *kinds: str) -> SafeString:
    html = (part for name, part in canvas.parts.items() if name.startswith(kinds))
    return mark_safe("".join(html))  # noqa: S308 - every text in it went through its escape


@login_required
@require_POST
def do(request: Request, id: UUID) -> HttpResponse:
    """Do one act, given as JSON: the act, the revision it is meant for, the level shown."""
    return _acted(request, id, lambda workflow, asked: act(
        workflow, request.user, int(asked.get("base", -1)), dict(asked.get("edit") or {})
    ))  # fmt: skip


@login_required
@require_POST
def take_back(request: Request, id: UUID) -> HttpResponse:
    """Take back the person's last act."""
    return _acted(request, id, lambda workflow, _: undo(workflow, request.user))


@login_required
@require_POST
def do_again(request: Request, id: UUID) -> HttpResponse:
    """Do again what the person took back last."""
    return _acted(request, id, lambda workflow, _: redo(workflow, request.user))


@login_required
@require_POST
def tidy(request: Request, id: UUID) -> HttpResponse:
    """Lay the level out anew; one act."""

    def tidied(workflow: Workflow, asked: dict[str, Any]) -> Any:
        draft = draft_of(workflow)
        spots = tidied_spots(draft.drawing, str(asked.get("level", "")), workflow.registry)
        moved = {"op": "move", "positions": spots, "tidy": True}
        return act(workflow, request.user, draft.revision, moved) if spots else None

    return _acted(request, id, tidied)


@login_required
@never_cache
@require_safe
def parts(request: Request, id: UUID) -> HttpResponse:
    """Give what has changed in a level since a revision."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    since = request.GET.get("since", "")
    return _answer(request, workflow, request.GET.get("level", ""), _number(since))


@login_required
@never_cache
@require_safe
def fits(request: Request, id: UUID) -> HttpResponse:
    """Say which ports fit the one in hand, and why others do not."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    drawing = draft_of(workflow).drawing
    try:
        found = fits_of(
            drawing,
            request.GET.get("level", ""),
            workflow.registry,
            source=request.GET.get("source", ""),
            target=request.GET.get("target", ""),
        )
    except RunnerError as fault:
        return JsonResponse({"sentence": fault.sentence}, status=422)
    return JsonResponse({"fits": found})


@login_required
@never_cache
@require_safe
def palette(request: Request, id: UUID) -> HttpResponse:
    """Give the task types that match some words, those that fit the port in hand first."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    registry = workflow.registry
    source, target = request.GET.get("source", ""), request.GET.get("target", "")
    try:
        level = request.GET.get("level", "")
        hand = port_in_hand(draft_of(workflow).drawing, level, registry, source, target)
    except RunnerError:
        hand = {}
    page = {"offers": offers(registry, request.GET.get("q", "")[:200], **hand)}
    return render(request, "workflows/edit.html#offers", page)


@login_required
@never_cache
@require_safe
def clip(request: Request, id: UUID) -> HttpResponse:
    """Give tasks of a level as JSON for a clipboard."""
    workflow = workflow_for(request.user, id)
    try:
        drawing = draft_of(workflow).drawing
        chosen = request.GET.getlist("id")[:MOST_TASKS]
        return JsonResponse(clip_of(drawing, request.GET.get("level", ""), chosen))
    except DefinitionError as fault:
        return JsonResponse({"sentence": fault.sentence}, status=422)


@login_required
@never_cache
@require_safe
def last_run(request: Request, id: UUID) -> HttpResponse:
    """Give what the ports of a level gave in the last run, which tasks changed since, the pins."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    level, run = request.GET.get("level", ""), last_run_of(workflow)
    pins = {"pinned": [] if level else pinned_ids(workflow)}
    if run is None:
        return JsonResponse(pins)
    try:
        said = since_last_run(draft_of(workflow).drawing, level, run)
    except DefinitionError:
        return JsonResponse(pins)
    url = reverse("run-show", args=[run.pk])
    return JsonResponse(pins | {"values": said.values, "changed": said.changed, "run": url})


@login_required
@never_cache
@require_safe
def problems(request: Request, id: UUID) -> HttpResponse:
    """List what keeps the draft from being run, and the last acts."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    drawing = draft_of(workflow).drawing
    page = {
        "workflow": workflow,
        "problems": placed_problems(
            drawing, problems_of(drawing, workflow.registry), workflow.registry
        ),
        "acts": history_of(workflow),
    }
    return render(request, "workflows/edit.html#state", page)


@login_required
@require_POST
def make_version(request: Request, id: UUID) -> HttpResponse:
    """Publish the draft as the next version."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    try:
        version = publish(workflow, request.user, request.POST.get("note", ""))
    except DefinitionError as fault:
        messages.error(request, f"Not published: {fault.sentence}")
        return HttpResponseRedirect(reverse("workflow-edit", args=[id]), status=303)
    messages.info(request, f"Published as version {version.number}.")
    return HttpResponseRedirect(reverse("workflow-show", args=[id]), status=303)


# ── what they share ─────────────────────────────────────────────────────────────────────────────


def _acted(
    request: Request, id: UUID, do_it: Callable[[Workflow, dict[str, Any]], Any]
) -> HttpResponse:
    workflow = workflow_for(request.user, id, Right.EDIT)
    asked = _asked(request)
    if asked is None:
        return JsonResponse({"sentence": "This act cannot be understood."}, status=422)
    level, since = str(asked.get("level", "")), _number(str(asked.get("base", "")))
    try:
        do_it(workflow, asked)
    except OutdatedAct as fault:
        return _answer(request, workflow, level, since, fault.sentence, 409)
    except RunnerError as fault:
        return _answer(request, workflow, level, since, fault.sentence, 422)
    return _answer(request, workflow, level, since)


def _asked(request: Request) -> dict[str, Any] | None:
    """Read the JSON of a request; None for anything else."""
    if len(request.body) > MOST_BYTES:
        return None
    try:
        asked = json.loads(request.body)
        return asked if isinstance(asked, dict) and isinstance(asked.get("base", 0), int) else None
    except (ValueError, RecursionError):
        return None


def _answer(
    request: Request,
    workflow: Workflow,
    level: str,
    since: int,
    sentence: str = "",
    status: int = 200,
) -> HttpResponse:
    draft = draft_of(workflow)
    answer = answer_to(draft, request.user, level, since, workflow.registry)
    return JsonResponse(answer | ({"sentence": sentence} if sentence else {}), status=status)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else -1
