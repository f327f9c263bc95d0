"""The job queue: its jobs, why they wait, and who carries them out."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from runner.run.status import JobState
from workflows.admin.rooms import ReadOnlyAdmin
from workflows.job_reasons import Reasons
from workflows.models import Job, JobWorker


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Tasks that job queue runners carry out, the newest first."""

    list_display = ("run_id", "path", "attempt", "state", "group", "worker", "created_at", "ended_at")  # fmt: skip
    search_fields = ("=run__id", "path")
    list_filter = ("state",)
    exclude = ("spec", "outcome")
    ordering = ("-pk",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Say of each that waits what for; what many wait for is looked at once."""
        reasons = Reasons()

        @admin.display(description="why")
        def why(job: Job) -> str:
            return reasons.of(job) if job.state == JobState.WAITING else ""

        return (*self.list_display, why)


@admin.register(JobWorker)
class JobWorkerAdmin(ReadOnlyAdmin):
    """The runners of the job queue."""

    list_display = ("name", "host", "jobs", "started_at", "seen_at", "lives")
    ordering = ("-seen_at",)

    @admin.display(boolean=True)
    def lives(self, worker: JobWorker) -> bool:
        """Whether it has said so within a lease."""
        return timezone.now() - worker.seen_at < timedelta(seconds=settings.JOB_LEASE_SECONDS)
