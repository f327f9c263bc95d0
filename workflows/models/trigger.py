"""Triggers: what starts a workflow without anybody at a page, each under one person's authority."""

import secrets
import uuid
from base64 import b64encode
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from runner.outside.signing import PREFIX
from workflows.models.credential import key_ring
from workflows.models.run import Run
from workflows.models.workflow import Workflow, WorkflowVersion

LONGEST_TITLE = 100
LONGEST_TROUBLE = 400
_SECRET_BYTES = 32


class Missed(models.TextChoices):
    """What becomes of times at which no server was there to start anything."""

    SKIP = "skip", "Leave them out"
    ONCE = "once", "Run once for all of them"


class TriggerQuerySet[T: "Trigger"](models.QuerySet[T]):
    """Triggers, as those who let them start runs find them."""

    def started(self) -> Self:
        """Those that start runs: turned on, of a workflow that is still there."""
        return self.filter(
            is_on=True, workflow__removed_at=None, workflow__team__removed_at=None
        ).select_related("workflow__team", "person", "version")


class Trigger(models.Model):
    """Starts runs of a workflow as a person would, with their rights and their credentials.

    `version` is the one that the person has confirmed; `inputs` are values by input, encoded.
    `trouble` says why it starts nothing, or why it did not the last time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="%(class)ss")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    title = models.CharField(max_length=LONGEST_TITLE)
    version = models.ForeignKey(WorkflowVersion, on_delete=models.CASCADE, related_name="+")
    inputs = models.TextField(default="{}")
    is_on = models.BooleanField(default=True)
    trouble = models.CharField(max_length=LONGEST_TROUBLE, blank=True, default="")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    last_run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        abstract = True
        ordering = ["made_at"]

    def __str__(self) -> str:
        return self.title

    def say(self, trouble: str = "", *, run: Run | None = None) -> None:
        """Keep what became of a start: a run, or a sentence about why there is none."""
        self.trouble = trouble[:LONGEST_TROUBLE]
        self.last_run = run or self.last_run
        self.save(update_fields=["trouble", "last_run", "version"])


class Schedule(Trigger):
    """Starts runs at the times of a cron expression in a time zone; `next_at` is the next of them."""

    cron = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, default="UTC")
    missed = models.CharField(max_length=8, choices=Missed, default=Missed.SKIP)
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)

    objects = TriggerQuerySet["Schedule"].as_manager()

    class Meta(Trigger.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(missed__in=Missed), name="schedule_missed"),
        ]


class Webhook(Trigger):
    """Starts a run for each signed request; `sealed` is the secret that requests are signed with.

    The body is the value of the input `body_port`, or an object of values by input if that is
    empty. With an `answer_port` the answer waits for the end and gives that output.
    """

    sealed = models.TextField(editable=False)
    body_port = models.CharField(max_length=64, blank=True, default="")
    answer_port = models.CharField(max_length=64, blank=True, default="")

    objects = TriggerQuerySet["Webhook"].as_manager()

    @property
    def bound(self) -> str:
        """What its secret is sealed for."""
        return f"webhook {self.pk} of person {self.person_id}"

    def reveal(self) -> str:
        """Give the secret; raises Unsealable when no key of the ring opens it."""
        return key_ring().open(self.sealed, self.bound)

    def renew(self) -> str:
        """Take a new secret and give it, the only time that anybody is told it; not saved yet."""
        secret = PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        self.sealed = key_ring().seal(secret, self.bound)
        return secret
