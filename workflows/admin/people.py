"""Teams, people, what they keep, and what they did."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from workflows.admin.rooms import LeavingAdmin, ReadOnlyAdmin, asked_first
from workflows.models import (
    AuditEvent,
    Credential,
    Invitation,
    MailWish,
    Membership,
    SavedFilter,
    Team,
)
from workflows.models.credential import remove_credential
from workflows.models.leaving import remove_person, remove_team
from workflows.rights_bell import ring_for


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to a team."""

    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the members, and have those look again whose place may be another one."""
        before = list(form.instance.memberships.values_list("user", flat=True))
        super().save_related(request, form, formsets, change)
        ring_for([*before, *form.instance.memberships.values_list("user", flat=True)])


admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(LeavingAdmin, UserAdmin):  # type: ignore[type-arg]
    """People, as Django shows them; who leaves keeps a row for the runs they started."""

    def leave(self, row: Any, person: Any) -> int:
        """Let one go; give how many runs are cancelled for it."""
        return remove_person(row, person)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write it down, and have the person's open pages look again: another password ends them."""
        ring_for([obj.pk])
        return super().log_change(request, obj, message)


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin):
    """Credentials: whose, what for, and never what they are."""

    list_display = ("name", "person", "hosts", "expires_at", "used_at")
    list_select_related = ("person",)
    search_fields = ("name", "person__username")
    fields = ("name", "person", "hosts", "scopes", "created_at", "changed_at", "expires_at", "used_at")  # fmt: skip
    ordering = ("name",)
    actions = ("revoke",)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may delete such rows may revoke them."""
        return request.user.has_perm("workflows.delete_credential")

    @admin.action(description="Revoke selected credentials", permissions=["manage"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Credential]) -> HttpResponse | None:
        """Forget them, once that is confirmed; runs that ask for them wait."""
        if "confirmed" not in request.POST:
            title = f"Revoke {len(rows)} credential(s)?"
            note = "Tasks that ask for them from now on wait until their owners keep new ones."
            return asked_first(self, request, rows, title=title, verb="revoke", note=note)
        for row in rows:
            self.log_change(request, row, "Revoked.")
            remove_credential(row, request.user)  # type: ignore[arg-type]
        self.message_user(request, f"{len(rows)} credential(s) are revoked.", messages.SUCCESS)
        return None


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was invited where."""

    list_display = ("note", "team", "role", "created_by", "expires_at", "used_by", "revoked_at")
    list_select_related = ("team", "created_by", "used_by")
    search_fields = ("note", "team__name")
    exclude = ("digest",)
    ordering = ("-created_at",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what: added by the product alone, changed by nobody."""

    list_display = ("at", "person_name", "act", "subject", "team", "detail")
    list_select_related = ("team",)
    search_fields = ("person_name", "subject", "act")
    date_hierarchy = "at"
    ordering = ("-at", "-pk")


@admin.register(MailWish)
class MailWishAdmin(ReadOnlyAdmin):
    """Who is told of what by mail."""

    list_display = ("person", "about")
    list_select_related = ("person",)


@admin.register(SavedFilter)
class SavedFilterAdmin(ReadOnlyAdmin):
    """The filters that people keep."""

    list_display = ("name", "person", "query")
    list_select_related = ("person",)
