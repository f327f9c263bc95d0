"""Who drives a run: claims, leases and what a claimed run starts from; sync, for the store."""

import json
import logging
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import Case, Exists, F, Max, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Now

from runner.errors import UnreadableCheckpoint, ValueFault
from runner.execution.failpoints import reach
from runner.execution.store import StoredRun
from runner.graph.values import decode
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import TaskError
from runner.run.progress import Progress
from runner.run.status import RESUMABLE, RunStatus, TaskStatus
from workflows.deaths import DEATHS, LIVE, SUSPECT, Suspects, count_deaths, is_suspect
from workflows.models import Checkpoint, Run, RunRequest, TaskDeaths
from workflows.models.run import DRIVEN
from workflows.owners import OwnerLocks
from workflows.projection import error_text
from workflows.writing import LEASE

logger = logging.getLogger(__name__)

REOPENABLE = (*RESUMABLE, RunStatus.QUARANTINED)
#: Bodies that were begun and have no result.
BEGUN = (*LIVE, TaskStatus.AWAITING)
PATHS_AT_ONCE = 500


def claim_runs(
    owner: str,
    limit: int,
    locks: OwnerLocks,
    driven: Collection[str] = (),
    suspects: Suspects | None = None,
) -> list[StoredRun]:
    """Take up to `limit` runs that wait for an owner, whose owner is dead, or whose lease ended."""
    suspects = suspects or Suspects()
    waiting = _waiting(owner, _dead_owners(owner, locks), driven)
    claimed = []
    for run in waiting.annotate(suspect=is_suspect())[:limit]:
        if run.suspect and not suspects.may_come:
            continue
        try:
            with transaction.atomic():
                stored = _take(run, owner, waiting)
            if stored is not None and _may_go_on(stored, owner, suspects):
                claimed.append(stored)
        except Error:
            if not claimed:
                raise
            # What is this owner's by now is not forgotten with what it could not have.
            connection.close()
            break
        reach("claimed")
    return claimed


def _may_go_on(stored: StoredRun, owner: str, suspects: Suspects) -> bool:
    """Give a suspect back as long as it is not its turn."""
    if not TaskDeaths.objects.filter(run_id=stored.run, count__gte=SUSPECT).exists():
        return True
    if not suspects.may_come:
        release_runs(owner, [stored.run], stored.epoch)
        return False
    suspects.came(stored.run)
    return True


def _dead_owners(owner: str, locks: OwnerLocks) -> list[str]:
    owners = Run.objects.filter(status__in=DRIVEN).exclude(owner__in=["", owner])
    return [
        each for each in owners.values_list("owner", flat=True).distinct() if locks.is_dead(each)
    ]


def _waiting(owner: str, dead: Collection[str], driven: Collection[str]) -> QuerySet[Run]:
    resume = RunRequest.objects.filter(run=OuterRef("pk"), kind="resume", handled_at=None)
    late = Q(lease_until__lt=Now()) & ~Q(owner=owner)
    # Its own that it does not drive: it never heard of the claim, or could not give them up.
    lost = Q(owner=owner) & ~Q(pk__in=driven)
    asked = Exists(RunRequest.objects.filter(run=OuterRef("pk"), handled_at=None))
    # Its task types are not what they were: nobody goes on before a person has decided.
    undecided = Q(status=RunStatus.AWAITING, reason="version") & ~asked
    free = ~undecided & Q(status__in=DRIVEN) & (Q(owner="") | Q(owner__in=dead) | late | lost)
    return Run.objects.filter(free | (Q(status__in=REOPENABLE) & Exists(resume))).order_by(
        "created_at"
    )


def _take(run: Run, owner: str, waiting: QuerySet[Run]) -> StoredRun | None:
    """Make the run this owner's; None when another was quicker, or it must not go on."""
    reopened = run.status in REOPENABLE and run.status != RunStatus.INTERRUPTED
    died = run.owner not in {"", owner}
    # Still waiting, too: its owner may have renewed its lease in between.
    found = waiting.filter(pk=run.pk, owner=run.owner, epoch=run.epoch, status=run.status)
    # What another process has locked is its own, or was until it stood still: nobody waits for it.
    free = found.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
    if not list(free) or not found.update(
        owner=owner,
        epoch=F("epoch") + 1,
        lease_until=Now() + LEASE,
        status=RunStatus.INTERRUPTED if reopened else run.status,
    ):
        return None
    _close_requests(run, reopened=reopened)
    if reopened:
        run.task_deaths.all().delete()
    return _load_or_quarantine(run.pk, died=died, reopened=reopened)


def _close_requests(run: Run, *, reopened: bool) -> None:
    """Close what the claim answers; to cancel or to pause is for the owner to do.

    What was asked of a run before its end is not asked of it when it goes on.
    """
    waiting = run.requests.filter(handled_at=None)
    resumes = waiting.filter(kind="resume")
    last = resumes.order_by("pk").last()
    answered = waiting.filter(pk__lte=last.pk) if reopened and last else resumes
    answered.update(handled_at=Now())


def _load_or_quarantine(key: UUID, *, died: bool, reopened: bool) -> StoredRun | None:
    run = Run.objects.select_related("version").get(pk=key)
    hopeless = count_deaths(run) if died else ""
    if hopeless:
        message = (
            f"{DEATHS} processes in a row died while {hopeless} was at work and got no further."
        )
        _quarantine(run, "NoProgress", message, hopeless)
        return None
    try:
        return _stored(run, reopened=reopened)
    except UnreadableCheckpoint as fault:
        _quarantine(run, "UnreadableCheckpoint", f"A checkpoint cannot be read: {fault}")
    except ValueFault as fault:
        _quarantine(run, "UnreadableRun", f"What the run starts from cannot be read: {fault}")
    return None


def _quarantine(run: Run, kind: str, message: str, path: str = "") -> None:
    error = TaskError(type=kind, message=message, task=path)
    quarantine_run(str(run.pk), run.epoch, error)


def quarantine_run(run: str, epoch: int, error: TaskError) -> None:
    """Set a run aside, with the reason, until a person looks at it."""
    logger.error("run %s is quarantined: %s", run, error.message)
    Run.objects.filter(pk=run, epoch=epoch).update(
        status=RunStatus.QUARANTINED,
        owner="",
        lease_until=None,
        error=error_text(error),
        ended_at=Now(),
    )


def _stored(run: Run, *, reopened: bool) -> StoredRun:
    checkpoints = _checkpoints(run.checkpoints.all())
    if reopened:
        checkpoints = _reopened(run, checkpoints)
    tasks = list(run.task_runs.values_list("path", "attempt", "status"))
    return StoredRun(
        run=str(run.pk),
        epoch=run.epoch,
        seq=run.seq,
        status=RunStatus(run.status),
        definition=run.version.definition,
        inputs=run.inputs,
        identity=str(run.started_by_id),
        scope=str(run.team_id),
        checkpoints=tuple(checkpoints),
        running=tuple((path, attempt) for path, attempt, status in tasks if status in BEGUN),
        attempts=_streamed(run) | {path: attempt for path, attempt, _ in tasks if attempt},
        reopened=reopened,
        parent=str(run.parent_id or ""),
        kept=tuple(_kept(run)),
        workflows=json.loads(run.workflows),
        options=decode(run.options),
        types=json.loads(run.types),
        progress=Progress(done=run.done, total=run.total, failed=run.failed, fraction=run.fraction),
    )


def _streamed(run: Run) -> dict[str, int]:
    """Give the last attempts that streamed; of what was dropped, nothing but chunks is left."""
    return dict(run.chunks.order_by().values_list("path").annotate(Max("attempt")))


def _checkpoints(rows: QuerySet[Checkpoint]) -> list[TaskCheckpoint]:
    texts = rows.order_by("seq").values_list("value", flat=True)
    return [TaskCheckpoint.from_json(text) for text in texts]


def _reopened(run: Run, checkpoints: Iterable[TaskCheckpoint]) -> list[TaskCheckpoint]:
    """Open what ended badly, so that it is tried again."""
    opened = []
    for each in checkpoints:
        kept = each.reopened()
        if kept is not each:
            run.checkpoints.filter(path=kept.path).update(value=kept.to_json())
        opened.append(kept)
    return opened


def _kept(run: Run) -> list[TaskCheckpoint]:
    """Give the results that the run takes over from its parent."""
    if run.parent is None:
        return []
    wanted = run.kept_paths
    found = _checkpoints(run.parent.checkpoints.all()) if wanted else []
    return [
        each for each in found if each.path in wanted and each.has_result and each.error is None
    ]


def renew_leases(owner: str, runs: Collection[str]) -> set[str]:
    """Prolong the leases; give the runs that are still the owner's."""
    reach("lease_renew")
    mine = Run.objects.filter(pk__in=runs, owner=owner)
    mine.update(lease_until=Now() + LEASE)
    return {str(key) for key in mine.values_list("pk", flat=True)}


def release_runs(owner: str, runs: Collection[str], epoch: int | None = None) -> None:
    """Give the runs up, of that epoch if one is given, so that the next claim may take them."""
    was_running = When(status=RunStatus.RUNNING, then=Value(RunStatus.INTERRUPTED))
    mine = Run.objects.filter(pk__in=runs, owner=owner)
    (mine if epoch is None else mine.filter(epoch=epoch)).update(
        owner="", lease_until=None, status=Case(was_running, default=F("status"))
    )


def forget_dead_owners(locks: OwnerLocks) -> None:
    """Remove the lock files of the dead that own no run any more."""
    owning = set(Run.objects.exclude(owner="").values_list("owner", flat=True))
    for owner in locks.known():
        if owner not in owning and locks.is_dead(owner):
            locks.forget(owner)
