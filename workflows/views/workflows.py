"""Home, the list of workflows, and one workflow: shown, exported, copied."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from workflows.access import may, workflow_for
from workflows.arrangement import drawing_name
from workflows.beginning import BeginForm, begin
from workflows.blueprint import blueprint
from workflows.examples import examples, examples_for
from workflows.folding import DRAWN_AT_ONCE
from workflows.http import Request
from workflows.models import Right, Run, RunEvent, Team, Workflow, WorkflowVersion
from workflows.outline import outline_of
from workflows.uploads import import_ticket
from workflows.views.versions import as_file
from workflows.waiting import waiting_for
from workflows.wording import said_span

SHOWN = 10
BARS = 14
LINES = 200
TALLEST = 20
MOVING = ["queued", "running", "awaiting", "paused", "interrupted", "cancelling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run as a bar: as tall as it took long."""

    x: int
    y: int
    height: int
    status: str
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A workflow's last runs, the newest on the right."""

    bars: tuple[Bar, ...]
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A workflow in the list."""

    workflow: Workflow
    bars: Bars
    last: Run | None
    may_run: bool


@login_required
@require_safe
def home(request: Request) -> HttpResponse:
    """Show what waits, what runs, what can run, and what ran."""
    runs = _listed(Run.objects.visible_to(request.user))
    last = RunEvent.objects.filter(run=OuterRef("pk"), path__gt="").order_by("-seq")
    running = runs.filter(status__in=MOVING).annotate(at=Subquery(last.values("path")[:1]))
    now = {"waiting": waiting_for(request.user, SHOWN), "running": running[:SHOWN]}
    if request.htmx:
        return render(request, "home.html#now", now)
    page = {
        "recent": runs.exclude(status__in=MOVING)[:SHOWN],
        "workflows": _lines(request, SHOWN),
        "is_member": Team.objects.visible_to(request.user).exists(),
        "may_make": Team.objects.visible_to(request.user, Right.EDIT).exists(),
        "examples": examples_for(request.user),
        "teams": _teams(request),
    }
    return render(request, "home.html", now | page)


@login_required
@require_safe
def waiting(request: Request) -> HttpResponse:
    """List all that waits for the person."""
    page = {"section": "waiting", "waiting": waiting_for(request.user, LINES)}
    part = "#results" if request.htmx else ""
    return render(request, f"waiting.html{part}", page)


def _listed(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Leave out what a line of a list does not show: it may be large."""
    runs = runs.defer("inputs", "outputs", "options", "workflows", "types", "kept", "error")
    return runs.select_related("version__workflow", "started_by").order_by("-created_at")


@login_required
@require_safe
def index(request: Request) -> HttpResponse:
    """List the workflows."""
    part = "#results" if request.htmx else ""
    page = {
        "section": "workflows",
        "workflows": _lines(request, LINES),
        "may_make": Team.objects.visible_to(request.user, Right.EDIT).exists(),
        "examples": examples_for(request.user),
        "teams": _teams(request),
    }
    return render(request, f"workflows/list.html{part}", page)


@login_required
@require_safe
def show(request: Request, id: UUID) -> HttpResponse:
    """Show one workflow: its drawing and its last runs."""
    workflow = workflow_for(request.user, id)
    version = workflow.latest
    runs = Run.objects.filter(version__workflow=workflow)
    runs = runs.select_related("version__workflow", "started_by").order_by("-created_at")[:SHOWN]
    page: dict[str, Any] = {
        "section": "workflows",
        "workflow": workflow,
        "version": version,
        "runs": runs,
        "may_run": may(request.user, workflow, Right.RUN),
        "may_copy": may(request.user, workflow, Right.EDIT),
    }
    if version:
        page["drawing_name"] = drawing_name(version.digest)
        page["boxes"] = len(outline_of(version.definition).places)
        if page["boxes"] <= DRAWN_AT_ONCE or "all" in request.GET:
            page["drawing"] = _blueprint(version.definition, reverse("workflow-show", args=[id]))
    return render(request, "workflows/show.html", page)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """Ask what a new workflow is called and begins with, and open it in the editor."""
    if not Team.objects.visible_to(request.user, Right.EDIT).exists():
        messages.info(request, "To make a workflow you need to be an editor of a team.")
        return HttpResponseRedirect(reverse("workflow-list"))
    page = {
        "section": "workflows",
        "examples": examples(),
        "teams": _teams(request),
        "ticket": import_ticket(request.user.pk),
    }
    if request.method != "POST":
        like = request.GET.get("like", "")
        form = BeginForm(request.user, initial={"like": like} if like else None)
        return render(request, "workflows/new.html", page | {"form": form})
    form = BeginForm(request.user, request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "workflows/new.html", page | {"form": form}, status=422)
    team, title = form.cleaned_data["team"], form.cleaned_data["title"]
    made = begin(team, title, form.drawing, request.user)
    return HttpResponseRedirect(reverse("workflow-edit", args=[made.pk]), status=303)


@login_required
@require_safe
def export(request: Request, id: UUID) -> HttpResponse:
    """Give the latest version as a JSON file."""
    return as_file(_version(workflow_for(request.user, id)))


@login_required
@require_POST
def copy(request: Request, id: UUID) -> HttpResponse:
    """Make a drawing of the team's own that says the same."""
    workflow = workflow_for(request.user, id, Right.EDIT)
    made = workflow.copy(_version(workflow), request.user)
    messages.info(request, f"Copied: {made} belongs to {workflow.team} now.")
    return HttpResponseRedirect(reverse("workflow-show", args=[made.pk]))


def _teams(request: Request) -> QuerySet[Team]:
    """Give the teams in which a person may draw."""
    return Team.objects.visible_to(request.user, Right.EDIT).order_by("name")


def _version(workflow: Workflow) -> WorkflowVersion:
    version = workflow.latest
    if version is None:
        raise Http404
    return version


def _blueprint(definition: str, address: str) -> str:
    """Draw a definition that is not running."""
    parts = blueprint(definition, address=lambda _: address)
    return mark_safe("".join(parts))  # noqa: S308 - every text in it went through its escape


def _lines(request: Request, limit: int) -> list[Line]:
    workflows = Workflow.objects.visible_to(request.user).select_related("team").order_by("title")
    runnable = set(
        Workflow.objects.visible_to(request.user, Right.RUN).values_list("pk", flat=True)
    )
    return [_line(each, may_run=each.pk in runnable) for each in workflows[:limit]]


def _line(workflow: Workflow, *, may_run: bool) -> Line:
    runs = list(_listed(Run.objects.filter(version__workflow=workflow, trial=False))[:BARS])
    return Line(
        workflow=workflow, bars=_bars(runs), last=runs[0] if runs else None, may_run=may_run
    )


def _bars(runs: Iterable[Run]) -> Bars:
    now = timezone.now()
    oldest_first = list(runs)[::-1]
    took = [_seconds(run) for run in oldest_first]
    longest = max(took, default=0) or 1
    start = BARS - len(oldest_first)
    bars = [
        _bar(run, start + number, round(4 + (TALLEST - 4) * seconds / longest), now)
        for number, (run, seconds) in enumerate(zip(oldest_first, took, strict=True))
    ]
    failed = sum(run.status == "failed" for run in oldest_first)
    spoken = f"last runs: {len(bars)}, failed: {failed}" if bars else "no runs yet"
    return Bars(bars=tuple(bars), spoken=spoken)


def _bar(run: Run, number: int, height: int, now: object) -> Bar:
    took = said_span(run.started_at, run.ended_at, timezone.now())
    return Bar(x=number * 10, y=TALLEST + 1 - height, height=height, status=run.status, took=took)


def _seconds(run: Run) -> float:
    if run.started_at is None:
        return 0
    return ((run.ended_at or timezone.now()) - run.started_at).total_seconds()
