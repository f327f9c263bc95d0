"""The panel beside the canvas: forms about a task or about a level, which are acts like others."""

import json
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from runner.errors import DefinitionError
from workflows.access import workflow_for
from workflows.http import Request
from workflows.models import Right, Workflow
from workflows.models.drafting import draft_of
from workflows.pinning import pin_form, typed_in
from workflows.telling import Told, panel_of, tell


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def panel(request: Request, id: UUID) -> HttpResponse:
    """Show what can be said about a task, or about the level; take what is said."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    level, path = request.GET.get("level", ""), request.GET.get("path", "")
    if request.method == "POST":
        told = tell(workflow, request.user, level, path, request.POST)
    else:
        told = _shown(workflow, level, path)
    here = urlencode({"level": level, "path": path})
    page = {
        "workflow": workflow,
        "draft": draft_of(workflow),
        "forms": told.forms,
        "sentence": told.sentence,
        "target": f"{reverse('draft-panel', args=[id])}?{here}",
        "inside": f"{reverse('workflow-edit', args=[id])}?{urlencode({'level': path})}",
        "pin": pin_form(workflow, path, typed_in(request.POST) if told.refused else None),
        "autosaves": True,
    }
    answer = render(request, "workflows/_panel.html", page, status=422 if told.refused else 200)
    if told.said:
        answer["HX-Trigger"] = json.dumps({"pins-changed": told.said})
    elif request.method == "POST":
        answer["HX-Trigger"] = "draft-changed"
    return answer


def _shown(workflow: Workflow, level: str, path: str) -> Told:
    try:
        return Told(forms=panel_of(workflow, draft_of(workflow).drawing, level, path))
    except DefinitionError as gone:
        return Told(forms=None, sentence=gone.sentence)
