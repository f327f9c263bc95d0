"""What pages say of the job of a task."""

from django.utils import timezone

from runner.run.status import JobState
from workflows.models import Job, JobWorker, Run
from workflows.rows import Row
from workflows.wording import said_ago


def said_of_job(run: Run, row: Row) -> str:
    """Say in a sentence who carries out the job of a task that runs; empty if nobody does."""
    if row.status not in {"running", "streaming"}:
        return ""
    job = run.jobs.filter(path=row.path, state=JobState.RUNNING).order_by("-attempt").first()
    if job is None or job.started_at is None:
        return ""
    since = said_ago(job.started_at, timezone.now())
    again = f" {job.epoch} runners have begun it." if job.epoch > 1 else ""
    return f"Job queue runner {_named(job)} began it {since}.{again}"


def _named(job: Job) -> str:
    host = JobWorker.objects.filter(pk=job.worker).values_list("host", flat=True).first()
    return f"{job.worker} on {host}" if host else job.worker
