"""What is drawn: workflows, their versions, their drafts."""

from typing import Any

from django.contrib import admin

from workflows.admin.rooms import LeavingAdmin, ReadOnlyAdmin
from workflows.models import DraftAct, PinnedOutput, Workflow, WorkflowDraft, WorkflowVersion
from workflows.models.leaving import remove_workflow


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


@admin.register(WorkflowDraft)
class WorkflowDraftAdmin(ReadOnlyAdmin):
    """What is being drawn."""

    list_display = ("workflow", "revision", "changed_at")
    list_select_related = ("workflow",)
    search_fields = ("workflow__name",)


@admin.register(DraftAct)
class DraftActAdmin(ReadOnlyAdmin):
    """What was done to drafts, the newest first."""

    list_display = ("at", "workflow", "revision", "person", "kind", "words")
    list_select_related = ("workflow", "person")
    exclude = ("asked", "changes")
    ordering = ("-pk",)


@admin.register(PinnedOutput)
class PinnedOutputAdmin(ReadOnlyAdmin):
    """Outputs that stand in for tasks when a draft is tried."""

    list_display = ("pk", "workflow")
    list_select_related = ("workflow",)
    exclude = ("outputs",)
