"""Run management for the operator: rows to read, and named actions."""

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from workflows import background
from workflows.models import (
    CacheEntry,
    Membership,
    Run,
    RunEvent,
    RunRequest,
    TaskDeaths,
    TaskRun,
    Team,
    Workflow,
    WorkflowVersion,
)

CAP = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to a limit: counting a million events would take longer than showing a page."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most the limit."""
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:CAP])


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only the product itself writes."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes rows by hand."""
        return False


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to a team."""

    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Teams and their members."""

    list_display = ("name", "slug")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    """The workflows of all teams."""

    list_display = ("title", "name", "team", "created_by", "created_at")
    list_select_related = ("team", "created_by")
    search_fields = ("name", "title")


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    """The saved states of all workflows."""

    list_display = ("workflow", "number", "digest", "created_by", "created_at", "note")
    list_select_related = ("workflow", "created_by")
    search_fields = ("=digest", "workflow__name")
    ordering = ("-pk",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """All runs, with what an operator may ask of them."""

    list_display = ("id", "version", "status", "done", "total", "started_by", "created_at", "owner")
    list_filter = ("status",)
    list_select_related = ("version__workflow", "started_by")
    search_fields = ("=id", "label", "version__workflow__name")
    ordering = ("-created_at",)
    actions = ("cancel", "resume", "pause", "continue_")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may change runs in general may ask something of them."""
        return super().has_change_permission(request) or request.user.has_perm(
            "workflows.change_run"
        )

    @admin.action(description="Cancel selected runs", permissions=["manage"])
    def cancel(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Ask for the runs to stop, once that is confirmed."""
        return self._ask("cancel", request, runs)

    @admin.action(description="Resume selected runs", permissions=["manage"])
    def resume(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Ask for the runs to go on, once that is confirmed."""
        return self._ask("resume", request, runs)

    @admin.action(description="Pause selected runs", permissions=["manage"])
    def pause(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Ask that nothing further starts in the runs, once that is confirmed."""
        return self._ask("pause", request, runs)

    @admin.action(description="Continue selected runs", permissions=["manage"])
    def continue_(self, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        """Ask for paused runs to go on, once that is confirmed."""
        return self._ask("continue", request, runs)

    def _ask(self, kind: str, request: HttpRequest, runs: QuerySet[Run]) -> HttpResponse | None:
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": f"{kind.capitalize()} {len(runs)} run(s)?",
                "kind": kind,
                "action": request.POST["action"],
                "runs": runs,
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/workflows/run/confirm.html", context)
        asked = [run for run in runs if run.request(kind, request.user)]  # type: ignore[arg-type]
        for run in asked:
            self.log_change(request, run, f"Asked for: {kind}.")
        background.wake()
        self._tell(request, kind, len(asked), len(runs) - len(asked))
        return None

    def _tell(self, request: HttpRequest, kind: str, asked: int, left: int) -> None:
        said = f"Asked {asked} run(s) to {kind}."
        if left:
            said += f" {left} could not {kind} where they are."
        self.message_user(request, said, messages.WARNING if left else messages.SUCCESS)


@admin.register(RunEvent)
class RunEventAdmin(ReadOnlyAdmin):
    """What happened, newest first."""

    list_display = ("run_id", "seq", "at", "kind", "path")
    search_fields = ("=run__id",)
    list_filter = ("kind",)
    ordering = ("-pk",)


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnlyAdmin):
    """The tasks of all runs."""

    list_display = ("run_id", "path", "status", "reason", "attempt", "started_at", "ended_at")
    search_fields = ("=run__id", "path")
    list_filter = ("status", "stuck")
    ordering = ("-pk",)


@admin.register(TaskDeaths)
class TaskDeathsAdmin(ReadOnlyAdmin):
    """With which tasks processes died, and how many in a row."""

    list_display = ("run_id", "path", "count", "seq")
    search_fields = ("=run__id", "path")
    ordering = ("-pk",)


@admin.register(RunRequest)
class RunRequestAdmin(ReadOnlyAdmin):
    """What people asked of runs, and when it was handled."""

    list_display = ("run_id", "kind", "actor", "created_at", "handled_at")
    list_select_related = ("actor",)
    ordering = ("-pk",)


@admin.register(CacheEntry)
class CacheEntryAdmin(ReadOnlyAdmin):
    """Results that runs of a team share."""

    list_display = ("key", "team", "created_at")
    list_select_related = ("team",)
    search_fields = ("key",)
    ordering = ("-pk",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who may change runs may have results made anew."""
        return request.user.has_perm("workflows.change_run")
