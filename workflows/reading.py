"""What pages read of a run: its rows, merged with the outline of its definition."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Case, Count, F, Max, Q, QuerySet, Sum, When

from workflows.models import Chunk, Run, RunEvent, TaskRun
from workflows.outline import Outline, Place, outline_of
from workflows.ports import output_port
from workflows.rows import ENDED_WELL, Row, Streamed, counted, status_of_group

ITEMS = 50
TAIL = 60
BATCHES_OF_A_TAIL = 12
_OPEN = frozenset({"pending", "queued", "running", "streaming"})


def rows_of(run: Run, streams_of_paths: Collection[str] | None = None) -> dict[str, Row]:
    """Give a row for every task of the definition, started or not, in the definition's order.

    With `streams_of_paths`, only these rows say what they stream.
    """
    outline = outline_of(run.version.definition)
    kept = {each.path: each for each in run.task_runs.filter(path__in=list(outline.places))}
    streams = read_streams(run, streams_of_paths)
    rows: dict[str, Row] = {}
    for place in reversed(list(outline.places.values())):
        row = _row(place, kept.get(place.path), streams.get(place.path, {}))
        if place.kind == "map":
            row = _with_items(row, place, run)
        elif place.kind == "compound":
            row = _with_inside(row, place, rows)
        rows[place.path] = row
    problems = _culprits(run, [row for row in rows.values() if row.status == "upstream-failed"])
    return {path: problems.get(path, rows[path]) for path in outline.places}


def item_rows(run: Run, map_path: str, paths: Collection[str]) -> list[Row]:
    """Give the rows of these of a map's items."""
    place = outline_of(run.version.definition).places.get(map_path)
    if place is None or place.body is None:
        return []
    return _item_rows(_items(run, place).filter(path__in=paths), place)


def item_page(run: Run, map_path: str, page: int) -> tuple[list[Row], int]:
    """Give one page of a map's items, failed ones first, and how many there are in all."""
    place = outline_of(run.version.definition).places[map_path]
    failed_first = Case(When(status="failed", then=0), default=1)
    items = _items(run, place).order_by(failed_first, "id")
    start = (page - 1) * ITEMS
    return _item_rows(items[start : start + ITEMS], place), items.count()


def _items(run: Run, place: Place) -> QuerySet[TaskRun]:
    """Find the plain tasks inside a map's items; by range, so that an index serves it."""
    leaves = Q()
    for leaf in leaves_of(place):
        leaves |= Q(path__endswith=f"]/{leaf}")
    inside = run.task_runs.filter(path__gte=f"{place.path}[", path__lt=f"{place.path}\\")
    return inside.filter(leaves) if leaves else inside.none()


def _item_rows(kept: Iterable[TaskRun], place: Place) -> list[Row]:
    leaves = _leaves(place)
    return [
        _item_row(each, leaf, place.depth + 1, alone=len(leaves) == 1)
        for each in kept
        if (leaf := leaves.get(each.path.partition("]/")[2]))
    ]


def leaves_of(place: Place) -> frozenset[str]:
    """Name the plain tasks inside a map's item, relative to the item."""
    return frozenset(_leaves(place))


def _leaves(place: Place) -> dict[str, Place]:
    inside = place.body.walk() if place.body else ()
    return {
        each.path.removeprefix(f"{place.path}[]/"): each for each in inside if each.kind == "task"
    }


def _item_row(kept: TaskRun, leaf: Place, depth: int, *, alone: bool) -> Row:
    index = kept.path.rpartition("[")[2].partition("]")[0]
    title = f"{index}" if alone else f"{index} · {leaf.title}"
    return replace(_row(leaf, kept, {}), path=kept.path, title=title, depth=depth)


def _row(place: Place, kept: TaskRun | None, streams: Mapping[str, Streamed]) -> Row:
    row = Row(
        path=place.path, title=place.title, kind=place.kind, depth=place.depth, number=place.number
    )
    if kept is None:
        return replace(row, streams=streams)
    return replace(
        row,
        status=kept.status,
        attempt=kept.attempt,
        started_at=kept.started_at,
        ended_at=kept.ended_at,
        fraction=kept.fraction or None,
        message=kept.message,
        problem=message_of(kept.error),
        width=kept.width,
        streams=streams,
    )


def _with_inside(row: Row, place: Place, rows: Mapping[str, Row]) -> Row:
    inside = [rows[each.path] for each in place.body.places] if place.body else []
    statuses: dict[str, int] = {}
    for each in inside:
        statuses[each.status] = statuses.get(each.status, 0) + 1
    status = row.status if row.status not in _OPEN else _status_inside(statuses, len(inside))
    return replace(
        row,
        status=status,
        done=sum(each.done if each.is_group else each.status in ENDED_WELL for each in inside),
        total=sum(each.total if each.is_group else 1 for each in inside),
        started_at=row.started_at or min(_times(each.started_at for each in inside), default=None),
    )


def _status_inside(statuses: Mapping[str, int], total: int) -> str:
    begun = {status: number for status, number in statuses.items() if status != "pending"}
    return status_of_group(begun, total=total)


def _times(times: Iterable[Any]) -> list[Any]:
    return [time for time in times if time is not None]


def _with_items(row: Row, place: Place, run: Run) -> Row:
    tally = _items(run, place).order_by().values_list("status").annotate(Count("id"))
    counts: dict[str, int] = dict(tally)
    leaves = len(leaves_of(place))
    total = row.width * leaves if row.width is not None else leaves
    done = sum(number for status, number in counts.items() if status in ENDED_WELL)
    status = row.status if row.status not in _OPEN else status_of_group(counts, total=total)
    if status == "pending":
        status = row.status
    return replace(row, status=status, counts=counted(counts), done=done, total=total)


def _culprits(run: Run, rows: list[Row]) -> dict[str, Row]:
    """Say for rows that could not begin which task is to blame."""
    if not rows:
        return {}
    events = run.events.filter(kind="TaskUpstreamFailed", path__in=[row.path for row in rows])
    blamed = {each.path: json.loads(each.payload).get("culprit", "") for each in events}
    return {
        row.path: replace(row, problem=f"needs {blamed[row.path]}, which failed")
        for row in rows
        if blamed.get(row.path)
    }


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


def read_streams(run: Run, paths: Collection[str] | None = None) -> dict[str, dict[str, Streamed]]:
    """Say for each port how much it streamed, and its last words."""
    if paths is None:
        paths = outline_of(run.version.definition).places
    wanted = run.chunks.filter(superseded=False, path__in=list(paths))
    totals = list(
        wanted.values("path", "port")
        .annotate(
            chunks=Sum(F("last") - F("first") + 1),
            bytes=Sum("size"),
            newest=Max("id"),
        )
        .order_by("newest")
    )
    newest = Chunk.objects.in_bulk([each["newest"] for each in totals])
    streams: dict[str, dict[str, Streamed]] = {}
    for each in totals:
        streams.setdefault(each["path"], {})[each["port"]] = Streamed(
            chunks=each["chunks"], size=each["bytes"], tail=_tail(run, newest[each["newest"]])
        )
    return streams


def _tail(run: Run, chunk: Chunk) -> str:
    """Give a port's last words: the end of its text, or its last item."""
    if replaces(run, chunk.path, chunk.port) or not is_text(run, chunk.path, chunk.port):
        text = said(values_in(chunk)[-1])
    else:
        text = _last_text(chunk)
    words = " ".join(text.split())
    return words if len(words) <= TAIL else f"…{words[-TAIL:]}"


def _last_text(chunk: Chunk) -> str:
    text = _text_of(chunk)
    if len(text) >= TAIL or not chunk.first:
        return text
    before = Chunk.objects.filter(
        run=chunk.run_id, path=chunk.path, port=chunk.port, attempt=chunk.attempt
    )
    earlier = before.filter(first__lt=chunk.first).order_by("-first")[:BATCHES_OF_A_TAIL]
    return "".join(_text_of(each) for each in reversed(earlier)) + text


def _text_of(chunk: Chunk) -> str:
    return "".join(said(value) for value in values_in(chunk))


def values_in(chunk: Chunk) -> list[Any]:
    """Give a stored batch as the values that were pushed."""
    return list(json.loads(chunk.items))


def said(value: Any) -> str:
    """Write a chunk for reading: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_text(run: Run, path: str, port: str) -> bool:
    """Whether a port's chunks add up to one text (and not to a list of items)."""
    place = outline_of(run.version.definition).place_of(path)
    declared = output_port(place, port) if place else None
    return declared is None or declared.type is str


def replaces(run: Run, path: str, port: str) -> bool:
    """Whether each chunk of a port takes the place of the one before."""
    place = outline_of(run.version.definition).place_of(path)
    declared = output_port(place, port) if place else None
    return bool(declared and declared.mode == "replace")


# ── the run as a whole ──────────────────────────────────────────────────────────────────────────


def message_of(error: str) -> str:
    """Give the sentence of a stored error; empty when there is none."""
    if not error:
        return ""
    try:
        document = json.loads(error)
    except ValueError:
        return error
    if not isinstance(document, dict):
        return error
    return str(document.get("message") or document.get("type") or "failed without a message")


def first_problem(rows: Mapping[str, Row], outline: Outline) -> Row | None:
    """Find the task to look at first: failed, interrupted or awaiting; None when all is well."""
    for status in ("failed", "interrupted", "awaiting"):
        for path in outline.places:
            row = rows[path]
            if row.status == status and row.kind != "compound":
                return row
    return None


def last_event(run: Run) -> RunEvent | None:
    """Give the newest event; None before the first."""
    return run.events.order_by("-seq").first()
