"""Posting jobs and stopping them, for the owner of a run; sync."""

import hashlib
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from runner.errors import TaskAbandoned
from runner.execution.jobs import JobSpec
from runner.run.status import JobState
from workflows.large_values import put_aside
from workflows.models import Job, Run, StoredContent
from workflows.models.artifact import mentions_in
from workflows.models.job import OPEN


def post_job(spec: JobSpec) -> int:
    """Post a job, or find the one that an earlier attempt had posted for the same work.

    Raises TaskAbandoned when a later attempt has posted: then this one is over.
    """
    run = Run.objects.get(pk=spec.run)
    text = put_aside(str(run.team_id), spec.to_json())
    with transaction.atomic():
        posted = Job.objects.select_for_update().filter(run=run, path=spec.path)
        if posted.filter(attempt__gt=spec.attempt).exists():
            raise TaskAbandoned(spec.path, spec.attempt)
        found = _taken_over(list(posted.order_by("-attempt")), spec)
        if found is not None:
            return found
        StoredContent.objects.mention(run, mentions_in([text]))
        return Job.objects.create(run=run, spec=text, **_fields(spec, run)).pk


def _taken_over(posted: list[Job], spec: JobSpec) -> int | None:
    """Give the last job to this attempt if it is for the same work; stop those that are not."""
    work = spec.fingerprint()
    for job in posted:
        if job.attempt == spec.attempt:
            return job.pk
        is_wanted = job.state in {*OPEN, JobState.DONE} and not job.cancel and job.work == work
        if is_wanted and job is posted[0]:
            Job.objects.filter(pk=job.pk).update(attempt=spec.attempt)
            return job.pk
        stop_jobs(Q(pk=job.pk))
    return None


def _fields(spec: JobSpec, run: Run) -> dict[str, Any]:
    policy, work = spec.policy, spec.fingerprint()
    after, deadline = policy.run_after, policy.deadline
    return {
        "path": spec.path,
        "attempt": spec.attempt,
        "type": spec.type,
        "version": spec.version,
        "work": work,
        "once": spec.once,
        "priority": policy.priority,
        "group": policy.group,
        "dedupe": _dedupe(policy.dedupe, work, run),
        "run_after": Now() + timedelta(seconds=after) if after else None,
        "deadline": None if deadline is None else Now() + timedelta(seconds=deadline),
    }


def _dedupe(key: str, work: str, run: Run) -> str:
    """Give what is equal for the same job of the same person in the same team; "" without a key."""
    said = f"{run.team_id} {run.started_by_id} {work} {key}"
    return hashlib.sha256(said.encode()).hexdigest() if key else ""


def stop_jobs(which: Q) -> None:
    """End those that wait, and ask the workers of those that run to stop."""
    jobs = Job.objects.filter(which)
    jobs.filter(state=JobState.WAITING).update(
        state=JobState.CANCELLED, ended_at=Now(), outcome='{"cancelled":true}'
    )
    jobs.filter(state=JobState.RUNNING, cancel=False).update(cancel=True)


def spoil_job(job: int) -> None:
    """Let nobody take a result that the owner of its run refused."""
    stop_jobs(Q(pk=job))
    Job.objects.filter(pk=job, state=JobState.DONE).update(state=JobState.FAILED)
