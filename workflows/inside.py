"""What is inside of maps, loops and workflows: rows of their tasks, page by page, and counts."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, When

from workflows.models import Run, TaskRun
from workflows.models.kept import HANDLED
from workflows.outline import BRANCH, Place, outline_for
from workflows.rows import SETTLED, Row, Streamed, counted, shape_of, status_of_group

ITEMS = 50
OPEN = frozenset({"pending", "queued", "running", "streaming"})


def item_rows(run: Run, outer: str, paths: Collection[str]) -> list[Row]:
    """Give the rows of these of the tasks inside of a map, a loop or a workflow."""
    place = outline_for(run).place_of(outer)
    if place is None or not place.is_closed:
        return []
    return _item_rows(_items(run, outer, place).filter(path__in=paths), outer, place)


def item_page(run: Run, outer: str, page: int) -> tuple[list[Row], int]:
    """Give one page of the tasks inside, failed ones first, and how many there are in all."""
    place = outline_for(run).place_of(outer)
    if place is None or not place.is_closed:
        return [], 0
    failed_first = Case(When(status="failed", then=0), default=1)
    items = _items(run, outer, place).order_by(failed_first, "id")
    start = (page - 1) * ITEMS
    return _item_rows(items[start : start + ITEMS], outer, place), items.count()


def with_items(row: Row, place: Place, run: Run) -> Row:
    """Count what is inside of a closed place, and say where it stands."""
    by_status = _items(run, row.path, place).order_by().values_list("status")
    well = Count("id", filter=Q(status="failed", reason=HANDLED))
    tally = list(by_status.annotate(number=Count("id"), well=well))
    counts = {status: number - dealt_with for status, number, dealt_with in tally}
    handled = sum(dealt_with for _, _, dealt_with in tally)
    leaves = len(leaves_of(place))
    items = 1 if place.kind == "workflow" or row.width is None else row.width
    total = max(items * leaves, sum(counts.values()) + handled)
    done = sum(number for status, number in counts.items() if status in SETTLED)
    status = row.status if row.status not in OPEN else status_of_group(counts, total=total)
    if status == "pending":
        status = row.status
    return replace(row, status=status, counts=counted(counts), done=done, total=total)


def _items(run: Run, outer: str, place: Place) -> QuerySet[TaskRun]:
    """Find the tasks inside of a closed place; by range, so that an index serves it.

    What is inside of a closed one among them is not asked for; that one stands for it.
    """
    if place.kind == "workflow":
        return run.task_runs.filter(path__in=[f"{outer}/{name}" for name in _leaves(place)])
    leaves, deeper = Q(), Q()
    for name, leaf in _leaves(place).items():
        leaves |= Q(path__endswith=f"]/{name}")
        if leaf.is_closed:
            deeper |= Q(path__contains=f"]/{name}[") | Q(path__contains=f"]/{name}/")
    inside = run.task_runs.filter(path__gte=f"{outer}[", path__lt=f"{outer}\\")
    found = inside.filter(leaves) if leaves else inside.none()
    return found.exclude(deeper) if deeper else found


def _item_rows(kept: Iterable[TaskRun], outer: str, place: Place) -> list[Row]:
    leaves = _leaves(place)
    rows = []
    for each in kept:
        index, name = _within(each.path, outer, place)
        if leaf := leaves.get(name):
            title = f"{index} · {leaf.title}" if index and len(leaves) > 1 else index or leaf.title
            row = row_of(leaf, each, {})
            rows.append(replace(row, path=each.path, title=title, depth=place.depth + 1))
    return rows


def _within(path: str, outer: str, place: Place) -> tuple[str, str]:
    """Cut a path inside of a closed place into the item's number and the rest."""
    rest = path[len(outer) + 1 :]
    if place.kind != "map":
        return "", rest
    index, _, name = rest.partition("]/")
    return index, name


def leaves_of(place: Place) -> frozenset[str]:
    """Name the tasks inside of a closed place's item, relative to the item."""
    return frozenset(_leaves(place))


def _leaves(place: Place) -> dict[str, Place]:
    inside = place.body.walk() if place.body else ()
    return {
        each.path.removeprefix(place.inside): each for each in inside if each.kind != "compound"
    }


# ── one row ─────────────────────────────────────────────────────────────────────────────────────


def row_of(place: Place, kept: TaskRun | None, streams: Mapping[str, Streamed]) -> Row:
    """Give the row of a place, from what is kept of its task, if it has begun."""
    if kept is None:
        return Row(
            path=place.path,
            title=place.title,
            kind=place.kind,
            depth=place.depth,
            number=place.number,
            streams=streams,
        )
    decision = json.loads(kept.decision) if kept.decision else None
    return Row(
        path=place.path,
        title=place.title,
        kind=place.kind,
        depth=place.depth,
        number=place.number,
        status=kept.status,
        attempt=kept.attempt,
        started_at=kept.started_at,
        first_chunk_at=kept.first_chunk_at,
        ended_at=kept.ended_at,
        fraction=kept.fraction or None,
        message=kept.message,
        problem=message_of(kept.error),
        reason=kept.reason,
        until=kept.until,
        stuck=kept.stuck,
        width=kept.width,
        shape=shape_of(place, kept.width, decision),
        taken=_taken(place, decision),
        streams=streams,
    )


def _taken(place: Place, decision: Any) -> frozenset[str] | None:
    """Name the outputs that a branch took; None for any other task, or one that has not decided."""
    if place.type != BRANCH or not isinstance(decision, list):
        return None
    return frozenset(str(each) for each in decision)


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
