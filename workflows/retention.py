"""Removing what is older than the operator wants to keep (P13); structure and states stay.

What a run streamed and logged goes first, its results later. Rows go in batches, each in a
transaction of its own, so that nothing that is under way waits for long.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from runner.run.status import RunStatus
from workflows.forgetting import forget_content
from workflows.models import (
    AuditEvent,
    CacheEntry,
    Chunk,
    Job,
    JobEvent,
    Run,
    RunEvent,
    RunRequest,
    ShareLink,
    Tick,
    Tries,
)
from workflows.models.artifact import RunContent
from workflows.models.kept import Checkpoint
from workflows.models.run import Pruned

ROWS_AT_ONCE = 1000
REST_SECONDS = 0.02
#: Events that say nothing about where a task stands.
DEBUG_EVENTS = ("TaskLogged", "TaskProgressed", "ChunksStored", "StreamSuperseded")
A_DAY = timedelta(days=1)
_OVER = [each.value for each in RunStatus if each.is_over and each is not RunStatus.QUARANTINED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How much was removed, or would be: runs that lost their streams or results, and rows."""

    streams: int = 0
    outputs: int = 0
    rows: int = 0
    contents: int = 0

    def __str__(self) -> str:
        return (
            f"streams and logs of {self.streams} runs, results of {self.outputs} runs "
            f"({self.rows} rows), {self.contents} files"
        )


def prune(now: datetime | None = None, *, dry_run: bool = False) -> Removed:
    """Remove what is too old at a moment; with `dry_run` only count the runs."""
    now = now or timezone.now()
    streams = _due(now, settings.KEEP_STREAMS_DAYS, [Pruned.NOTHING])
    outputs = _due(now, settings.KEEP_OUTPUTS_DAYS, [Pruned.NOTHING, Pruned.STREAMS])
    if dry_run:
        return Removed(streams=streams.count(), outputs=outputs.count())
    counted = {"streams": 0, "outputs": 0, "rows": 0}
    for name, due, remove in (
        ("streams", streams, _remove_streams),
        ("outputs", outputs, _remove_outputs),
    ):
        for run in _each(due):
            counted["rows"] += remove(run)
            counted[name] += 1
    counted["rows"] += _remove_cached(now) + _remove_over(now) + _remove_audited(now)
    counted["rows"] += _remove_said(now)
    return Removed(**counted, contents=forget_content(now - A_DAY))


def prune_daily(now: datetime | None = None) -> Removed | None:
    """Prune, unless some process did within a day; None then."""
    now = now or timezone.now()
    Tick.objects.get_or_create(
        name="prune", defaults={"at": datetime.min.replace(tzinfo=now.tzinfo)}
    )
    if not Tick.objects.filter(name="prune", at__lte=now - A_DAY).update(at=now):
        return None
    return prune(now)


def _due(now: datetime, days: int, pruned: list[str]) -> models.QuerySet[Run]:
    """Find the runs whose end is so many days ago; none when these are kept for good."""
    if not days:
        return Run.objects.none()
    ended = Run.objects.filter(ended_at__lt=now - timedelta(days=days), pruned__in=pruned)
    return ended.filter(status__in=_OVER, owner="")


def _each(runs: models.QuerySet[Run]) -> Iterator[Run]:
    """Give the runs one by one, read anew: each may have been resumed meanwhile."""
    for key in list(runs.order_by("ended_at").values_list("pk", flat=True)):
        run = runs.filter(pk=key).first()
        if run is not None:
            yield run


def _remove_streams(run: Run) -> int:
    """Mark the run first, so that nobody resumes it on half of what it had."""
    if not _mark(run, Pruned.STREAMS):
        return 0
    rows = _in_batches(Chunk.objects.filter(run=run))
    return rows + _in_batches(RunEvent.objects.filter(run=run, kind__in=DEBUG_EVENTS))


def _remove_outputs(run: Run) -> int:
    if not _mark(run, Pruned.OUTPUTS, inputs="{}", outputs="{}"):
        return 0
    rows = _in_batches(Chunk.objects.filter(run=run))
    rows += _in_batches(RunEvent.objects.filter(run=run, kind__in=DEBUG_EVENTS))
    rows += _in_batches(Checkpoint.objects.filter(run=run))
    rows += _in_batches(Job.objects.filter(run=run))
    events = RunEvent.objects.filter(run=run).exclude(payload="{}")
    rows += _in_batches(events, lambda some: some.update(payload="{}"))
    return rows + _in_batches(RunContent.objects.filter(run=run))


def purge_outputs(run: Run) -> bool:
    """Remove what a run that is over streamed and gave, however young; whether it is gone."""
    if not run.is_over or run.status == RunStatus.QUARANTINED:
        return False
    _remove_outputs(run)
    return Run.objects.filter(pk=run.pk, pruned=Pruned.OUTPUTS).exists()


def _mark(run: Run, pruned: str, **more: str) -> bool:
    """Say what was removed, unless the run moves again."""
    waiting = RunRequest.objects.filter(run=run, handled_at=None)
    if waiting.exists():
        return False
    still = Run.objects.filter(pk=run.pk, seq=run.seq, owner="", status__in=_OVER)
    return bool(still.update(pruned=pruned, **more))


def _remove_said(now: datetime) -> int:
    """Remove what jobs said whose runs are over for a day: those have it in rows of their own."""
    over = Run.objects.filter(ended_at__lt=now - A_DAY, status__in=_OVER, owner="")
    return _in_batches(JobEvent.objects.filter(job__run__in=over))


def _remove_cached(now: datetime) -> int:
    if not settings.KEEP_OUTPUTS_DAYS:
        return 0
    before = now - timedelta(days=settings.KEEP_OUTPUTS_DAYS)
    return _in_batches(CacheEntry.objects.filter(created_at__lt=before))


def _remove_over(now: datetime) -> int:
    """Remove share links whose time is over, and counts of tries that begin anew anyway."""
    over = _in_batches(ShareLink.objects.filter(expires_at__lte=now))
    return over + _in_batches(Tries.objects.filter(until__lte=now))


def _remove_audited(now: datetime) -> int:
    if not settings.KEEP_AUDIT_DAYS:
        return 0
    before, count = now - timedelta(days=settings.KEEP_AUDIT_DAYS), 0
    while gone := AuditEvent.objects.forget_before(before, ROWS_AT_ONCE):
        count += gone
        time.sleep(REST_SECONDS)
    return count


def _in_batches(
    rows: models.QuerySet[models.Model],
    change: Callable[[models.QuerySet[models.Model]], int] | None = None,
) -> int:
    """Delete, or change, rows a batch at a time; give how many."""
    count = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        some = rows.filter(pk__in=keys)
        with transaction.atomic():
            if change is None:
                some.delete()
            else:
                change(some)
        count += len(keys)
        time.sleep(REST_SECONDS)
    return count
