"""What all pages of the admin have in common: reading, asking first, writing down who did what."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.html import format_html

from runner.errors import RunnerError
from workflows import background
from workflows.models import AuditEvent, Team
from workflows.rows import look_of

CAP = 10_000
#: So much of a large text is shown.
SHOWN = 64 * 1024


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to a limit: counting a million events would take longer than showing a page."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most the limit."""
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:CAP])


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Whatever is done here stands in the audit as well, beside the admin's own log."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write down an addition."""
        self._audit(request, "added in the admin", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write down a change, or an action."""
        self._audit(request, "changed in the admin", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Write down what is deleted."""
        for each in queryset:
            self._audit(request, "deleted in the admin", each, "")
        return super().log_deletions(request, queryset)

    def _audit(self, request: HttpRequest, act: str, row: Any, message: Any) -> None:
        team = row if isinstance(row, Team) else getattr(row, "team", None)
        # The names of the fields that changed; never what they hold.
        detail = message if isinstance(message, str) else json.dumps(message)
        subject = f"{self.opts.verbose_name} {row}"
        AuditEvent.objects.record(request.user, act, team, subject, detail)


class ReadOnlyAdmin(AuditedAdmin):
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

    class Media:
        css = {"all": ["states.css", "admin.css"]}

    @admin.display(description="state", ordering="status")
    def state(self, row: Any) -> str:
        """Say a status as pages do, with its glyph."""
        look = look_of(row.status)
        return format_html(
            '<span class="state" data-status="{}">{} {}</span>', row.status, look.glyph, look.word
        )


class LeavingAdmin(AuditedAdmin):
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
    rows: QuerySet[Any] | Sequence[Any],
    *,
    title: str,
    verb: str,
    note: str = "",
) -> HttpResponse:
    """Ask whether an act on these rows is meant."""
    context = {
        **room.admin_site.each_context(request),
        "title": title,
        "verb": verb,
        "note": note,
        "action": request.POST["action"],
        "rows": rows,
        "opts": room.opts,
    }
    return TemplateResponse(request, "admin/workflows/confirm.html", context)


def cut(text: str) -> str:
    """Give as much of a large text as a page shows."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters in all)"
