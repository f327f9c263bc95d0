"""What a person may ask of a run: to cancel, pause, continue and resume it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from workflows import background
from workflows.access import may_share, run_for
from workflows.http import Request
from workflows.models import Right
from workflows.showing import controls_of


@login_required
@require_POST
def cancel(request: Request, id: UUID) -> HttpResponse:
    """Ask for the run to stop."""
    return _ask(request, id, "cancel")


@login_required
@require_POST
def pause(request: Request, id: UUID) -> HttpResponse:
    """Ask that nothing further starts."""
    return _ask(request, id, "pause")


@login_required
@require_POST
def continue_(request: Request, id: UUID) -> HttpResponse:
    """Ask for a paused run to go on."""
    return _ask(request, id, "continue")


@login_required
@require_POST
def resume(request: Request, id: UUID) -> HttpResponse:
    """Ask for the run to go on from what it has."""
    return _ask(request, id, "resume")


@login_required
@require_POST
def renew(request: Request, id: UUID) -> HttpResponse:
    """Ask that tasks which wait for a credential look again."""
    return _ask(request, id, "renew")


def _ask(request: Request, id: UUID, kind: str) -> HttpResponse:
    run = run_for(request.user, id, Right.RUN)
    refused = run.refusal_of(kind)
    if not refused and run.request(kind, request.user):
        transaction.on_commit(background.wake)
    else:
        messages.info(request, refused)
    if request.htmx:
        run.refresh_from_db()
        page = controls_of(run, may_run=True, may_share=may_share(request.user, run))
        return render(request, "runs/head.html#controls", page)
    return HttpResponseRedirect(reverse("run-show", args=[run.pk]), status=303)
