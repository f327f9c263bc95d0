"""What of a batch is kept beside the database, and how a run that is claimed gets it back.

Files are written before the transaction that mentions them, and by another thread than the
writer's: nothing waits for them but the run whose values they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from django.conf import settings

from runner.errors import DamagedArtifact, MissingArtifact, UnreadableCheckpoint
from runner.execution.store import Batch, CacheEntry, ChunkBatch, Entry, StoredRun
from runner.run import events as happened
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import Event
from workflows.large_values import (
    BYTES_A_SIGN,
    inputs_whole,
    is_large,
    put_aside,
    reference_in,
    whole,
)
from workflows.models import Run
from workflows.models.artifact import Mention, may_mention, mentions_in
from workflows.projection import array_items, array_text

_WITH_OUTPUTS = (happened.TaskCompleted, happened.TaskCached, happened.RunCompleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunksBeside(ChunkBatch):
    """Chunks with the text that stands for all of them in the database."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWithFiles(Batch):
    """A batch with references in the place of large values, and all content it mentions."""

    mentions: Mapping[str, Mention] = field(default_factory=dict)


def has_files(batch: Batch) -> bool:
    """Whether anything of a batch may be large, or name a file; a quick look at every batch.

    What a completion gives is looked at in the record that is kept with it.
    """
    signs: int = settings.LARGE_VALUE // BYTES_A_SIGN
    for kept in batch.checkpoints:
        for text in kept.outputs.values():
            if len(text) > signs or may_mention(text):
                return True
        if (kept.saved or kept.decisions) and _is_any_file(_kept_besides(kept), signs):
            return True
    for entry in batch.entries:
        event = entry.event
        if type(event) is happened.RunCompleted and _is_any_file(event.outputs.values(), signs):
            return True
    return any(
        sum(map(len, chunks.items)) > signs or _is_any_file(chunks.items, signs)
        for chunks in batch.chunks
    ) or any(_is_any_file(_values_of(cached), signs) for cached in batch.cache)


def _is_any_file(texts: Iterable[str], signs: int) -> bool:
    return any(len(text) > signs or may_mention(text) for text in texts)


def put_batch_aside(batch: Batch) -> BatchWithFiles:
    """Keep all that is large beside the database; give what the database keeps.

    Raises OSError when a file cannot be written.
    """
    team = str(Run.objects.values_list("team_id", flat=True).get(pk=batch.run))
    kept = replace(
        batch,
        entries=tuple(_entry(team, each) for each in batch.entries),
        checkpoints=tuple(_checkpoint(team, each) for each in batch.checkpoints),
        chunks=tuple(_chunks(team, each) for each in batch.chunks),
        cache=tuple(_cached(each) for each in batch.cache),
    )
    beside = [each.text for each in kept.chunks if isinstance(each, ChunksBeside)]
    mentions = mentions_in([*_values_in(batch), *_values_in(kept), *beside])
    rest = {each.name: getattr(kept, each.name) for each in fields(Batch)}
    return BatchWithFiles(**rest, mentions=mentions)


def restored(stored: StoredRun) -> StoredRun:
    """Give a claimed run with all its large values; raises UnreadableCheckpoint."""
    team = stored.scope
    try:
        return replace(
            stored,
            inputs=inputs_whole(team, stored.inputs),
            checkpoints=tuple(_whole(team, each) for each in stored.checkpoints),
            kept=tuple(_whole(team, each) for each in stored.kept),
        )
    except (MissingArtifact, DamagedArtifact, UnicodeDecodeError) as fault:
        raise UnreadableCheckpoint(str(fault)) from fault


def whole_event(team: str, event: Event) -> Event:
    """Give an event with all its outputs; raises as `whole` does."""
    if not isinstance(event, _WITH_OUTPUTS):
        return event
    outputs = {port: whole(team, text) for port, text in event.outputs.items()}
    return replace(event, outputs=outputs)


def whole_items(team: str, text: str) -> tuple[str, ...]:
    """Give the encoded chunks that a row's text holds or refers to; raises as `whole` does."""
    return array_items(whole(team, text))


def whole_cached(cached: CacheEntry) -> CacheEntry:
    """Give a cached result with all its large values; raises as `whole` does."""
    team = cached.scope
    return replace(
        cached,
        outputs={port: whole(team, text) for port, text in cached.outputs.items()},
        streams={port: _items(team, items) for port, items in cached.streams.items()},
    )


def _items(team: str, items: tuple[str, ...]) -> tuple[str, ...]:
    if len(items) == 1 and reference_in(items[0]):
        return whole_items(team, items[0])
    return items


# ── out of a batch ──────────────────────────────────────────────────────────────────────────────


def _values_in(batch: Batch) -> Iterator[str]:
    """Give the encoded values that a batch keeps."""
    for kept in batch.checkpoints:
        yield from kept.outputs.values()
        yield from _kept_besides(kept)
    for entry in batch.entries:
        if isinstance(entry.event, _WITH_OUTPUTS):
            yield from entry.event.outputs.values()
    for chunks in batch.chunks:
        yield from chunks.items
    for cached in batch.cache:
        yield from _values_of(cached)


def _kept_besides(kept: TaskCheckpoint) -> Iterator[str]:
    yield from (each for each in kept.decisions.values() if isinstance(each, str))
    if kept.saved is not None:
        yield kept.saved.value


def _values_of(cached: CacheEntry) -> Iterator[str]:
    yield from cached.outputs.values()
    for items in cached.streams.values():
        yield from items


def _entry(team: str, entry: Entry) -> Entry:
    event = entry.event
    if isinstance(event, _WITH_OUTPUTS):
        return replace(entry, event=replace(event, outputs=_aside(team, event.outputs)))
    if isinstance(event, happened.DecisionMade) and isinstance(event.value, str):
        return replace(entry, event=replace(event, value=put_aside(team, event.value)))
    return entry


def _checkpoint(team: str, kept: TaskCheckpoint) -> TaskCheckpoint:
    saved = kept.saved and replace(kept.saved, value=put_aside(team, kept.saved.value))
    decisions = _changed(kept.decisions, lambda text: put_aside(team, text))
    return replace(kept, outputs=_aside(team, kept.outputs), decisions=decisions, saved=saved)


def _whole(team: str, kept: TaskCheckpoint) -> TaskCheckpoint:
    saved = kept.saved and replace(kept.saved, value=whole(team, kept.saved.value))
    outputs = {port: whole(team, text) for port, text in kept.outputs.items()}
    decisions = _changed(kept.decisions, lambda text: whole(team, text))
    return replace(kept, outputs=outputs, decisions=decisions, saved=saved)


def _changed(decisions: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Change the decisions that are encoded values; others are small."""
    return {
        name: change(each) if isinstance(each, str) else each for name, each in decisions.items()
    }


def _aside(team: str, values: Mapping[str, str]) -> dict[str, str]:
    return {port: put_aside(team, text) for port, text in values.items()}


def _are_large(chunks: ChunkBatch) -> bool:
    signs = sum(map(len, chunks.items))
    return signs * BYTES_A_SIGN > settings.LARGE_VALUE and is_large(array_text(chunks.items))


def _chunks(team: str, chunks: ChunkBatch) -> ChunkBatch:
    if not _are_large(chunks):
        return chunks
    rest = {each.name: getattr(chunks, each.name) for each in fields(ChunkBatch)}
    return ChunksBeside(**rest, text=put_aside(team, array_text(chunks.items)))


def _cached(cached: CacheEntry) -> CacheEntry:
    """Put aside what names no file: whether a cached result needs one is read in its row."""
    team = cached.scope
    outputs = {
        port: text if may_mention(text) else put_aside(team, text)
        for port, text in cached.outputs.items()
    }
    streams = {port: _stream(team, items) for port, items in cached.streams.items()}
    return replace(cached, outputs=outputs, streams=streams)


def _stream(team: str, items: tuple[str, ...]) -> tuple[str, ...]:
    text = array_text(items)
    if may_mention(text) or not is_large(text):
        return items
    return (put_aside(team, text),)
