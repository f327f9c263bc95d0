"""Results that a team's runs share: kept with a batch, read by key; sync, for the store."""

import json
from collections.abc import Iterable

from django.db.models.functions import Now

from runner.execution.store import CacheEntry
from workflows import models


def keep_entries(entries: Iterable[CacheEntry]) -> None:
    """Keep results, each in the place of an earlier one with the same key."""
    rows = [
        models.CacheEntry(
            team_id=each.scope,
            key=each.key,
            outputs=json.dumps(each.outputs, separators=(",", ":")),
            streams=json.dumps(each.streams, separators=(",", ":")),
            created_at=Now(),
        )
        for each in entries
    ]
    if rows:
        models.CacheEntry.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["team", "key"],
            update_fields=["outputs", "streams", "created_at"],
        )


def read_entry(scope: str, key: str) -> CacheEntry | None:
    """Give a kept result; None if there is none."""
    row = models.CacheEntry.objects.filter(team_id=scope, key=key).first()
    if row is None:
        return None
    streams = json.loads(row.streams)
    return CacheEntry(
        scope=scope,
        key=key,
        outputs=json.loads(row.outputs),
        streams={port: tuple(items) for port, items in streams.items()},
    )
