"""What a watching page has missed, as frames: JSON texts with rendered fragments and chunks."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils import timezone

from workflows.models import Chunk, Run, RunEvent
from workflows.outline import outline_for
from workflows.reading import replaces, rows_of, said, values_in
from workflows.rows import Row
from workflows.showing import (
    changed_items,
    graph_fragments,
    head_fragments,
    head_of_task,
    tree_fragments,
    with_ancestors,
)
from workflows.wording import said_errors

# "items" is the tree with the items of its maps, which most pages do not show.
VIEWS = ("tree", "items", "graph", "task")
WITH_ITEMS = frozenset({"items", "task"})
EVENT_LIMIT = 5000
# With more rows changed than this, a page draws what it shows of the tree again.
ROW_LIMIT = 300
FRAME_LIMIT = 48 * 1024
CHUNK_LIMIT = 512 * 1024
CATCH_UP_LIMIT = 4 * 1024 * 1024
type Make = Callable[..., dict[str, Any]]

RELOAD = json.dumps({"reload": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened after a number: the frames to send, for each view, up to another number."""

    upto: int
    status: str
    ended: bool = False
    texts: dict[str, list[str]] = field(default_factory=dict)


def news_since(
    run_id: str,
    after: int,
    *,
    views: Iterable[str] = VIEWS,
    upto: int | None = None,
    known_status: str = "",
    chunk_limit: int = CHUNK_LIMIT,
) -> News:
    """Read what happened to a run after a number, and draw it for each view."""
    run = Run.objects.select_related("version__workflow").get(pk=run_id)
    end = run.seq if upto is None else min(upto, run.seq)
    ended = run.is_over and end == run.seq
    if after > run.seq:
        return News(upto=end, status=run.status, texts={view: [RELOAD] for view in views})
    events = list(run.events.filter(seq__gt=after, seq__lte=end).order_by("seq")[: EVENT_LIMIT + 1])
    if len(events) > EVENT_LIMIT:
        return News(upto=end, status=run.status, texts={view: [RELOAD] for view in views})
    if not events and run.status == known_status:
        return News(upto=end, status=run.status, ended=ended)
    views = list(views)
    drawn = _Drawn(run, events, chunk_limit, items=not WITH_ITEMS.isdisjoint(views))
    texts = {view: list(drawn.frames(view, after, end, ended=ended)) for view in views}
    return News(upto=end, status=run.status, ended=ended, texts=texts)


class _Drawn:
    """What some events changed, read once and drawn for each view."""

    def __init__(
        self, run: Run, events: Sequence[RunEvent], chunk_limit: int, *, items: bool
    ) -> None:
        self.run = run
        paths = {event.path for event in events if event.path}
        self.changed = with_ancestors(outline_for(run), paths)
        self.rows = rows_of(run, self.changed) if self.changed else rows_of(run, ())
        self.items = changed_items(run, paths) if items else []
        self.head = head_fragments(run, self.rows)
        self.chunks = list(_chunks(run, events, chunk_limit))
        self.lines = [_line(event) for event in events if event.kind == "TaskLogged"]
        self.words = _in_words(run, self.rows)

    def frames(self, view: str, after: int, upto: int, *, ended: bool) -> Iterator[str]:
        """Pack all of it: states first, text later; only the last frame moves the cursor."""
        parts: list[tuple[str, Any]] = [
            ("fragments", each) for each in [*self.head, *self._fragments(view)]
        ]
        parts += [("chunks", each) for each in self.chunks]
        parts += [("lines", each) for each in self.lines]
        parts += [("again", True)] if self._is_much(view) else []
        packs = list(_packed(parts))
        for number, pack in enumerate(packs):
            last = number == len(packs) - 1
            frame = {
                "after": after,
                "upto": upto if last else after,
                "status": self.run.status,
                "ended": ended and last,
                "now": timezone.now().isoformat(),
                "words": self.words,
            }
            yield json.dumps(frame | pack, ensure_ascii=False)

    def _is_much(self, view: str) -> bool:
        return view in {"tree", "items"} and len(self.changed) > ROW_LIMIT

    def _fragments(self, view: str) -> Iterator[str]:
        if self._is_much(view):
            return
        shown = {path: self.rows[path] for path in self.changed}
        items = self.items if view in WITH_ITEMS else []
        for row in [*shown.values(), *items]:
            yield head_of_task(row)
        if view in {"tree", "items"}:
            yield from tree_fragments(self.run, shown, items)
        elif view == "graph":
            yield from graph_fragments(self.run, self.rows, self.changed)


def _packed(parts: Iterable[tuple[str, Any]]) -> Iterator[dict[str, list[Any]]]:
    """Put parts together to frames of a bounded size; at least one."""
    pack: dict[str, list[Any]] = {}
    size = 0
    for kind, part in parts:
        weight = len(json.dumps(part, ensure_ascii=False).encode())
        if pack and size + weight > FRAME_LIMIT:
            yield pack
            pack, size = {}, 0
        pack.setdefault(kind, []).append(part)
        size += weight
    yield pack


# ── chunks ──────────────────────────────────────────────────────────────────────────────────────


def _chunks(run: Run, events: Sequence[RunEvent], limit: int) -> Iterator[dict[str, Any]]:
    ranges: dict[tuple[str, str, int], list[int]] = {}
    for event in events:
        if event.kind == "ChunksStored":
            stored = json.loads(event.payload)
            key = (stored["path"], stored["port"], stored["attempt"])
            bounds = ranges.setdefault(key, [stored["first"], stored["last"]])
            bounds[1] = max(bounds[1], stored["last"])
    spent = 0
    for (path, port, attempt), (first, last) in ranges.items():
        batches = run.chunks.filter(
            path=path, port=port, attempt=attempt, first__gte=first, last__lte=last
        ).order_by("first")
        wanted = list(batches)[-1:] if replaces(run, path, port) else batches
        for part in _in_parts(wanted):
            spent += part["weight"]
            yield part if spent <= limit else _left_out(part)


def _in_parts(batches: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    """Cut batches so that no part is larger than a frame."""
    for batch in batches:
        make: Make = partial(dict, path=batch.path, port=batch.port, attempt=batch.attempt)
        items: list[str] = []
        first, weight = batch.first, 0
        for value in values_in(batch):
            text = said(value)
            size = len(text.encode())
            if items and weight + size > FRAME_LIMIT:
                yield make(first=first, count=len(items), items=items, weight=weight)
                first, items, weight = first + len(items), [], 0
            items.append(text)
            weight += size
        if weight > FRAME_LIMIT:
            yield _left_out(make(first=first, count=len(items), items=items, weight=weight))
        else:
            yield make(first=first, count=len(items), items=items, weight=weight)


def _left_out(part: dict[str, Any]) -> dict[str, Any]:
    """Say that chunks were left out, and how much they were; never leave out silently."""
    return {**part, "items": [], "skipped": part["weight"]}


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def _line(event: RunEvent) -> dict[str, Any]:
    logged = json.loads(event.payload)
    return {
        "path": event.path,
        "seq": event.seq,
        "at": f"{event.at:%H:%M:%S}",
        "level": logged.get("level", "INFO"),
        "message": logged.get("message", ""),
    }


def _in_words(run: Run, rows: dict[str, Row]) -> str:
    """Say where the run stands in one sentence, for those who hear the page."""
    failed = [
        row.title
        for row in rows.values()
        if row.status == "failed" and not row.is_group and not row.is_handled
    ]
    words = f"{run.done} of {run.total} done"
    if failed:
        words += f", {len(failed)} failed: {failed[0]}"
    if not run.is_over:
        return words
    handled = said_errors(run.handled) if run.status == "completed" else ""
    return ", ".join(each for each in (words, f"run {run.status}", handled) if each)
