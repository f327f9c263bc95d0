"""Why a job waits, in one sentence; sync."""

from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from runner.run.status import JobState
from workflows.job_doorbell import is_hung
from workflows.job_groups import room_of
from workflows.models import Job, JobWorker

NOBODY = "Waits for a job queue runner: start `manage.py run_job_queue`."
RUNG = "Waits for a worker of django.tasks, or for a job queue runner."
SAME = "Waits for the same job, which is being done for another run."
BUSY = "Waits for a free place in a job queue runner."


class Reasons:
    """Looks once at what many jobs may wait for: make a new one to look again."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or timezone.now()
        self._groups: dict[str, str] = {}

    @cached_property
    def _is_anybody_there(self) -> bool:
        lease = timedelta(seconds=settings.JOB_LEASE_SECONDS)
        return JobWorker.objects.filter(seen_at__gt=Now() - lease).exists()

    def of(self, job: Job) -> str:
        """Say why a job waits that waits."""
        if job.run_after is not None and job.run_after > self._now:
            return f"Waits until {job.run_after:%Y-%m-%d %H:%M:%S} UTC, as its policy says."
        if not self._is_anybody_there:
            return RUNG if is_hung() else NOBODY
        return self._of_group(job.group) or self._of_same(job) or BUSY

    def _of_group(self, group: str) -> str:
        if group not in self._groups:
            room = room_of(group)
            self._groups[group] = "" if room is None else room.why(group)
        return self._groups[group]

    def _of_same(self, job: Job) -> str:
        running = Job.objects.filter(dedupe=job.dedupe, state=JobState.RUNNING)
        return SAME if job.dedupe and running.exclude(pk=job.pk).exists() else ""
