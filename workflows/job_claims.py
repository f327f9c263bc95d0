"""Which jobs a worker takes, and what becomes of those whose worker died; sync."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from runner.errors import RunnerError
from runner.execution import jobs as engine
from runner.execution.job_body import failure_of
from runner.run.status import JobState, RunStatus
from workflows.job_groups import lock_groups
from workflows.job_posts import stop_jobs
from workflows.large_values import whole
from workflows.models import Job, JobEvent, JobWorker
from workflows.owners import OwnerLocks

#: How many jobs are looked at for each that may be taken.
LOOK_AT = 4
#: The outcomes of jobs that ended without a word.
CANCELLED, LOST = '{"cancelled":true}', '{"lost":true}'
#: After so many deaths in a row a job is carried out beside no other; after so many it fails.
#: Runners are killed for many reasons: it must have been alone with several of them.
ALONE_FROM, DEATHS = 2, 5
#: Messages that show that a body gets on.
GOT_ON = ("chunks", "state", "decide")
_OVER = [each.value for each in RunStatus if each.is_over]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """Who claims jobs, how many more, which it carries out already, and which types it knows."""

    worker: str
    room: int
    locks: OwnerLocks
    knows: Callable[[str, str], bool]
    driven: Collection[int] = ()


@dataclass(slots=True)
class _Taken:
    """What one claim has taken so far, and the room that limits leave."""

    rooms: dict[str, int]
    jobs: list[Job] = field(default_factory=list)


def claim_jobs(claiming: Claiming) -> list[engine.Job]:
    """Take jobs that wait, or whose worker is dead: the highest priority first, then the oldest."""
    if claiming.room <= 0:
        return []
    with transaction.atomic():
        taken = _Taken(rooms=lock_groups())
        full = [group for group, room in taken.rooms.items() if not room]
        for job in _candidates(claiming, full):
            if len(taken.jobs) >= claiming.room or _must_be_alone(job, taken, claiming):
                break
            if claiming.knows(job.type, job.version) and _has_room(job, taken):
                _take(job, taken, claiming)
        return [_carried(job) for job in taken.jobs]


def _candidates(claiming: Claiming, full: Collection[str]) -> QuerySet[Job]:
    due = Q(run_after=None) | Q(run_after__lte=Now())
    same = Job.objects.filter(dedupe=OuterRef("dedupe"), state=JobState.RUNNING)
    blocked = Q(group__in=full) | (~Q(dedupe="") & Exists(same))
    waiting = Q(state=JobState.WAITING) & due & ~blocked
    jobs = Job.objects.select_related("run").filter(waiting | is_orphaned(claiming))
    locked = jobs.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return locked.order_by("-priority", "pk")[: claiming.room * LOOK_AT]


def is_orphaned(claiming: Claiming) -> Q:
    """Select the running jobs that nobody carries out."""
    others = Job.objects.filter(state=JobState.RUNNING).exclude(worker=claiming.worker)
    workers = others.values_list("worker", flat=True).distinct()
    dead = [each for each in workers if claiming.locks.is_dead(each)]
    late = Q(lease_until__lt=Now()) & ~Q(worker=claiming.worker)
    # Its own that it does not carry out: it never heard that it had them.
    lost = Q(worker=claiming.worker) & ~Q(pk__in=claiming.driven)
    return Q(state=JobState.RUNNING) & (Q(worker__in=dead) | late | lost)


def _must_be_alone(job: Job, taken: _Taken, claiming: Claiming) -> bool:
    """Whether one more death decides about a job, which is then carried out beside no other."""
    if any(each.deaths >= ALONE_FROM for each in taken.jobs):
        return True
    return _deaths(job) >= ALONE_FROM and bool(taken.jobs or claiming.driven)


def _has_room(job: Job, taken: _Taken) -> bool:
    return job.state == JobState.RUNNING or taken.rooms.get(job.group, 1) > 0


def _take(job: Job, taken: _Taken, claiming: Claiming) -> None:
    if job.state == JobState.RUNNING:
        if _settled(job):
            return
    elif job.dedupe and _given_same(job):
        return
    elif job.group in taken.rooms:
        taken.rooms[job.group] -= 1
    if _made_own(job, claiming.worker):
        taken.jobs.append(job)


def _made_own(job: Job, worker: str) -> bool:
    """Make a job the worker's, under an epoch of its own; False when another was quicker."""
    free = Job.objects.filter(pk=job.pk, epoch=job.epoch, state=job.state)
    deaths = _deaths(job)
    try:
        with transaction.atomic():
            is_own = free.update(
                state=JobState.RUNNING,
                worker=worker,
                epoch=F("epoch") + 1,
                said=0,
                deaths=deaths,
                lease_until=Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS),
                started_at=Now(),
            )
    except IntegrityError:
        # Another worker has begun the same job for another run.
        return False
    job.epoch, job.deaths = job.epoch + 1, deaths
    return bool(is_own)


def _deaths(job: Job) -> int:
    """Count the workers in a row that died with a job; it begins anew where one got on."""
    if job.state != JobState.RUNNING:
        return job.deaths
    got_on = JobEvent.objects.filter(job=job, epoch=job.epoch, kind__in=GOT_ON).exists()
    return 1 if got_on else job.deaths + 1


def _settled(job: Job) -> bool:
    """End a job of a dead worker that is not to be begun again; give whether it was one."""
    if job.cancel:
        end_job(job.pk, job.epoch, JobState.CANCELLED, CANCELLED)
    elif job.once:
        end_job(job.pk, job.epoch, JobState.LOST, LOST)
    elif _deaths(job) >= DEATHS:
        fault = RunnerError(
            f"{DEATHS} job queue runners in a row died while it was at work and got no further."
        )
        end_job(job.pk, job.epoch, JobState.FAILED, json.dumps(failure_of(fault)))
    else:
        return False
    return True


def _given_same(job: Job) -> bool:
    """Give a job the result of the same one that was done since it was posted."""
    done = Job.objects.filter(
        dedupe=job.dedupe, state=JobState.DONE, ended_at__gte=job.created_at
    ).first()
    if done is None:
        return False
    epoch = job.epoch + 1
    rows = JobEvent.objects.filter(job=done, epoch=done.epoch)
    JobEvent.objects.bulk_create(
        JobEvent(job=job, epoch=epoch, n=row.n, kind=row.kind, message=row.message) for row in rows
    )
    Job.objects.filter(pk=job.pk).update(
        state=JobState.DONE,
        epoch=epoch,
        said=done.said,
        outcome=done.outcome,
        started_at=Now(),
        ended_at=Now(),
    )
    return True


def _carried(job: Job) -> engine.Job:
    rows = JobEvent.objects.filter(job=job, kind="decide").order_by("epoch", "n")
    said = [json.loads(text) for text in rows.values_list("message", flat=True)]
    left = None
    if job.deadline is not None:
        left = max(0.0, (job.deadline - timezone.now()).total_seconds())
    return engine.Job(
        id=job.pk,
        epoch=job.epoch,
        run=str(job.run_id),
        path=job.path,
        attempt=job.attempt,
        type=job.type,
        version=job.version,
        spec=json.loads(whole(str(job.run.team_id), job.spec)),
        identity=str(job.run.started_by_id),
        scope=str(job.run.team_id),
        decisions={each["decide"]: each["value"] for each in said},
        seconds_left=left,
        deaths=job.deaths,
    )


def end_job(job: int, epoch: int, state: JobState, outcome: str) -> bool:
    """End a running job of that epoch; False when it is another's by now."""
    own = Job.objects.filter(pk=job, epoch=epoch)
    values = {"state": state, "outcome": outcome, "ended_at": Now(), "lease_until": None}
    return bool(own.filter(state=JobState.RUNNING).update(**values)) or (
        # Told twice, because the first time was in doubt.
        own.filter(state=state).exists()
    )


def stopped_jobs(worker: str, driven: Collection[int]) -> tuple[set[int], set[int]]:
    """Give which of the jobs that a worker carries out are to stop, and which it has no more."""
    rows = Job.objects.filter(pk__in=driven, worker=worker, state=JobState.RUNNING)
    own = dict(rows.values_list("pk", "cancel"))
    return {job for job, cancel in own.items() if cancel}, set(driven) - own.keys()


def release_jobs(worker: str, jobs: Collection[int]) -> None:
    """Give up jobs so that another worker may begin them again; nobody died."""
    own = Job.objects.filter(pk__in=jobs, worker=worker, state=JobState.RUNNING)
    own.filter(once=True).update(
        state=JobState.LOST, outcome=LOST, ended_at=Now(), lease_until=None
    )
    own.filter(once=False).update(state=JobState.WAITING, worker="", lease_until=None)


def is_waiting(job: int) -> bool:
    """Whether nobody has begun a job yet."""
    return Job.objects.filter(pk=job, state=JobState.WAITING).exists()


def sign_of_life(worker: str) -> None:
    """Prolong the leases of a worker's jobs, and say that it lives."""
    lease = timedelta(seconds=settings.JOB_LEASE_SECONDS)
    JobWorker.objects.filter(pk=worker).update(seen_at=Now())
    Job.objects.filter(worker=worker, state=JobState.RUNNING).update(lease_until=Now() + lease)


def keep_house() -> None:
    """End what nobody wants any more: jobs of runs that are over, and those past their deadline."""
    stop_jobs(Q(run__status__in=_OVER, state__in=[JobState.WAITING, JobState.RUNNING]))
    late = RunnerError("No worker had begun the job at its deadline.")
    Job.objects.filter(state=JobState.WAITING, deadline__lt=Now()).update(
        state=JobState.FAILED, outcome=json.dumps(failure_of(late)), ended_at=Now()
    )


def begin_worker(worker: str, host: str, jobs: int) -> None:
    """Say that a worker is there."""
    JobWorker.objects.create(name=worker, host=host, jobs=jobs, seen_at=Now())


def end_worker(worker: str) -> None:
    """Say that it is there no more, and forget those that have been silent for long."""
    long_ago = Now() - timedelta(seconds=60 * settings.JOB_LEASE_SECONDS)
    JobWorker.objects.filter(Q(pk=worker) | Q(seen_at__lt=long_ago)).delete()
