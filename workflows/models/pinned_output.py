"""Outputs that a person pinned: they stand in for a task whenever the draft is tried."""

import json

from django.conf import settings
from django.db import models

from workflows.models.workflow import Workflow

LONGEST_ID = 64


class PinnedOutput(models.Model):
    """What one task of a draft is taken to give in every trial, instead of being run.

    `outputs` is an encoded object of values by port. It is no part of the drawing: no version,
    no export and no undo knows of it.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="pins", db_index=False
    )
    task = models.CharField(max_length=LONGEST_ID)
    outputs = models.TextField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workflow", "task"], name="one_pin_a_task"),
        ]

    def __str__(self) -> str:
        return f"{self.task} of {self.workflow_id}"

    @property
    def shown(self) -> str:
        """The outputs as JSON to read and to change."""
        return json.dumps(json.loads(self.outputs), indent=2, ensure_ascii=False)
