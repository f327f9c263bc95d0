"""What is kept of a run, as its owner wrote it: tasks, events, chunks, checkpoints."""

from django.db import models

from runner.run.status import TaskStatus
from workflows.models.run import REASON, Run

TASK_STATUSES = [(each.value, each.value) for each in TaskStatus]
#: The reason of a failed task whose error something else deals with.
HANDLED = "handled"


class TaskRun(models.Model):
    """One task (or compound) of a run, as its events left it.

    `width` is how many items, turns or alternatives a control task has unfolded into, `decision`
    the last it decided (JSON). `reason` says what a queued, awaiting or skipped task waits for or
    lacks, and where the result of a cached one is from; `detail` what it asks (JSON), `until` when
    an awaiting or retrying one goes on by itself. A stuck one ignores that it was stopped.
    """

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="task_runs", db_index=False)
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
    decision = models.TextField(blank=True, default="")
    reason = models.CharField(max_length=REASON, blank=True, default="")
    detail = models.TextField(blank=True, default="")
    until = models.DateTimeField(null=True)
    stuck = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="one_task_run_a_path"),
        ]
        indexes = [
            models.Index(
                fields=["run"],
                condition=models.Q(status=TaskStatus.AWAITING.value),
                name="tasks_that_wait",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} ({self.status})"


class TaskDeaths(models.Model):
    """How many processes in a row died while a task was at work, without its getting any further.

    `seq` is the run's last event at the last of these deaths.
    """

    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="task_deaths", db_index=False
    )
    path = models.CharField(max_length=1000)
    count = models.PositiveSmallIntegerField()
    seq = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path"], name="one_count_of_deaths_a_path"),
        ]
        verbose_name_plural = "task deaths"

    def __str__(self) -> str:
        return f"{self.path}: {self.count}"


class RunEvent(models.Model):
    """What happened, numbered without gap; `payload` is the event's JSON object."""

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)
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

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chunks", db_index=False)
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

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="checkpoints", db_index=False
    )
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
