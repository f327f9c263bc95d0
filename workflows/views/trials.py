"""Trial runs of a draft: asked for from the editor, marked as what they are."""

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

from runner.errors import DefinitionError, InputsError, RunnerError
from workflows import background
from workflows.access import workflow_for
from workflows.forms import RunForm
from workflows.grants import UNAGREED, grants_in, must_ask_of_draft, told
from workflows.http import Request
from workflows.models import Right, Run, Workflow, WorkflowDraft
from workflows.models.drafting import draft_of
from workflows.models.workflow import registry_with
from workflows.pinning import pinned_in
from workflows.trials import TrialWish, Trying, last_run_of, trying
from workflows.uploads import upload_ticket


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request, id: UUID) -> HttpResponse:
    """Ask what a trial of the draft needs, and start it."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    try:
        draft = draft_of(workflow)
    except DefinitionError as fault:
        messages.error(request, fault.sentence)
        return HttpResponseRedirect(reverse("workflow-show", args=[id]), status=303)
    is_sent = request.method == "POST"
    wish = TrialWish.read(request.POST if is_sent else request.GET, is_sent=is_sent)
    last = last_run_of(workflow)
    workflows = Workflow.objects.pinned_in(draft.definition, workflow.team_id, request.user)
    registry, kept = registry_with(workflows), pinned_in(workflow)
    trial = trying(draft.drawing.definition, registry, wish, last, kept)
    form = _form(request, workflow, trial) if is_sent else _form(None, workflow, trial)
    grants = grants_in(draft.definition, workflows)
    must_ask = must_ask_of_draft(draft, grants, request.user)
    if is_sent and must_ask and "grants" not in request.POST:
        form.add_error(None, UNAGREED)
    if is_sent and (run := _started(request, draft, trial, form, workflows)):
        return HttpResponseRedirect(reverse("run-show", args=[run.pk]), status=303)
    page = {
        "section": "workflows",
        "workflow": workflow,
        "wish": wish,
        "trial": trial,
        "last": last,
        "form": form,
        "grants": told(grants, request.user),
        "must_ask": must_ask,
        "fault": None if is_sent else _fault(trial),
        "ticket": upload_ticket(request.user.pk) if form.takes_files else "",
    }
    return render(request, "runs/trial.html", page, status=422 if is_sent else 200)


def _form(request: Request | None, workflow: Workflow, trial: Trying) -> RunForm:
    """Ask for the inputs of the draft; which of them are needed only the plan can say."""
    ports = [each.to_document() | {"required": False} for each in trial.definition.inputs]
    sent = (request.POST, request.FILES) if request else (None, None)
    return RunForm(ports, *sent, team=str(workflow.team_id))


def _started(
    request: Request, draft: WorkflowDraft, trial: Trying, form: RunForm, workflows: dict[str, str]
) -> Run | None:
    is_valid = form.is_valid()
    form.keep_files()
    if not is_valid or form.errors:
        return None
    inputs: dict[str, Any] = form.inputs()
    try:
        trial.check(inputs)
    except InputsError as faults:
        form.blame(faults.faults)
        return None
    except RunnerError as fault:
        form.add_error(None, str(fault))
        return None
    version = draft.workflow.tried(draft.definition, draft.layout, request.user)
    run = Run.objects.start(
        version,
        request.user,
        inputs,
        form.cleaned_data["key"],
        label=form.cleaned_data["label"] or trial.label,
        options=trial.options,
        workflows=workflows,
    )
    transaction.on_commit(background.wake)
    return run


def _fault(trial: Trying) -> str:
    """Say before anything is sent what keeps it from running, inputs apart."""
    try:
        trial.check({})
    except InputsError:
        return ""
    except RunnerError as fault:
        return str(fault)
    return ""
