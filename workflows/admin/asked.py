"""What was asked of runs, shared of them, and told of them."""

from django.contrib import admin

from workflows.admin.rooms import ReadOnlyAdmin
from workflows.models import RunRequest, SentMail, ShareLink, Tick


@admin.register(RunRequest)
class RunRequestAdmin(ReadOnlyAdmin):
    """What people asked of runs, and when it was handled."""

    list_display = ("run_id", "kind", "actor", "created_at", "handled_at")
    list_select_related = ("actor",)
    ordering = ("-pk",)


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnlyAdmin):
    """Links to runs; what opens them is nowhere to be read."""

    list_display = ("note", "run", "audience", "made_by", "made_at", "expires_at", "revoked_at", "views", "used_at")  # fmt: skip
    list_select_related = ("run", "made_by")
    search_fields = ("=run__id", "note")
    exclude = ("password",)
    ordering = ("-made_at",)


@admin.register(SentMail)
class SentMailAdmin(ReadOnlyAdmin):
    """Who was told of what by mail."""

    list_display = ("at", "person", "run_id", "path", "fault")
    list_select_related = ("person",)
    search_fields = ("=run__id", "person__username")
    ordering = ("-pk",)


@admin.register(Tick)
class TickAdmin(ReadOnlyAdmin):
    """What is done once in a while, and when it was last."""

    list_display = ("name", "at")
    ordering = ("name",)
