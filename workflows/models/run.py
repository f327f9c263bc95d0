"""A run and all that is kept of it; only its owner writes what happened."""

import uuid
from collections.abc import Mapping
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from runner.graph.values import encode
from runner.run.status import RESUMABLE, RunStatus, TaskStatus
from workflows.models.team import Person, Right, Team
from workflows.models.workflow import WorkflowVersion

RUN_STATUSES = [(each.value, each.value) for each in RunStatus]
TASK_STATUSES = [(each.value, each.value) for each in TaskStatus]


class RunQuerySet(models.QuerySet["Run"]):
    """Runs: who may see them, and how one begins."""

    def visible_to(self, person: Person, right: Right = Right.VIEW) -> Self:
        """The runs for which a person has a right."""
        return self.filter(team__in=Team.objects.visible_to(person, right))

    def start(
        self,
        version: WorkflowVersion,
        user: AbstractBaseUser,
        inputs: Mapping[str, Any],
        key: str = "",
    ) -> "Run":
        """Queue a run; the same key by the same person gives the run it gave before."""
        known = self.filter(started_by_id=user.pk, idempotency_key=key).first() if key else None
        if known:
            return known
        try:
            with transaction.atomic():
                return self.create(
                    team_id=version.workflow.team_id,
                    version=version,
                    started_by_id=user.pk,
                    inputs=encode(dict(inputs)),
                    idempotency_key=key,
                )
        except IntegrityError:
            # The other half of a double click was quicker.
            return self.get(started_by_id=user.pk, idempotency_key=key)


class Run(models.Model):
    """One execution of a version, under the authority of the person who started it.

    `inputs` and `outputs` are encoded objects of values by port. `seq` numbers the last event;
    `owner` is the process that drives the run under `epoch`, and may write as long as both are
    its own. `deaths` counts the owners that died in a row without getting any further.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(WorkflowVersion, on_delete=models.PROTECT, related_name="runs")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs"
    )
    label = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=16, choices=RUN_STATUSES, default=RunStatus.QUEUED)
    inputs = models.TextField(default="{}")
    outputs = models.TextField(default="{}")
    error = models.TextField(blank=True, default="")
    idempotency_key = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    fraction = models.FloatField(default=0.0)
    seq = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    deaths = models.PositiveSmallIntegerField(default=0)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["started_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_run_a_key",
            ),
            models.CheckConstraint(condition=Q(status__in=list(RunStatus)), name="run_status"),
        ]
        indexes = [
            models.Index(fields=["team", "-created_at"], name="runs_of_a_team"),
            models.Index(fields=["-created_at"], name="runs_by_time"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["queued", "running", "interrupted", "cancelling"]),
                name="runs_to_drive",
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"run {str(self.id)[:8]}"

    @property
    def is_over(self) -> bool:
        """Whether nothing moves any more unless a person asks for it."""
        return RunStatus(self.status).is_over

    @property
    def can_cancel(self) -> bool:
        """Whether cancelling would change anything."""
        return not self.is_over and self.status != RunStatus.CANCELLING

    @property
    def can_resume(self) -> bool:
        """Whether the run ended, or stopped, where a person may let it go on."""
        return self.status in RESUMABLE or self.status == RunStatus.QUARANTINED

    def request(
        self, kind: str, actor: AbstractBaseUser, payload: str = "{}", key: str = ""
    ) -> bool:
        """Ask the run's owner to "cancel" or "resume"; False when that would change nothing.

        A second request with the same key, or while an equal one is open, is the first one.
        """
        self.refresh_from_db(fields=["status"])
        if not {"cancel": self.can_cancel, "resume": self.can_resume}[kind]:
            return False
        if self.requests.filter(kind=kind, handled_at=None).exists():
            return True
        RunRequest.objects.get_or_create(
            key=key or uuid.uuid4().hex,
            defaults={"run": self, "actor_id": actor.pk, "kind": kind, "payload": payload},
        )
        return True


class TaskRun(models.Model):
    """One task (or compound) of a run, as its events left it; `width` is a map's item count."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="task_runs")
    path = models.CharField(max_length=1000)
    status = models.CharField(max_length=16, choices=TASK_STATUSES, default=TaskStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    first_chunk_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    fraction = models.FloatField(default=0.0)
    message = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")
    width = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="one_task_run_a_path"),
        ]

    def __str__(self) -> str:
        return f"{self.path} ({self.status})"


class RunEvent(models.Model):
    """What happened, numbered without gap; `payload` is the event's JSON object."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    path = models.CharField(max_length=1000, blank=True, default="")
    payload = models.TextField(default="{}")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="one_event_a_number")]
        indexes = [models.Index(fields=["run", "path", "seq"], name="events_of_a_task")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.path}".rstrip()


class Chunk(models.Model):
    """Consecutive chunks of one port: `items` is a JSON array of the encoded values.

    A superseded one was written by an attempt that ended without result.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chunks")
    path = models.CharField(max_length=1000)
    port = models.CharField(max_length=100)
    attempt = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    items = models.TextField()
    size = models.PositiveIntegerField()
    superseded = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "path", "port", "attempt", "first"], name="one_chunk_a_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}.{self.port}[{self.first}–{self.last}] of attempt {self.attempt}"


class Checkpoint(models.Model):
    """A finished task's result, as versioned JSON: enough never to execute it again."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    path = models.CharField(max_length=1000)
    attempt = models.PositiveIntegerField()
    seq = models.PositiveBigIntegerField()
    epoch = models.PositiveIntegerField()
    value = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="one_checkpoint_a_path"),
        ]

    def __str__(self) -> str:
        return f"{self.path} at {self.seq}"


class RunRequest(models.Model):
    """What a person asked of a run; its owner turns it into events."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="requests")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="run_requests"
    )
    kind = models.CharField(max_length=16, choices=[("cancel", "cancel"), ("resume", "resume")])
    payload = models.TextField(default="{}")
    key = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["run", "id"], condition=Q(handled_at=None), name="requests_to_handle"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.run_id}"
