"""What a watching page has missed, as frames: JSON texts with rendered fragments and chunks."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

from workflows.chunk_parts import bytes_in, chunk_parts, portion
from workflows.happened import Happened, events_between
from workflows.models import Run
from workflows.outline import outline_for
from workflows.packing import Frame, News, frame_of, in_frames
from workflows.reading import rows_of
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
# With more rows changed than this, a page draws what it shows of the tree or graph again.
ROW_LIMIT = 300
# Who missed no more than this is given all of it, in portions.
CATCH_UP_LIMIT = 4 * 1024 * 1024


class Drawn(Protocol):
    """What some events changed, read once and drawn for each view."""

    def frames(self, view: str, after: int, upto: int) -> Iterator[Frame]:
        """Pack all of it for one view."""


class Draw(Protocol):
    """How what happened is drawn: for the team, or for guests."""

    def __call__(self, run: Run, events: Sequence[Happened], views: Collection[str]) -> Drawn:
        """Read what some events changed that these views show."""


def news_since(
    run_id: str,
    after: int,
    *,
    views: Iterable[str] = VIEWS,
    known_status: str = "",
    draw: Draw | None = None,
) -> News:
    """Read what happened to a run after a number, and draw it for each view: for the team, or so."""
    run = _run(run_id)
    events = events_between(run, after, run.seq, EVENT_LIMIT)
    if after > run.seq or len(events) > EVENT_LIMIT:
        return _load_again(run, views)
    if not events and run.status == known_status:
        return News(upto=run.seq, status=run.status)
    return _news((draw or _Drawn), run, events, views=list(views), span=(after, run.seq))


def missed_by(run_id: str, after: int, upto: int, view: str, *, draw: Draw | None = None) -> News:
    """Read what a page missed between two numbers; the first portion of it where it is much."""
    run = _run(run_id)
    end = min(upto, run.seq)
    events = events_between(run, after, end, EVENT_LIMIT)
    if after > run.seq or len(events) > EVENT_LIMIT:
        return _load_again(run, [view])
    if sum(map(bytes_in, events)) <= CATCH_UP_LIMIT:
        first = portion(events)
        if len(first) < len(events):
            events, end = first, first[-1].seq
    return _news((draw or _Drawn), run, events, views=[view], span=(after, end))


def _run(run_id: str) -> Run:
    """Read a run without what may be large: no frame tells of it."""
    runs = Run.objects.select_related("version__workflow").defer("inputs", "outputs")
    return as_shown(runs.get(pk=run_id))


def _load_again(run: Run, views: Iterable[str]) -> News:
    again = frame_of({"reload": True}, run.seq)
    return News(upto=run.seq, status=run.status, frames={view: [again] for view in views})


def _news(
    draw: Draw,
    run: Run,
    events: Sequence[Happened],
    *,
    views: Collection[str],
    span: tuple[int, int],
) -> News:
    after, end = span
    if not views:
        return News(upto=end, status=run.status)
    drawn = draw(run, events, views)
    frames = {view: list(drawn.frames(view, after, end)) for view in views}
    first_at = events[0].at if events else None
    return News(upto=end, status=run.status, frames=frames, first_at=first_at)


class _Drawn:
    """What some events changed, as the team sees it."""

    def __init__(self, run: Run, events: Sequence[Happened], views: Collection[str]) -> None:
        self.run = run
        paths = {event.path for event in events if event.path}
        self.changed = with_ancestors(outline_for(run), paths)
        self.rows = rows_of(run, self.changed) if self.changed else rows_of(run, ())
        self.items = [] if WITH_ITEMS.isdisjoint(views) else changed_items(run, paths)
        self.head = head_fragments(run, self.rows)
        self.chunks = list(chunk_parts(run, events))
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
        about = {"status": self.run.status, "words": self.words}
        yield from in_frames(parts, about, after, upto, ended=ended)

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
