"""The versions of a workflow: listed, compared, taken along as files, and brought back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from runner.editing.changes import differences
from runner.editing.draft import Draft
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from workflows.access import may, workflow_for
from workflows.as_python import as_python
from workflows.canvas import laid_out
from workflows.folding import DRAWN_AT_ONCE
from workflows.http import Request
from workflows.models import Right, Workflow, WorkflowDraft, WorkflowVersion
from workflows.models.drafting import replace_draft
from workflows.models.drawings import drafted
from workflows.outline import outline_of
from workflows.svg_drawing import svg_file, svg_of
from workflows.version_diff import AFTER, BEFORE, version_diff

DRAFT = "draft"
DIGITS = 9
#: So many versions stand on one page, and in the choice of what to compare.
LINES = 100


@login_required
@never_cache
@require_safe
def index(request: Request, id: UUID) -> HttpResponse:
    """List the versions of a workflow, the newest first, after the draft."""
    workflow = workflow_for(request.user, id)
    may_edit = _may_edit(request, workflow)
    versions = _versions(workflow).annotate(ran=Count("runs"))
    before = _number(request.GET.get("before", ""))
    found = list((versions.filter(number__lt=before) if before else versions)[: LINES + 1])
    page = {
        "section": "workflows",
        "workflow": workflow,
        "versions": found[:LINES],
        "older": found[LINES - 1].number if len(found) > LINES else 0,
        "newest": found[0].number if found and not before else 0,
        "draft": _draft(workflow) if may_edit and not before else None,
        "may_edit": may_edit,
    }
    return render(request, "workflows/versions.html", page)


@login_required
@never_cache
@require_safe
def diff(request: Request, id: UUID) -> HttpResponse:
    """Show what differs between two versions, or between a version and the draft."""
    workflow = workflow_for(request.user, id)
    before, after = request.GET.get("from", ""), request.GET.get("to", "")
    old, new = _drawing(request, workflow, before), _drawing(request, workflow, after)
    found = version_diff(differences(old, new))
    page = {
        "section": "workflows",
        "workflow": workflow,
        "diff": found,
        "from": before,
        "to": after,
        "sides": [
            (_named(before), _svg(old, found.before, BEFORE)),
            (_named(after), _svg(new, found.after, AFTER)),
        ],
        "choices": _choices(request, workflow),
        "may_restore": before != DRAFT and _may_edit(request, workflow),
    }
    return render(request, "workflows/diff.html", page)


@login_required
@require_safe
def export(request: Request, id: UUID, number: int) -> HttpResponse:
    """Give a version as a JSON file, its layout included."""
    return as_file(_version(workflow_for(request.user, id), number))


@login_required
@require_safe
def svg(request: Request, id: UUID, number: int) -> HttpResponse:
    """Give the drawing of a version as an SVG file."""
    version = _version(workflow_for(request.user, id), number)
    name = f"{version.workflow.name}-v{number}.svg"
    return _file(svg_file(version.definition), name, "image/svg+xml")


@login_required
@require_safe
def python(request: Request, id: UUID, number: int) -> HttpResponse:
    """Show a version as a Python program that builds the same definition."""
    version = _version(workflow_for(request.user, id), number)
    text = as_python(GraphDefinition.from_json(version.definition))
    if "download" in request.GET:
        return _file(text, f"{version.workflow.name}.py", "text/x-python; charset=utf-8")
    page = {
        "section": "workflows",
        "workflow": version.workflow,
        "version": version,
        "program": text,
    }
    return render(request, "workflows/python.html", page)


@login_required
@require_POST
def restore(request: Request, id: UUID, number: int) -> HttpResponse:
    """Let the draft say what a version says; an act like any other, which can be taken back."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    version = _version(workflow, number)
    drawing = laid_out(drafted(version.definition, version.layout or "{}"), workflow.registry)
    try:
        replace_draft(workflow, request.user, drawing, f"Version {number} restored")
    except DefinitionError as fault:
        messages.error(request, fault.sentence)
        return HttpResponseRedirect(reverse("version-list", args=[id]), status=303)
    messages.info(request, f"The draft says what version {number} says. Undo takes it back.")
    return HttpResponseRedirect(reverse("workflow-edit", args=[id]), status=303)


def as_file(version: WorkflowVersion) -> HttpResponse:
    """Give a version as a file: byte for byte as it is kept, with the layout beside it."""
    text = version.definition
    if version.layout not in {"", "{}"}:
        text = drafted(text, version.layout).to_json()
    return _file(text, f"{version.workflow.name}.json", "application/json")


# ── what they share ─────────────────────────────────────────────────────────────────────────────


def _file(text: str, name: str, kind: str) -> HttpResponse:
    return HttpResponse(
        text.encode(),
        content_type=kind,
        headers={"Content-Disposition": content_disposition_header(True, name) or ""},  # noqa: FBT003 - takes it by position only
    )


def _may_edit(request: Request, workflow: Workflow) -> bool:
    return not workflow.is_from_code and may(request.user, workflow, Right.EDIT)


def _draft(workflow: Workflow) -> WorkflowDraft | None:
    found = WorkflowDraft.objects.filter(workflow=workflow).select_related("base").first()
    return None if found is None or found.is_published else found


def _versions(workflow: Workflow) -> Any:
    versions = workflow.versions.published().select_related("created_by").order_by("-number")
    return versions.defer("definition", "layout")


def _version(workflow: Workflow, number: int) -> WorkflowVersion:
    version = workflow.versions.published().select_related("workflow").filter(number=number).first()
    if version is None:
        raise Http404
    return version


def _drawing(request: Request, workflow: Workflow, name: str) -> Draft:
    """Find what a name stands for: the number of a version, or the draft for its editors."""
    if name == DRAFT and _may_edit(request, workflow):
        draft = WorkflowDraft.objects.filter(workflow=workflow).first()
        if draft is not None:
            return draft.drawing
        name = str(workflow.latest.number) if workflow.latest else ""
    version = _version(workflow, _number(name))
    return drafted(version.definition, version.layout or "{}")


def _choices(request: Request, workflow: Workflow) -> list[tuple[str, str]]:
    names = [DRAFT] if _may_edit(request, workflow) else []
    numbers = (
        workflow.versions.published().order_by("-number").values_list("number", flat=True)[:LINES]
    )
    return [(name, _named(name)) for name in (*names, *map(str, numbers))]


def _named(name: str) -> str:
    return "Draft" if name == DRAFT else f"Version {_number(name)}"


def _svg(drawing: Draft, marks: Any, side: str) -> SafeString | None:
    """Draw one side; None for more boxes than a page shows at once."""
    definition = drawing.definition.to_json()
    if len(outline_of(definition).places) > DRAWN_AT_ONCE:
        return None
    return mark_safe(svg_of(definition, marks, side))  # noqa: S308 - every text in it went through its escape


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0
