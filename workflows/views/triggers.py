"""The triggers of a workflow: made, confirmed, turned off and removed."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runner.errors import ValueFault
from runner.graph.values import encode
from workflows.access import may, workflow_for
from workflows.cron import in_words, preview, zone_called
from workflows.grants import refusal_of
from workflows.http import Request
from workflows.models import AuditEvent, Right, Schedule, Webhook, Workflow, WorkflowVersion
from workflows.ticking import following
from workflows.trigger_forms import ScheduleForm, TriggerForm, WebhookForm, time_zones

KINDS: dict[str, tuple[type[Schedule] | type[Webhook], type[TriggerForm]]] = {
    "schedule": (Schedule, ScheduleForm),
    "webhook": (Webhook, WebhookForm),
}
#: So many of the next times of a schedule are shown.
NEXT = 3


@login_required
@never_cache
@require_safe
def index(request: Request, id: UUID) -> HttpResponse:
    """Show what starts a workflow by itself."""
    return _page(request, workflow_for(request.user, id))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: Request, id: UUID, kind: str) -> HttpResponse:
    """Ask for a new trigger, and make it under the authority of who asks for it."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    version = workflow.latest
    if kind not in KINDS:
        raise Http404
    if version is None:
        messages.error(request, "Publish a version first: a trigger runs one.")
        return _back(workflow)
    form = KINDS[kind][1](version, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        refusal = _refusal(request, version)
        if not refusal:
            return _made(request, version, kind, form)
        form.add_error(None, refusal)
    page = {"workflow": workflow, "form": form, "kind": kind, "section": "workflows"}
    status = 422 if form.errors else 200
    return render(request, "workflows/trigger.html", page | _zones(kind), status=status)


@login_required
@require_POST
def turn(request: Request, id: UUID, kind: str, trigger: UUID) -> HttpResponse:
    """Turn a trigger off, or have it run the latest version: that only its own person may say."""
    workflow, found = _found(request, id, kind, trigger)
    if request.POST.get("on") != "yes":
        type(found).objects.filter(pk=found.pk).update(is_on=False, trouble="")
        _audit(request, found, "turned off")
    elif found.person_id != request.user.pk:
        messages.error(request, f"Only {found.person} can turn it on: it runs with their rights.")
    else:
        _turn_on(request, found)
    return _back(workflow)


@login_required
@never_cache
@require_POST
def renew(request: Request, id: UUID, trigger: UUID) -> HttpResponse:
    """Give a webhook another secret; requests that are signed with the old one are refused."""
    workflow, found = _found(request, id, "webhook", trigger)
    assert isinstance(found, Webhook)  # noqa: S101 - of that kind it was asked for
    if found.person_id != request.user.pk:
        messages.error(
            request, f"Only {found.person} is told its secret: it runs with their rights."
        )
        return _back(workflow)
    secret = found.renew()
    found.save(update_fields=["sealed"])
    _audit(request, found, "renewed the secret of")
    return _page(request, workflow, told=found, secret=secret)


@login_required
@require_POST
def remove(request: Request, id: UUID, kind: str, trigger: UUID) -> HttpResponse:
    """Remove a trigger; its runs stay."""
    workflow, found = _found(request, id, kind, trigger)
    with transaction.atomic():
        _audit(request, found, "removed")
        found.delete()
    messages.info(request, f"{found.title} is removed; its runs stay.")
    return _back(workflow)


def _refusal(request: Request, version: WorkflowVersion) -> str:
    """Say why this person may make no more triggers, or none of this version; empty if they may."""
    made = sum(kind.objects.filter(workflow=version.workflow).count() for kind, _ in KINDS.values())
    if made >= settings.TRIGGERS_A_WORKFLOW:
        return "This workflow has as many triggers as it may; remove one first."
    return refusal_of(version, request.user)


def _made(request: Request, version: WorkflowVersion, kind: str, form: TriggerForm) -> HttpResponse:
    """Make a trigger; the secret of a webhook is told in the answer, and never again."""
    own = {name: form.cleaned_data[name] for name in form.own}
    made: Any = KINDS[kind][0](
        workflow=version.workflow,
        person=request.user,
        version=version,
        title=form.cleaned_data["title"],
        inputs=encode(form.typed()),
        **own,
    )
    secret = made.renew() if isinstance(made, Webhook) else ""
    if isinstance(made, Schedule):
        made.next_at = following(made, timezone.now())
    with transaction.atomic():
        made.save()
        _audit(request, made, "made")
    if secret:
        return _page(request, version.workflow, told=made, secret=secret)
    return _back(version.workflow)


def _turn_on(request: Request, found: Schedule | Webhook) -> None:
    latest = found.workflow.latest
    if latest is None or (refusal := refusal_of(latest, request.user)):
        messages.error(request, refusal if latest else "The workflow has no version.")
        return
    found.version, found.is_on, found.trouble = latest, True, ""
    if isinstance(found, Schedule):
        try:
            found.next_at = following(found, timezone.now())
        except ValueFault as fault:
            messages.error(request, f"{fault.sentence} Make the schedule anew.")
            return
    found.save()
    _audit(request, found, "turned on")


def _found(
    request: Request, id: UUID, kind: str, trigger: UUID
) -> tuple[Workflow, Schedule | Webhook]:
    workflow = workflow_for(request.user, id, Right.EDIT)
    if kind not in KINDS:
        raise Http404
    found: Any = KINDS[kind][0].objects.filter(workflow=workflow, pk=trigger).first()
    if found is None:
        raise Http404
    return workflow, found


def _page(request: Request, workflow: Workflow, **told: Any) -> HttpResponse:
    page = {
        "workflow": workflow,
        "section": "workflows",
        "schedules": [_shown(each) for each in _rows(workflow, Schedule)],
        "webhooks": [(each, _address(request, each)) for each in _rows(workflow, Webhook)],
        "may_make": may(request.user, workflow, Right.EDIT),
        "latest": workflow.latest,
    }
    return render(request, "workflows/triggers.html", page | told)


def _rows(workflow: Workflow, kind: Any) -> Any:
    rows = kind.objects.filter(workflow=workflow)
    return rows.select_related("person", "version", "last_run", "workflow")


def _shown(schedule: Schedule) -> tuple[Schedule, str, list[Any]]:
    """Give a schedule, its times in words, and the next of them."""
    try:
        zone = zone_called(schedule.zone)
        times = preview(schedule.cron, zone, timezone.now(), NEXT) if schedule.is_on else []
        return schedule, in_words(schedule.cron), times
    except ValueFault as fault:
        return schedule, fault.sentence, []


def _address(request: Request, webhook: Webhook) -> str:
    return request.build_absolute_uri(reverse("hook", args=[webhook.pk]))


def _zones(kind: str) -> dict[str, list[str]]:
    return {"zones": time_zones()} if kind == "schedule" else {}


def _audit(request: Request, found: Schedule | Webhook, act: str) -> None:
    kind = type(found).__name__.lower()
    team = found.workflow.team
    AuditEvent.objects.record(request.user, f"{act} a {kind}", team, found.workflow, found.title)


def _back(workflow: Workflow) -> HttpResponse:
    return HttpResponseRedirect(reverse("trigger-list", args=[workflow.pk]), status=303)
