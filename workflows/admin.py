"""Run management for the operator: rows to read, and named actions."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from runner.errors import RunnerError
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
from workflows.models.leaving import remove_person, remove_team, remove_workflow
from workflows.rows import look_of

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


class StatusAdmin(ReadOnlyAdmin):
    """Rows that have a status."""

    @admin.display(description="state", ordering="status")
    def state(self, row: Any) -> str:
        """Say a status as pages do, with its glyph."""
        look = look_of(row.status)
        return f"{look.glyph} {look.word}"


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to a team."""

    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


class LeavingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are not deleted but let go: what is under way is cancelled first (P12)."""

    actions = ("let_go",)

    def leave(self, row: Any, person: Any) -> int:
        """Let one go; give how many runs are cancelled for it."""
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Runs point to these rows: nobody deletes them, but they can be let go."""
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may change such rows may let them go."""
        name = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{name}")

    @admin.action(description="Remove, and cancel what runs", permissions=["manage"])
    def let_go(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Remove the rows, once that is confirmed."""
        if "confirmed" not in request.POST:
            title = f"Remove {len(rows)} {self.opts.verbose_name_plural}, and cancel their runs?"
            return asked_first(self, request, rows, title=title, verb="remove")
        for row in rows:
            try:
                cancelled = self.leave(row, request.user)
            except RunnerError as refused:
                self.message_user(request, refused.sentence, messages.WARNING)
            else:
                self.log_change(request, row, f"Removed; {cancelled} run(s) cancelled.")
                self.message_user(request, f"{row} is removed; {cancelled} run(s) are cancelled.")
        background.wake()
        return None


def asked_first(
    room: admin.ModelAdmin,  # type: ignore[type-arg]
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    title: str,
    verb: str,
) -> HttpResponse:
    """Ask whether an act on these rows is meant."""
    context = {
        **room.admin_site.each_context(request),
        "title": title,
        "verb": verb,
        "action": request.POST["action"],
        "rows": rows,
        "opts": room.opts,
    }
    return TemplateResponse(request, "admin/workflows/confirm.html", context)


@admin.register(Team)
class TeamAdmin(LeavingAdmin):
    """Teams and their members."""

    list_display = ("name", "slug", "removed_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def leave(self, row: Any, person: Any) -> int:
        """Let one go; give how many runs are cancelled for it."""
        return remove_team(row, person)


@admin.register(Workflow)
class WorkflowAdmin(LeavingAdmin, ReadOnlyAdmin):
    """The workflows of all teams."""

    list_display = ("title", "name", "team", "created_by", "created_at", "removed_at")
    list_select_related = ("team", "created_by")
    search_fields = ("name", "title")

    def leave(self, row: Any, person: Any) -> int:
        """Let one go; give how many runs are cancelled for it."""
        return remove_workflow(row, person)


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    """The saved states of all workflows."""

    list_display = ("workflow", "number", "digest", "created_by", "created_at", "note")
    list_select_related = ("workflow", "created_by")
    search_fields = ("=digest", "workflow__name")
    ordering = ("-pk",)


@admin.register(Run)
class RunAdmin(StatusAdmin):
    """All runs, with what an operator may ask of them."""

    list_display = ("id", "version", "state", "done", "total", "started_by", "created_at", "owner")
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
            title = f"{kind.capitalize()} {len(runs)} run(s)?"
            return asked_first(self, request, runs, title=title, verb=kind)
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


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(LeavingAdmin, UserAdmin):  # type: ignore[type-arg]
    """People, as Django shows them; who leaves keeps a row for the runs they started."""

    def leave(self, row: Any, person: Any) -> int:
        """Let one go; give how many runs are cancelled for it."""
        return remove_person(row, person)


@admin.register(RunEvent)
class RunEventAdmin(ReadOnlyAdmin):
    """What happened, newest first."""

    list_display = ("run_id", "seq", "at", "kind", "path")
    search_fields = ("=run__id",)
    list_filter = ("kind",)
    ordering = ("-pk",)


@admin.register(TaskRun)
class TaskRunAdmin(StatusAdmin):
    """The tasks of all runs."""

    list_display = ("run_id", "path", "state", "reason", "attempt", "started_at", "ended_at")
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
