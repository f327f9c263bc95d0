"""Jobs: bodies that workers of the job queue carry out, what they say, and who the workers are."""

from django.db import models
from django.db.models import Q

from runner.run.status import JobState
from workflows.models.run import Run

NAME = 64
JOB_STATES = [(each.value, each.value) for each in JobState]
OPEN = [each.value for each in JobState if each.is_open]


class Job(models.Model):
    """One attempt of one task of a run, for a worker to carry out.

    `spec` is JSON, or a reference to it; `work` is the hash of what is to be done, and `dedupe`
    that of whose job it is too, if it has a key. `worker` carries it out under `epoch`, which
    fences off who carried it out before; `said` numbers the last message of that epoch.
    `deaths` counts workers in a row that died with it. `cancel` asks the worker to stop. A job
    that is `once` is not begun again by itself. `outcome` is JSON, or a reference to it.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="jobs", db_index=False)
    path = models.CharField(max_length=1000)
    attempt = models.PositiveIntegerField()
    type = models.CharField(max_length=NAME)
    version = models.CharField(max_length=200)
    spec = models.TextField()
    work = models.CharField(max_length=64)
    once = models.BooleanField(default=False)
    priority = models.SmallIntegerField(default=0)
    group = models.CharField(max_length=NAME, blank=True, default="")
    dedupe = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    run_after = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=JOB_STATES, default=JobState.WAITING)
    worker = models.CharField(max_length=NAME, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    said = models.PositiveIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0)
    cancel = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "path", "attempt"], name="one_job_an_attempt"),
            models.UniqueConstraint(
                fields=["dedupe"],
                condition=Q(state="running") & ~Q(dedupe=""),
                name="one_running_job_a_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-priority", "id"], condition=Q(state="waiting"), name="jobs_that_wait"
            ),
            models.Index(fields=["worker"], condition=Q(state="running"), name="jobs_that_run"),
            models.Index(
                fields=["group", "started_at"], condition=~Q(group=""), name="jobs_of_a_group"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}, attempt {self.attempt} ({self.state})"


class JobEvent(models.Model):
    """What a worker said of a job: message `n` of an epoch, as a JSON object."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events", db_index=False)
    epoch = models.PositiveIntegerField()
    n = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    message = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "epoch", "n"], name="one_message_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}.{self.epoch}.{self.n} {self.kind}"


class JobWorker(models.Model):
    """A process that carries out jobs; `seen_at` is its last sign of life."""

    name = models.CharField(max_length=NAME, primary_key=True)
    host = models.CharField(max_length=255)
    jobs = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"


class JobGroup(models.Model):
    """A group of jobs that has limits; who counts its jobs holds its row."""

    name = models.CharField(max_length=NAME, primary_key=True)

    def __str__(self) -> str:
        return self.name
