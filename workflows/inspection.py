"""All that the inspector says about one task of a run: its head, and the tab that is open."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflows.attempts import attempts_of, opened
from workflows.blame import culprit_of, error_of, way_of
from workflows.given import given_to
from workflows.inside import item_rows, with_items
from workflows.inspector_tabs import Tab, Wanted, tab_of, tabs_of
from workflows.job_pages import said_of_job
from workflows.kept_outputs import outputs_of
from workflows.models import Run
from workflows.outline import Outline, Place, outline_for
from workflows.reading import rows_of
from workflows.rows import Row
from workflows.shown_values import Value
from workflows.standing import sentence_of
from workflows.streamed import streams_of
from workflows.task_events import lines_in, logged, told_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One task of a run, opened up; `panel` is what the template of the open tab shows.

    `follows` if nobody asked for the tab: then another one opens where the task stands elsewhere.
    """

    row: Row
    place: Place
    sentence: str
    culprit: str
    crumbs: tuple[tuple[str, str], ...]
    tabs: tuple[Tab, ...]
    tab: str
    follows: bool
    panel: Mapping[str, Any]


def inspect(run: Run, path: str, wanted: Wanted | None = None) -> Inspection | None:
    """Open one task; None when the run has no such task."""
    outline, wanted = outline_for(run), wanted or Wanted()
    place = outline.place_of(path)
    row = _row_of(run, outline, path) if place else None
    if place is None or row is None:
        return None
    culprit = culprit_of(run, path) if row.status == "upstream-failed" else ""
    lines = logged(run, path).count()
    tabs = tabs_of(row, lines=lines)
    tab = wanted.tab if wanted.tab in {each.name for each in tabs} else tab_of(row)
    return Inspection(
        row=row,
        place=place,
        sentence=" ".join(filter(None, (sentence_of(row, culprit), said_of_job(run, row)))),
        culprit=culprit,
        crumbs=tuple(_crumbs(outline, path)),
        tabs=tabs,
        tab=tab,
        follows=tab != wanted.tab,
        panel=_PANELS[tab](run, place, row, wanted) | {"lines_in_all": lines},
    )


def _row_of(run: Run, outline: Outline, path: str) -> Row | None:
    """Find the task's row, in the definition or inside of a closed place."""
    around = outline.closed_around(path)
    if not around:
        return rows_of(run, [path]).get(path)
    place = outline.place_of(path)
    for row in item_rows(run, around[-1], [path]):
        return with_items(row, place, run) if place and place.is_closed else row
    return None


def _crumbs(outline: Outline, path: str) -> Iterator[tuple[str, str]]:
    parts = path.split("/")
    for number in range(1, len(parts)):
        above = "/".join(parts[:number])
        item = above.rfind("[") if above.endswith("]") else len(above)
        place = outline.place_of(above[:item])
        yield (above[:item], place.title if place else above)


# ── what each tab shows ─────────────────────────────────────────────────────────────────────────


def _input(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    inputs = [
        replace(each, value=_as_wanted(each.value, wanted)) if each.value else each
        for each in given_to(run, place, row.path)
    ]
    return {"inputs": inputs}


def _output(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    return {"outputs": [_as_wanted(each, wanted) for each in outputs_of(run, row.path)]}


def _as_wanted(value: Value, wanted: Wanted) -> Value:
    return replace(value, wanted=wanted.mode) if value.port == wanted.port else value


def _stream(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    return {"streams": list(streams_of(run, row.path))}


def _log(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    return {"lines": lines_in(run, row.path)}


def _error(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    return {"error": error_of(run, row.path), "way": way_of(run, row.path)}


def _events(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    told, others = told_of(run, row.path, is_whole=wanted.is_whole)
    return {"events": told, "others": others, "is_whole": wanted.is_whole}


def _attempts(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    attempts = attempts_of(run, row.path)
    return {"attempts": attempts, "attempt": opened(run, row.path, attempts, wanted.attempt)}


def _items(run: Run, place: Place, row: Row, wanted: Wanted) -> dict[str, Any]:
    return {}  # they come in pages, which the view reads


_PANELS: Mapping[str, Callable[[Run, Place, Row, Wanted], dict[str, Any]]] = {
    "items": _items,
    "input": _input,
    "output": _output,
    "stream": _stream,
    "log": _log,
    "error": _error,
    "events": _events,
    "attempts": _attempts,
}
