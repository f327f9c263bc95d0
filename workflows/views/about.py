"""What a workflow is called, and its removal."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runner.errors import DefinitionError
from workflows.access import workflow_for
from workflows.http import Request
from workflows.models import Right, Workflow
from workflows.models.leaving import remove_workflow
from workflows.naming import AboutForm, leaving_of, rename


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Request, id: UUID) -> HttpResponse:
    """Ask what a workflow is called, and say what its removal would mean."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    if request.method != "POST":
        form = AboutForm(initial={"title": workflow.title, "name": workflow.name})
        return _page(request, workflow, form)
    form = AboutForm(request.POST)
    if form.is_valid():
        try:
            rename(workflow, request.user, form.cleaned_data["title"], form.cleaned_data["name"])
        except DefinitionError as fault:
            form.add_error("name", fault.sentence)
    if not form.is_valid():
        return _page(request, workflow, form, status=422)
    messages.info(request, f"It is called {form.cleaned_data['title']} now.")
    return HttpResponseRedirect(reverse("workflow-show", args=[id]), status=303)


@login_required
@require_POST
def remove(request: Request, id: UUID) -> HttpResponse:
    """Take a workflow away from its team, once its title was typed."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    if request.POST.get("title", "").strip() != workflow.title:
        messages.error(request, "Not removed: type the title as it stands here.")
        return HttpResponseRedirect(reverse("workflow-about", args=[id]), status=303)
    try:
        cancelled = remove_workflow(workflow, request.user)
    except DefinitionError as fault:
        messages.error(request, f"Not removed: {fault.sentence}")
        return HttpResponseRedirect(reverse("workflow-about", args=[id]), status=303)
    stopped = f" Runs that are cancelled for it: {cancelled}." if cancelled else ""
    messages.info(request, f"{workflow} is removed.{stopped}")
    return HttpResponseRedirect(reverse("workflow-list"), status=303)


def _page(request: Request, workflow: Workflow, form: AboutForm, status: int = 200) -> HttpResponse:
    page = {
        "section": "workflows",
        "workflow": workflow,
        "form": form,
        "leaving": leaving_of(workflow),
    }
    return render(request, "workflows/about.html", page, status=status)
