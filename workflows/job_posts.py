"""Posting jobs and stopping them, for the owner of a run; sync."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from runner.errors import RunnerError, TaskAbandoned
from runner.execution.jobs import JobSpec
from runner.run.status import JobState
from workflows.large_values import put_aside
from workflows.models import Job, Run, StoredContent
from workflows.models.artifact import mentions_in
from workflows.models.job import OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A job to be posted: what it is, as it is written, and what is the same for the same work."""

    spec: JobSpec
    text: str
    work: str


def post_jobs(specs: Sequence[JobSpec]) -> list[int | RunnerError]:
    """Post jobs in one transaction, or find those that earlier attempts had posted for the same work.

    Gives the id of each; TaskAbandoned where a later attempt has posted: then this one is over.
    """
    runs = Run.objects.only("team_id", "started_by_id").in_bulk({UUID(each.run) for each in specs})
    by_run: dict[Run, list[Post]] = {}
    for spec in specs:
        run = runs.get(UUID(spec.run))
        if run is not None:
            by_run.setdefault(run, []).append(_written(spec, run))
    found: dict[JobKey, int | RunnerError] = {}
    with transaction.atomic():
        for run, posts in by_run.items():
            found |= _post_all(run, posts)
    return [found.get(_key(each)) or _abandoned(each) for each in specs]


#: The run, the path and the attempt.
type JobKey = tuple[str, str, int]


def _key(spec: JobSpec) -> JobKey:
    return spec.run, spec.path, spec.attempt


def _abandoned(spec: JobSpec) -> RunnerError:
    return TaskAbandoned(spec.path, spec.attempt)


def _written(spec: JobSpec, run: Run) -> Post:
    text = spec.to_json()
    return Post(spec=spec, text=put_aside(str(run.team_id), text), work=spec.fingerprint(text))


def _post_all(run: Run, posts: Iterable[Post]) -> dict[JobKey, int | RunnerError]:
    """Post jobs of one run, those that nobody had posted by one statement."""
    known = _posted(run, [each.spec.path for each in posts])
    found: dict[JobKey, int | RunnerError] = {}
    new: dict[JobKey, Job] = {}
    for post in posts:
        spec, before = post.spec, known.get(post.spec.path, [])
        if before and before[0].attempt > spec.attempt:
            found[_key(spec)] = _abandoned(spec)
        elif (taken := _taken_over(before, post)) is not None:
            found[_key(spec)] = taken
        else:
            new[_key(spec)] = Job(run=run, spec=post.text, **_fields(post, run))
    StoredContent.objects.mention(run, mentions_in([job.spec for job in new.values()]))
    Job.objects.bulk_create(new.values())
    return found | {key: job.pk for key, job in new.items()}


def _posted(run: Run, paths: Sequence[str]) -> dict[str, list[Job]]:
    """Give what was posted for these tasks, the last attempt first."""
    rows = Job.objects.select_for_update().filter(run=run, path__in=paths)
    found: dict[str, list[Job]] = {}
    for job in rows.only("path", "attempt", "state", "cancel", "work").order_by("-attempt"):
        found.setdefault(job.path, []).append(job)
    return found


def _taken_over(posted: Sequence[Job], post: Post) -> int | None:
    """Give the last job to this attempt if it is for the same work; stop those that are not."""
    for job in posted:
        if job.attempt == post.spec.attempt:
            return job.pk
        is_wanted = job.state in {*OPEN, JobState.DONE} and not job.cancel and job.work == post.work
        if is_wanted and job is posted[0]:
            Job.objects.filter(pk=job.pk).update(attempt=post.spec.attempt)
            return job.pk
        stop_jobs(Q(pk=job.pk))
    return None


def _fields(post: Post, run: Run) -> dict[str, Any]:
    spec, policy = post.spec, post.spec.policy
    after, deadline = policy.run_after, policy.deadline
    return {
        "path": spec.path,
        "attempt": spec.attempt,
        "type": spec.type,
        "version": spec.version,
        "work": post.work,
        "once": spec.once,
        "priority": policy.priority,
        "group": policy.group,
        "dedupe": _dedupe(policy.dedupe, post.work, run),
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
