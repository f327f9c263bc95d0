"""What starts runs by itself: rows to read, and to turn off."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from workflows.admin.rooms import ReadOnlyAdmin, asked_first
from workflows.models import Schedule, Webhook
from workflows.models.trigger import Trigger


class TriggerAdmin(ReadOnlyAdmin):
    """Whose rights it uses, what it starts, and why it does not."""

    list_select_related = ("workflow", "person", "last_run")
    list_filter = ("is_on",)
    search_fields = ("title", "workflow__title", "person__username")
    ordering = ("-made_at",)
    actions = ("turn_off",)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may change such rows may turn them off."""
        return request.user.has_perm(f"workflows.change_{self.opts.model_name}")

    @admin.action(description="Turn selected rows off", permissions=["manage"])
    def turn_off(self, request: HttpRequest, rows: QuerySet[Trigger]) -> HttpResponse | None:
        """Let them start nothing more, once that is confirmed; their own people turn them on."""
        if "confirmed" not in request.POST:
            title = f"Turn {len(rows)} off?"
            note = "Only the person whose rights one uses can turn it on again."
            return asked_first(self, request, rows, title=title, verb="turn off", note=note)
        for row in rows:
            self.log_change(request, row, "Turned off.")
        rows.update(is_on=False)
        self.message_user(request, f"{len(rows)} are turned off.", messages.SUCCESS)
        return None


@admin.register(Schedule)
class ScheduleAdmin(TriggerAdmin):
    """Schedules."""

    list_display = ("title", "workflow", "person", "cron", "zone", "next_at", "is_on", "trouble")


@admin.register(Webhook)
class WebhookAdmin(TriggerAdmin):
    """Webhooks, and never their secrets."""

    list_display = ("title", "workflow", "person", "is_on", "last_run", "trouble")
    exclude = ("sealed",)
