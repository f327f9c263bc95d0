"""How batches get into the database: one transaction, a savepoint for each run's part.

What is written is worked out first, as rows; then it goes to the database in few statements that
read nothing back.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.db.models.functions import Now

from runner.errors import Fenced
from runner.execution.failpoints import reach
from runner.execution.store import Batch
from runner.run import events as happened
from workflows.beside import BatchWithFiles
from workflows.caching import keep_entries
from workflows.cursors import Cursor, cursor
from workflows.kept_rows import keep
from workflows.models import Run, RunRequest, StoredContent
from workflows.projection import Changes, path_of, run_changes
from workflows.tables import as_kept, quoted
from workflows.task_rows import forget_lost, project
from workflows.trouble import trouble_of

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
#: By the database's clock, since that is whose time a claim looks at.
_LEASE_ENDS = {
    "sqlite": f"STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW', '+{settings.LEASE_SECONDS} seconds')",
    "postgresql": f"STATEMENT_TIMESTAMP() + INTERVAL '{settings.LEASE_SECONDS} seconds'",
}
_ENDS = (happened.RunCompleted, happened.RunFailed, happened.RunCancelled)


class Doubtful:
    """The batches of which nobody knows whether they were kept: their transaction broke off.

    A connection can be lost after the server has committed and before it could say so.
    """

    def __init__(self) -> None:
        self._lasts: dict[str, tuple[int, int]] = {}

    def __contains__(self, batch: Batch) -> bool:
        return self._lasts.get(batch.run) == _last(batch)

    def add(self, batches: Iterable[Batch]) -> None:
        """Note them until they are tried again."""
        self._lasts |= {batch.run: _last(batch) for batch in batches}

    def discard(self, batches: Iterable[Batch]) -> None:
        """Forget them: it is known now."""
        for batch in batches:
            self._lasts.pop(batch.run, None)


def write_batches(
    batches: Sequence[Batch], doubtful: Doubtful | None = None
) -> list[Exception | None]:
    """Commit all batches together; give for each what kept it out, or None.

    One that is `doubtful` and was kept after all is not written again. Raises the database's
    error when it is in trouble, and nothing or not everything could be committed.
    """
    doubtful = doubtful or Doubtful()
    try:
        faults = _together(batches, doubtful)
    except (Error, MemoryError):
        doubtful.add(batches)
        raise
    doubtful.discard(batches)
    reach("after_commit")
    return faults


def _together(batches: Sequence[Batch], doubtful: Doubtful) -> list[Exception | None]:
    if len(batches) > 1:
        try:
            with transaction.atomic(durable=True):
                return [_attempt(each, doubtful, durable=False) for each in batches]
        except IntegrityError:
            # Whether a foreign key leads anywhere is looked at last: nobody can tell whose it is.
            pass
    return [_attempt(each, doubtful, durable=True) for each in batches]


def _attempt(batch: Batch, doubtful: Doubtful, *, durable: bool) -> Exception | None:
    """Write a batch in a transaction of its own, or in a savepoint of the one under way."""
    try:
        with transaction.atomic(durable=durable), cursor() as opened:
            _write(opened, batch, doubtful)
    except Error as fault:
        if trouble_of(fault):
            raise
        return fault
    except (Fenced, ValueError) as fault:
        return fault
    return None


def _write(cursor: Cursor, batch: Batch, doubtful: Doubtful) -> None:
    reach("in_txn_begun")
    run = cursor.key(batch.run)
    if not _advance(cursor, run, batch):
        if batch in doubtful and _is_kept(cursor, run, batch):
            return
        raise Fenced(batch.run)
    told = [(entry, path_of(entry.event)) for entry in batch.entries]
    keep(cursor, run, batch, told)
    reach("in_txn_after_insert")
    project(cursor, run, told)
    if batch.epoch > 1 and any(isinstance(entry.event, _ENDS) for entry in batch.entries):
        forget_lost(cursor, run)
    keep_entries(batch.cache)
    if isinstance(batch, BatchWithFiles) and batch.mentions:
        StoredContent.objects.mention(Run.objects.get(pk=batch.run), batch.mentions)
    if batch.handled:
        asked = RunRequest.objects.filter(run_id=batch.run, pk__in=batch.handled)
        asked.filter(handled_at=None).update(handled_at=Now())


def _last(batch: Batch) -> tuple[int, int]:
    return batch.epoch, batch.entries[-1].seq if batch.entries else batch.before


def _is_kept(cursor: Cursor, run: Any, batch: Batch) -> bool:
    """Whether the run stands where this batch leads: of its epoch, nobody else writes."""
    cursor.execute("SELECT epoch, seq FROM workflows_run WHERE id = %s", [run])
    return cursor.rows() == [_last(batch)]


def _advance(cursor: Cursor, run: Any, batch: Batch) -> bool:
    """Move the run's last number, which proves that nobody else has moved it; False if one has."""
    changes: Changes = {
        "seq": _last(batch)[1],
        "total": batch.progress.total,
        "done": batch.progress.done,
        "failed": batch.progress.failed,
        "fraction": batch.progress.fraction,
    }
    for entry in batch.entries:
        changes.update(run_changes(entry.event, entry.at))
    lease = "" if "lease_until" in changes else f", lease_until = {_LEASE_ENDS[cursor.vendor]}"
    named = ", ".join(f"{quoted(name)} = %s" for name in changes)
    cursor.execute(
        f"UPDATE workflows_run SET {named}{lease} "  # noqa: S608
        "WHERE id = %s AND epoch = %s AND seq = %s AND owner <> ''",
        [*as_kept(cursor, changes), run, batch.epoch, batch.before],
    )
    return cursor.changed() > 0
