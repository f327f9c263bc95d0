"""How an installation is doing, in figures that cost next to nothing however much it holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, models
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from runner.run.status import JobState, RunStatus
from workflows import lags, open_sockets
from workflows.models import (
    AuditEvent,
    CacheEntry,
    Checkpoint,
    Chunk,
    Job,
    JobWorker,
    Run,
    RunEvent,
    StoredContent,
    TaskRun,
    Tick,
)
from workflows.models.run import DRIVEN
from workflows.owners import OwnerLocks
from workflows.retention import A_DAY, Removed, prune

#: What fills a database, by the words of pages.
_KINDS: dict[str, type[models.Model]] = {
    "events": RunEvent,
    "chunks": Chunk,
    "checkpoints": Checkpoint,
    "tasks": TaskRun,
    "cached results": CacheEntry,
    "audit": AuditEvent,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A process that drives runs: how many, when it last renewed its lease, whether it lives here.

    `is_alive` is None for one of another machine: only its lease can tell.
    """

    owner: str
    runs: int
    heartbeat: datetime | None
    is_alive: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for a place: how much, and since when the first of it."""

    depth: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of rows: about how many, and how many bytes if the database knows."""

    name: str
    rows: int
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """When what is old is removed next, and of how many runs."""

    next_at: datetime
    due: Removed


def runners() -> list[Runner]:
    """Give the processes that drive runs, and those of this machine that could."""
    locks = OwnerLocks(settings.DATA_DIR / "owners")
    here = {owner: not locks.is_dead(owner) for owner in locks.known()}
    driven = Run.objects.filter(status__in=DRIVEN).exclude(owner="")
    driving = driven.values_list("owner").annotate(Count("pk"), Max("lease_until"))
    found = {owner: (runs, lease) for owner, runs, lease in driving.order_by("owner")}
    lease_time = timedelta(seconds=settings.LEASE_SECONDS)
    listed = {*found, *(owner for owner, lives in here.items() if lives)}
    return [
        Runner(
            owner=owner,
            runs=found.get(owner, (0, None))[0],
            heartbeat=lease - lease_time if (lease := found.get(owner, (0, None))[1]) else None,
            is_alive=here.get(owner),
        )
        for owner in sorted(listed)
    ]


def workers() -> list[JobWorker]:
    """Give the runners of the job queue, the last heard of first."""
    return list(JobWorker.objects.order_by("-seen_at")[:50])


def queue() -> Queue:
    """Say how many runs wait to begin."""
    waiting = Run.objects.filter(status=RunStatus.QUEUED)
    return Queue(**waiting.aggregate(depth=Count("pk"), oldest=Min("created_at")))


def job_queue() -> Queue:
    """Say how many jobs wait for a runner of the job queue."""
    waiting = Job.objects.filter(state=JobState.WAITING)
    return Queue(**waiting.aggregate(depth=Count("pk"), oldest=Min("created_at")))


def under_way() -> dict[str, int]:
    """Count the runs that are not over, by status."""
    driven = Run.objects.filter(status__in=DRIVEN).order_by("status")
    return dict(driven.values_list("status").annotate(Count("pk")))


def sockets() -> int:
    """Count the pages that this process keeps up to date."""
    return open_sockets.count()


def event_lag() -> float | None:
    """Give the seconds after which 95 % of what happened is on its way to the pages."""
    return lags.p95()


def database_size() -> int:
    """Give the bytes of the whole database; of SQLite with its write-ahead log."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        files = (Path(name), Path(f"{name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def content_size() -> int:
    """Give the bytes of all that is kept beside the database."""
    return int(StoredContent.objects.aggregate(size=Sum("size"))["size"] or 0)


def kinds() -> Iterator[Kind]:
    """Estimate each kind without counting: by its keys, or by what the server knows of it."""
    for name, model in _KINDS.items():
        if connection.vendor == "sqlite":
            # One end at a time: SQLite reads all rows to find both.
            keys = model._default_manager.order_by("pk").values_list("pk", flat=True)  # noqa: SLF001
            first, last = keys.first(), keys.last()
            yield Kind(name=name, rows=last - first + 1 if first is not None else 0, size=None)
        else:
            yield _known(name, model._meta.db_table)  # noqa: SLF001


def _known(name: str, table: str) -> Kind:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT GREATEST(reltuples, 0)::bigint, pg_total_relation_size(oid) "
            "FROM pg_class WHERE oid = %s::regclass",
            [table],
        )
        rows, size = cursor.fetchone()
    return Kind(name=name, rows=rows, size=size)


def retention() -> Retention:
    """Say when the next removal is due, and what of."""
    last = Tick.objects.filter(name="prune").values_list("at", flat=True).first()
    now = timezone.now()
    return Retention(next_at=max(now, last + A_DAY) if last else now, due=prune(now, dry_run=True))
