"""All runs, with what an operator may ask of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from runner.run.status import RunStatus, TaskStatus
from workflows import background
from workflows.admin.rooms import StatusAdmin, asked_first
from workflows.models import Run, RunEvent, ShareLink, Workflow
from workflows.models.share import revoke
from workflows.retention import purge_outputs
from workflows.run_export import as_jsonl
from workflows.wording import said_ago, said_span

#: A run that moves and says nothing for so long is worth a look.
SILENT = timedelta(minutes=5)
#: So many workflows and people are offered to filter by; a search finds the others.
OFFERED = 100
TAIL = 30
LEFT_OUT = ("inputs", "outputs", "options", "workflows", "types", "kept", "error")


class StuckFilter(admin.SimpleListFilter):
    """Runs that should move, and say nothing."""

    title = "silence"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer one."""
        return [("yes", "silent for more than 5 minutes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Take those that run, stop or stand still, and have had no event for a while."""
        if self.value() != "yes":
            return queryset
        moving = [RunStatus.RUNNING, RunStatus.CANCELLING, RunStatus.INTERRUPTED]
        before = timezone.now() - SILENT
        silent = Q(last_event__lt=before) | Q(last_event=None, created_at__lt=before)
        return queryset.filter(silent, status__in=moving)


class TroubleFilter(admin.SimpleListFilter):
    """What else an operator looks for."""

    title = "more"
    parameter_name = "more"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer them."""
        return [("shared", "has an open link"), ("token", "waits for a credential")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Take those."""
        if self.value() == "shared":
            return queryset.filter(pk__in=ShareLink.objects.open().values("run"))
        if self.value() == "token":
            waits = {"task_runs__status": TaskStatus.AWAITING, "task_runs__reason": "token"}
            return queryset.filter(**waits).distinct()
        return queryset


class WorkflowFilter(admin.SimpleListFilter):
    """Runs by workflow."""

    title = "workflow"
    parameter_name = "workflow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the newest."""
        rows = Workflow.objects.order_by("-created_at").values_list("pk", "title", "name")[:OFFERED]
        return [(str(pk), title or name) for pk, title, name in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Take those of one."""
        found: list[Any] = [pk for pk, _ in self.lookup_choices if pk == self.value()]
        return queryset.filter(version__workflow__in=found) if self.value() else queryset


class StarterFilter(admin.SimpleListFilter):
    """Runs by who started them."""

    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer people by name."""
        people = User.objects.order_by("username").values_list("pk", "username")[:OFFERED]
        return [(str(pk), name) for pk, name in people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        """Take those of one."""
        found: list[Any] = [pk for pk, _ in self.lookup_choices if pk == self.value()]
        return queryset.filter(started_by__in=found) if self.value() else queryset


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAct:
    """One thing an operator may do to runs: its verb, where it changes something, and doing it."""

    verb: str
    can: Callable[[Run], bool]
    do: Callable[[Run, Any], bool]
    title: str = ""


def _asking(kind: str, verb: str = "", can: Callable[[Run], bool] | None = None) -> RunAct:
    return RunAct(
        verb=verb or kind,
        can=can or (lambda run: not run.refusal_of(kind)),
        do=lambda run, person: run.request(kind, person),
    )


def _revoke_links(run: Run, person: Any) -> bool:
    return sum(revoke(each, person) for each in run.share_links.filter(revoked_at=None)) > 0


ACTS = {
    "cancel": _asking("cancel"),
    "resume": _asking("resume"),
    "retry": _asking(
        "resume",
        "retry what failed",
        lambda run: run.status == RunStatus.FAILED and not run.refusal_of("resume"),
    ),
    "pause": _asking("pause"),
    "continue_": _asking("continue"),
    "revoke_links": RunAct(
        verb="revoke all links",
        can=lambda run: run.share_links.filter(revoked_at=None).exists(),
        do=_revoke_links,
    ),
    "purge": RunAct(
        verb="purge what they streamed and gave",
        can=lambda run: (
            run.is_over and run.status != RunStatus.QUARANTINED and run.pruned != "outputs"
        ),
        do=lambda run, _: purge_outputs(run),
    ),
}


def _action(name: str) -> Callable[..., HttpResponse | None]:
    def action(room: "RunAdmin", request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        return room.act(name, request, runs)

    action.__name__ = name
    made: Any = admin.action(
        description=f"{ACTS[name].verb.capitalize()}: selected runs", permissions=["manage"]
    )(action)
    return made  # type: ignore[no-any-return]


@admin.register(Run)
class RunAdmin(StatusAdmin):
    """All runs, with what an operator may ask of them."""

    list_display = (
        "short", "workflow", "state", "tasks", "started_by", "begun", "elapsed", "last_said", "owner",
    )  # fmt: skip
    list_filter = ("status", StuckFilter, TroubleFilter, WorkflowFilter, StarterFilter)
    list_select_related = ("version__workflow", "started_by")
    search_fields = ("=id", "label", "version__workflow__name")
    date_hierarchy = "created_at"
    list_per_page = 100
    ordering = ("-created_at",)
    actions = (*(_action(name) for name in ACTS), "export")
    fields = (
        "page", "state", "reason", "workflow", "version", "team", "started_by", "label", "parent", "trial",
        "created_at", "started_at", "ended_at", "elapsed", "tasks", "failed", "handled", "seq", "epoch",
        "owner", "lease_until", "pruned", "tail",
    )  # fmt: skip
    readonly_fields = ("page", "state", "workflow", "elapsed", "tasks", "tail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Give runs with the time of their last event, and without what may be large."""
        last = RunEvent.objects.filter(run=OuterRef("pk"), seq=OuterRef("seq"))
        runs: QuerySet[Run] = super().get_queryset(request).defer(*LEFT_OUT, "version__definition")
        return runs.annotate(last_event=Subquery(last.values("at")[:1]))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may change runs in general may ask something of them."""
        return request.user.has_perm("workflows.change_run")

    @admin.display(description="run")
    def short(self, run: Run) -> str:
        """Name a run in few signs."""
        return run.label or str(run.pk)[:8]

    @admin.display(description="workflow")
    def workflow(self, run: Run) -> str:
        """Name what it ran."""
        return f"{run.version.workflow} {run.version.short}"

    @admin.display(description="tasks")
    def tasks(self, run: Run) -> str:
        """Say how far it is."""
        return f"{run.done}/{run.total}"

    @admin.display(description="started", ordering="created_at")
    def begun(self, run: Run) -> str:
        """Say when somebody started it."""
        return f"{run.created_at:%d %b %H:%M}"

    @admin.display(description="elapsed")
    def elapsed(self, run: Run) -> str:
        """Say how long it took, or takes so far."""
        return said_span(run.started_at, run.ended_at, timezone.now())

    @admin.display(description="last event", ordering="last_event")
    def last_said(self, run: Any) -> str:
        """Say how long ago it last said something."""
        return said_ago(run.last_event, timezone.now()) if run.last_event else "–"

    @admin.display(description="page")
    def page(self, run: Run) -> str:
        """Lead to where it is watched, and to its rows here."""
        return format_html(
            '<a href="{}">Watch it</a> · <a href="{}?q={}">tasks</a> · <a href="{}?q={}">events</a>',
            reverse("run-show", args=[run.pk]),
            reverse("admin:workflows_taskrun_changelist"),
            run.pk,
            reverse("admin:workflows_runevent_changelist"),
            run.pk,
        )

    @admin.display(description="last events")
    def tail(self, run: Run) -> str:
        """Give the last events, the newest first."""
        rows = run.events.order_by("-seq").values_list("seq", "at", "kind", "path")[:TAIL]
        said = ((seq, f"{at:%H:%M:%S}", kind, path) for seq, at, kind, path in rows)
        return format_html('<ol class="tail">{}</ol>', format_html_join("", "<li>{} · {} · {} {}</li>", said))  # fmt: skip

    def act(self, name: str, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Do something to runs, once that is confirmed."""
        what, chosen = ACTS[name], list(runs)
        if "confirmed" not in request.POST:
            able = sum(map(what.can, chosen))
            title = f"{what.verb.capitalize()}: {len(chosen)} run(s)?"
            note = f"It changes something in {able} of them as they are now."
            return asked_first(self, request, chosen, title=title, verb=what.verb, note=note)
        done = [run for run in chosen if what.can(run) and what.do(run, request.user)]
        for run in done:
            self.log_change(request, run, f"Asked for: {what.verb}.")
        background.wake()
        left = len(chosen) - len(done)
        said = f"{what.verb.capitalize()}: asked of {len(done)} run(s)."
        said += f" {left} could not {what.verb} where they are." if left else ""
        self.message_user(request, said, messages.WARNING if left else messages.SUCCESS)
        return None

    @admin.action(description="Export the events of selected runs (JSONL)", permissions=["manage"])
    def export(self, request: HttpRequest, runs: QuerySet[Run]) -> Any:
        """Give all their events as JSON lines, once that is confirmed."""
        chosen = list(runs)
        if "confirmed" not in request.POST:
            events = sum(run.seq for run in chosen)
            title, note = f"Export {len(chosen)} run(s)?", f"They have {events} events."
            return asked_first(self, request, chosen, title=title, verb="export", note=note)
        for run in chosen:
            self.log_change(request, run, "Exported its events.")
        return StreamingHttpResponse(
            _lines(chosen),
            content_type="application/jsonl; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="runs.jsonl"'},
        )


def _lines(runs: list[Run]) -> Iterator[str]:
    for run in runs:
        yield from as_jsonl(run)
