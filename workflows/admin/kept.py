"""What is kept of runs: events, tasks, chunks, checkpoints, results, files."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from runner.run.events import kinds
from workflows.admin.rooms import ReadOnlyAdmin, StatusAdmin, cut
from workflows.models import (
    CacheEntry,
    Checkpoint,
    Chunk,
    RunContent,
    RunEvent,
    StoredContent,
    TaskDeaths,
    TaskRun,
)

#: So many events are looked through for a kind.
NEWEST = 100_000


class KindFilter(admin.SimpleListFilter):
    """Events by their kind, among the newest: there is no index for it, and a million rows are many.

    Whoever searches for a run looks through all of its events.
    """

    title = f"kind, among the newest {NEWEST:,}"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all kinds there are."""
        return [(kind, kind) for kind in sorted(kinds())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RunEvent]) -> QuerySet[RunEvent]:
        """Take those of a kind."""
        if not self.value():
            return queryset
        newest = RunEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        since = 0 if request.GET.get("q") else newest - NEWEST
        return queryset.filter(kind=self.value(), pk__gt=since)


@admin.register(RunEvent)
class RunEventAdmin(ReadOnlyAdmin):
    """What happened, newest first."""

    list_display = ("run_id", "seq", "at", "kind", "path")
    search_fields = ("=run__id",)
    list_filter = (KindFilter,)
    ordering = ("-pk",)


@admin.register(TaskRun)
class TaskRunAdmin(StatusAdmin):
    """The tasks of all runs."""

    list_display = ("run_id", "path", "state", "reason", "attempt", "started_at", "ended_at")
    search_fields = ("=run__id", "path")
    list_filter = ("status", "stuck")
    ordering = ("-pk",)


class LargeTextAdmin(ReadOnlyAdmin):
    """Rows with a text that may be large: a list leaves it out, a page shows its beginning."""

    large = ""
    ordering = ("-pk",)
    search_fields = ("=run__id", "path")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read the text only where it is shown."""
        return super().get_queryset(request).defer(self.large)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the beginning of the text in its place."""
        names = [field.name for field in self.opts.fields if field.name != self.large]
        return [*names, "content"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nothing is written here."""
        return self.get_fields(request, obj)

    @admin.display(description="content")
    def content(self, row: Any) -> str:
        """Give the beginning of the text."""
        return cut(getattr(row, self.large))


@admin.register(Chunk)
class ChunkAdmin(LargeTextAdmin):
    """What was streamed: which, how much, and on a page of its own what."""

    large = "items"
    list_display = ("run_id", "path", "port", "attempt", "first", "last", "size", "superseded")


@admin.register(Checkpoint)
class CheckpointAdmin(LargeTextAdmin):
    """What is kept of each task."""

    large = "value"
    list_display = ("run_id", "path", "attempt", "seq", "epoch")


@admin.register(TaskDeaths)
class TaskDeathsAdmin(ReadOnlyAdmin):
    """With which tasks processes died, and how many in a row."""

    list_display = ("run_id", "path", "count", "seq")
    search_fields = ("=run__id", "path")
    ordering = ("-pk",)


@admin.register(StoredContent)
class StoredContentAdmin(ReadOnlyAdmin):
    """Files and large values of teams, by their digest."""

    list_display = ("digest", "team", "size", "created_at")
    list_select_related = ("team",)
    search_fields = ("=digest",)
    ordering = ("-pk",)


@admin.register(RunContent)
class RunContentAdmin(ReadOnlyAdmin):
    """Which runs mention which content."""

    list_display = ("run_id", "name", "media_type", "content_id")
    search_fields = ("=run__id", "name")
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
