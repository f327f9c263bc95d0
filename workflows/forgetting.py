"""Removing content that nothing mentions any more; sync, for whoever sweeps now and then.

Content that was put in place after a moment stays: a run may be about to mention it. So does
content that is younger than a run of its team that is not over: a body may hold it for days. And
so does what a drawing, a version of it, an act on it or a cached result names: what is drawn may
run, an act may be taken back, and a result may be taken again.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from itertools import batched
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import IntegrityError
from django.db.models import Min, Q

from runner.errors import ValueFault
from runner.execution.artifacts import INCOMING, locked, place_of
from workflows.models import (
    CacheEntry,
    DraftAct,
    Run,
    StoredContent,
    WorkflowDraft,
    WorkflowVersion,
)
from workflows.models.run import DRIVEN

logger = logging.getLogger(__name__)

AT_ONCE = 500


def forget_content(before: datetime) -> int:
    """Remove content from before a moment that no run, drawing or cached result mentions.

    Gives how many contents were removed. Leave a day: a save that is under way needs its time.
    """
    removed = 0
    for content in _unmentioned(before):
        removed += _forget(content, before)
    if isinstance(storages["artifacts"], FileSystemStorage):
        removed += _forget_unknown(before)
        _forget_unfinished(before)
    return removed


def _unmentioned(before: datetime) -> Iterator[StoredContent]:
    found = StoredContent.objects.filter(mentions=None, created_at__lt=before)
    keys = list(found.order_by("pk").values_list("pk", flat=True))
    for some in batched(keys, AT_ONCE):
        yield from StoredContent.objects.filter(pk__in=some, mentions=None)


def _forget(content: StoredContent, before: datetime) -> bool:
    """Remove one content, row first: what a row names is there."""
    if _is_named(content.team_id, content.digest):
        return False
    name = place_of(str(content.team_id), content.digest)
    with _alone():
        if not _is_old(storages["artifacts"], name, _oldest(content.team_id, before)):
            return False
        try:
            StoredContent.objects.filter(pk=content.pk, mentions=None).delete()
        except IntegrityError:
            return False  # mentioned in this moment
        if StoredContent.objects.filter(pk=content.pk).exists():
            return False
        storages["artifacts"].delete(name)
    return True


def _is_named(team: UUID, digest: str) -> bool:
    """Whether a drawing, an act on it or a cached result of a team names content.

    No row links them, and a digest stands in their texts as it is.
    """
    drawn = {"definition__contains": digest, "workflow__team": team}
    cached = Q(outputs__contains=digest) | Q(streams__contains=digest)
    naming = (
        CacheEntry.objects.filter(cached, team=team),
        WorkflowVersion.objects.filter(**drawn),
        WorkflowDraft.objects.filter(**drawn),
        DraftAct.objects.filter(changes__contains=digest, workflow__team=team),
    )
    return any(each.exists() for each in naming)


def _oldest(team: UUID, before: datetime) -> datetime:
    """Give the moment before which nothing under way can have saved anything."""
    under_way = Run.objects.filter(team=team, status__in=DRIVEN)
    begun: datetime | None = under_way.aggregate(first=Min("created_at"))["first"]
    return min(before, begun) if begun else before


def _is_old(storage: Storage, name: str, before: datetime) -> bool:
    try:
        return storage.get_modified_time(name) < before
    except FileNotFoundError:
        return True


def _alone() -> AbstractContextManager[None]:
    """Keep files from being put in place meanwhile; other storages have no such lock."""
    storage = storages["artifacts"]
    folder = Path(storage.location) if isinstance(storage, FileSystemStorage) else None
    return locked(folder) if folder and folder.is_dir() else nullcontext()


def _forget_unknown(before: datetime) -> int:
    """Remove files that no row knows: their run died before it could mention them."""
    removed = 0
    folder = Path(storages["artifacts"].location)  # type: ignore[attr-defined] # of files
    for team in sorted(_teams_in(folder)):
        for files in batched(sorted((folder / str(team)).glob("??/*")), AT_ONCE):
            digests = {f"{each.parent.name}{each.name}" for each in files}
            known = StoredContent.objects.filter(team=team, digest__in=digests)
            for digest in digests - set(known.values_list("digest", flat=True)):
                removed += _forget_file(team, digest, before)
    return removed


def _teams_in(folder: Path) -> Iterator[UUID]:
    """Give the teams that have files, those that are gone too."""
    for each in folder.iterdir() if folder.is_dir() else ():
        with suppress(ValueError):
            yield UUID(each.name)


def _forget_file(team: UUID, digest: str, before: datetime) -> bool:
    try:
        name = place_of(str(team), digest)
    except ValueFault:
        logger.warning("among the artifacts of %s is a file that is none", team)
        return False
    with _alone():
        if not _is_old(storages["artifacts"], name, _oldest(team, before)):
            return False
        if StoredContent.objects.filter(team=team, digest=digest).exists():
            return False
        if _is_named(team, digest):
            return False
        storages["artifacts"].delete(name)
    return True


def _forget_unfinished(before: datetime) -> None:
    """Remove what was being written, or sent, when its process ended."""
    for folder in (settings.DATA_DIR / "artifacts" / INCOMING, settings.FILE_UPLOAD_TEMP_DIR):
        for each in folder.glob("*"):
            with suppress(FileNotFoundError):
                if each.stat().st_mtime < before.timestamp():
                    each.unlink()
