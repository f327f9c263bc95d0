"""What a watching page has missed, as frames: JSON texts with rendered fragments and chunks."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Case, QuerySet, TextField, Value, When
from django.utils import timezone

from workflows.models import Chunk, Run
from workflows.outline import outline_for
from workflows.reading import replaces, rows_of, said, values_in
from workflows.rows import Row
from workflows.run_graph import graph_fragments
from workflows.run_log import plain
from workflows.showing import (
    changed_items,
    head_fragments,
    head_of_task,
    tree_fragments,
    with_ancestors,
)
from workflows.stalls import as_shown
from workflows.wording import said_errors

# "items" is the tree with the items of its maps, which most pages do not show.
VIEWS = ("tree", "items", "graph", "timeline", "log", "task")
WITH_ITEMS = frozenset({"items", "task"})
EVENT_LIMIT = 5000
# The kinds of events whose content a page is told; that of others may be as large as a result.
TOLD = ("ChunksStored", "TaskLogged")
# With more rows changed than this, a page draws what it shows of the tree or graph again.
ROW_LIMIT = 300
FRAME_LIMIT = 48 * 1024
# Of more than this at a time, the newest is sent and the rest named with its size.
CHUNK_LIMIT = 512 * 1024
# Who missed no more than this is given all of it, in portions of CHUNK_LIMIT.
CATCH_UP_LIMIT = 4 * 1024 * 1024
type Make = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message to a page; who has it knows the run up to a number."""

    text: str
    size: int  # bytes
    upto: int
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened after a number: the frames to send, for each view, up to another number."""

    upto: int
    status: str
    frames: dict[str, list[Frame]] = field(default_factory=dict)


def frame_of(content: dict[str, Any], upto: int, *, ended: bool = False) -> Frame:
    """Write a frame as JSON."""
    text = json.dumps(content, ensure_ascii=False)
    return Frame(text=text, size=len(text.encode()), upto=upto, ended=ended)


def news_since(
    run_id: str, after: int, *, views: Iterable[str] = VIEWS, known_status: str = ""
) -> News:
    """Read what happened to a run after a number, and draw it for each view."""
    run = _run(run_id)
    events = _events(run, after, run.seq)
    if after > run.seq or len(events) > EVENT_LIMIT:
        return _load_again(run, views)
    if not events and run.status == known_status:
        return News(upto=run.seq, status=run.status)
    return _news(run, events, views, after, run.seq)


def missed_by(run_id: str, after: int, upto: int, view: str) -> News:
    """Read what a page missed between two numbers; the first portion of it where it is much."""
    run = _run(run_id)
    end = min(upto, run.seq)
    events = _events(run, after, end)
    if after > run.seq or len(events) > EVENT_LIMIT:
        return _load_again(run, [view])
    if sum(map(_bytes_in, events)) <= CATCH_UP_LIMIT:
        portion = _portion(events)
        if len(portion) < len(events):
            events, end = portion, portion[-1].seq
    return _news(run, events, [view], after, end)


class Happened(NamedTuple):
    """What a page needs of one event; `payload` is empty unless chunks or a line are in it."""

    seq: int
    at: datetime
    kind: str
    path: str
    payload: str


def _run(run_id: str) -> Run:
    """Read a run without what may be large: no frame tells of it."""
    runs = Run.objects.select_related("version__workflow").defer("inputs", "outputs")
    return as_shown(runs.get(pk=run_id))


def _events(run: Run, after: int, upto: int) -> list[Happened]:
    """Give the events between two numbers, and at most one more than the limit."""
    between = run.events.filter(seq__gt=after, seq__lte=upto).order_by("seq")
    told = Case(When(kind__in=TOLD, then="payload"), default=Value(""), output_field=TextField())
    found = between.annotate(told=told).values_list("seq", "at", "kind", "path", "told")
    return [Happened(*each) for each in found[: EVENT_LIMIT + 1]]


def _portion(events: Sequence[Happened]) -> list[Happened]:
    """Give the first events, as many as stand for CHUNK_LIMIT of chunks; at least one."""
    sums = accumulate(map(_bytes_in, events))
    return [
        event
        for number, (event, size) in enumerate(zip(events, sums, strict=True))
        if not number or size <= CHUNK_LIMIT
    ]


def _bytes_in(event: Happened) -> int:
    return int(json.loads(event.payload)["bytes"]) if event.kind == "ChunksStored" else 0


def _load_again(run: Run, views: Iterable[str]) -> News:
    again = frame_of({"reload": True}, run.seq)
    return News(upto=run.seq, status=run.status, frames={view: [again] for view in views})


def _news(run: Run, events: Sequence[Happened], views: Iterable[str], after: int, end: int) -> News:
    views = list(views)
    if not views:
        return News(upto=end, status=run.status)
    drawn = _Drawn(run, events, items=not WITH_ITEMS.isdisjoint(views))
    frames = {view: list(drawn.frames(view, after, end)) for view in views}
    return News(upto=end, status=run.status, frames=frames)


class _Drawn:
    """What some events changed, read once and drawn for each view."""

    def __init__(self, run: Run, events: Sequence[Happened], *, items: bool) -> None:
        self.run = run
        paths = {event.path for event in events if event.path}
        self.changed = with_ancestors(outline_for(run), paths)
        self.rows = rows_of(run, self.changed) if self.changed else rows_of(run, ())
        self.items = changed_items(run, paths) if items else []
        self.head = head_fragments(run, self.rows)
        self.chunks = list(_chunks(run, events))
        self.lines = [_line(event) for event in events if event.kind == "TaskLogged"]
        self.words = _in_words(run, self.rows)

    def frames(self, view: str, after: int, upto: int) -> Iterator[Frame]:
        """Pack all of it: states first, text later; only the last frame moves the cursor."""
        ended = self.run.is_over and upto == self.run.seq
        parts: list[tuple[str, Any]] = [
            ("fragments", each) for each in [*self.head, *self._fragments(view)]
        ]
        parts += [("chunks", each) for each in self.chunks]
        parts += [("lines", each) for each in self.lines]
        parts += [("again", True)] if self._is_much(view) else []
        packs = list(_packed(parts))
        for number, pack in enumerate(packs):
            is_last = number == len(packs) - 1
            known, is_end = (upto, ended) if is_last else (after, False)
            content = {
                "after": after,
                "upto": known,
                "status": self.run.status,
                "ended": is_end,
                "now": timezone.now().isoformat(),
                "words": self.words,
            }
            yield frame_of(content | pack, known, ended=is_end)

    def _is_much(self, view: str) -> bool:
        if view == "timeline":
            return bool(self.changed)
        return view in {"tree", "items", "graph"} and len(self.changed) > ROW_LIMIT

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


def _chunks(run: Run, events: Sequence[Happened]) -> Iterator[dict[str, Any]]:
    room = CHUNK_LIMIT
    for (path, port, attempt), (first, last) in _ranges(events).items():
        stored = run.chunks.filter(path=path, port=port, attempt=attempt)
        batches = stored.filter(first__gte=first, last__lte=last)
        if replaces(run, path, port):
            yield from _in_parts(batches.order_by("-first")[:1])
            continue
        left_out, size = _oldest(batches, room)
        if left_out:
            begin, end = left_out[0][0], left_out[-1][1]
            make: Make = partial(dict, path=path, port=port, attempt=attempt)
            weight = sum(size for _, _, size in left_out)
            yield _left_out(make(first=begin, count=end - begin + 1, weight=weight))
            batches = batches.filter(first__gt=end)
        room -= size
        yield from _in_parts(batches.order_by("first").iterator(chunk_size=100))


def _ranges(events: Sequence[Happened]) -> dict[tuple[str, str, int], tuple[int, int]]:
    """Give the first and the last number of what was stored, by path, port and attempt."""
    ranges: dict[tuple[str, str, int], tuple[int, int]] = {}
    for event in events:
        if event.kind == "ChunksStored":
            stored = json.loads(event.payload)
            key = (stored["path"], stored["port"], stored["attempt"])
            first, last = ranges.get(key, (stored["first"], stored["last"]))
            ranges[key] = (first, max(last, stored["last"]))
    return ranges


def _oldest(batches: QuerySet[Chunk], room: int) -> tuple[list[tuple[int, int, int]], int]:
    """Give the batches (first, last, size) for which there is no room, and how much is taken.

    The newest have the room; none is read for this, since all of them may be hundreds of MB.
    """
    sizes = list(batches.order_by("first").values_list("first", "last", "size"))
    taken = 0
    for number in range(len(sizes) - 1, -1, -1):
        if taken + sizes[number][2] > room:
            return sizes[: number + 1], taken
        taken += sizes[number][2]
    return [], taken


def _in_parts(batches: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    """Cut batches so that no part is larger than a frame."""
    for batch in batches:
        make: Make = partial(dict, path=batch.path, port=batch.port, attempt=batch.attempt)
        items: list[str] = []
        first, weight = batch.first, 0
        if batch.size > CHUNK_LIMIT:
            # It may be a file, which nobody reads only to leave it out.
            count = batch.last - batch.first + 1
            yield _left_out(make(first=first, count=count, items=[], weight=batch.size))
            continue
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


def _line(event: Happened) -> dict[str, Any]:
    logged = json.loads(event.payload)
    return {
        "path": event.path,
        "seq": event.seq,
        "at": f"{event.at:%H:%M:%S}",
        "level": logged.get("level", "INFO"),
        "message": plain(str(logged.get("message", ""))),
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
