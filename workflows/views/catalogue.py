"""The catalogue: all task types, one of them, and a workflow to try it with."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from runner.errors import DefinitionError, UnknownTaskType
from runner.graph.registry import default_registry
from workflows.beginning import begin
from workflows.catalogue import sheet_called, sheets, trial_of
from workflows.http import Request
from workflows.models import Right, Team
from workflows.models.drafting import publish
from workflows.searching import MOST_LETTERS


@login_required
@never_cache
@require_safe
def index(request: Request) -> HttpResponse:
    """Show the task types that match some words."""
    words = request.GET.get("q", "")[:MOST_LETTERS].replace("\0", "")
    page = {"section": "tasks", "words": words, "sheets": sheets(default_registry(), words)}
    return render(request, f"tasks/list.html{'#found' if request.htmx else ''}", page)


@login_required
@never_cache
@require_safe
def show(request: Request, name: str) -> HttpResponse:
    """Show all that there is to know of a task type."""
    try:
        sheet = sheet_called(default_registry(), name)
    except UnknownTaskType:
        raise Http404 from None
    teams = Team.objects.visible_to(request.user, Right.EDIT).order_by("name")
    return render(request, "tasks/show.html", {"section": "tasks", "sheet": sheet, "teams": teams})


@login_required
@require_POST
def attempt(request: Request, name: str) -> HttpResponse:
    """Make a workflow of the task alone; ask for its inputs, or for its settings if it needs any."""
    teams = Team.objects.visible_to(request.user, Right.EDIT).order_by("name")
    team = (
        teams.filter(slug=request.POST["team"]).first() if "team" in request.POST else teams.first()
    )
    try:
        drawing = trial_of(default_registry(), name)
    except UnknownTaskType:
        raise Http404 from None
    if team is None:
        raise Http404
    made = begin(team, drawing.definition.title, drawing, request.user)
    try:
        publish(made, request.user)
    except DefinitionError as fault:
        messages.info(request, f"Set it up first: {fault.sentence}")
        return HttpResponseRedirect(reverse("workflow-edit", args=[made.pk]), status=303)
    return HttpResponseRedirect(reverse("run-start", args=[made.pk]), status=303)
