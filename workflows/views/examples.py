"""Begin with an example: as a new draft of a team, or on an empty canvas."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from runner.errors import DefinitionError
from workflows.access import workflow_for
from workflows.beginning import begin
from workflows.examples import begin_as, example_called
from workflows.http import Request
from workflows.models import Right, Team, Workflow


@login_required
@require_POST
def use(request: Request, name: str) -> HttpResponse:
    """Make an example a draft of one's own, and open it: in the outline if that was asked for."""
    into = request.POST.get("into", "")
    empty = workflow_for(request.user, into, Right.EDIT) if into else None
    try:
        made = _begun(request, empty, name)
    except DefinitionError as fault:
        messages.error(request, fault.sentence)
        if empty is None:
            return HttpResponseRedirect(reverse("workflow-new"), status=303)
        made = empty
    page = "workflow-outline" if request.POST.get("page") == "outline" else "workflow-edit"
    return HttpResponseRedirect(reverse(page, args=[made.pk]), status=303)


def _begun(request: Request, empty: Workflow | None, name: str) -> Workflow:
    example = example_called(name)
    if empty is not None:
        begin_as(empty, request.user, example)
        return empty
    return begin(_team(request), example.title, example.drawing, request.user)


def _team(request: Request) -> Team:
    """Give the team that was named, or the first in which the person may draw; else Http404."""
    teams = Team.objects.visible_to(request.user, Right.EDIT).order_by("name")
    named = request.POST.get("team", "")
    try:
        team = teams.filter(pk=named).first() if named else teams.first()
    except ValidationError:
        team = None
    if team is None:
        raise Http404
    return team
