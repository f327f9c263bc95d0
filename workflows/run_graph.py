"""What the graph of a run shows: the drawing as it is folded, its definition, its live parts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from workflows.arrangement import drawing_name, visible
from workflows.as_run import INSIDE, Differing
from workflows.blueprint import blueprint
from workflows.drawing import Address, box, dataflow_news, drawing, frame
from workflows.folding import DRAWN_AT_ONCE, Folding, drawn_boxes, folding_of
from workflows.models import Run
from workflows.outline import outline_of
from workflows.reading import differing_of
from workflows.rows import Row
from workflows.wires import wires_of

LEGEND = (
    ("waiting", "waiting"),
    ("streaming", "streaming: chunks and size so far"),
    ("final", "final value passed on"),
    ("failed", "its source failed"),
    ("skipped", "not taken"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Where a page's graph leads to: the address of a task by its path, and that of a stylesheet."""

    task: Address
    sheet: str


def ways_of(run: Run) -> Ways:
    """Give the addresses of a run's own page."""
    return Ways(
        task=partial(_address, run),
        sheet=reverse("run-drawing", args=[drawing_name(run.version.digest)]),
    )


def graph_page(run: Run, rows: Mapping[str, Row], query: QueryDict) -> dict[str, Any]:
    """Put together what the graph shows, as its address asks."""
    ways, folding = ways_of(run), folding_in(run, query)
    page = folded_page(run, folding, ways)
    beside = query.get("beside") == "definition"
    page["definition_turn"] = folding.beside("beside", "" if beside else "definition").address
    if beside:
        page |= differences_page(run)
    if page["boxes"] > DRAWN_AT_ONCE and "all" not in query:
        return page
    if "differing" in page:
        page["definition"] = _definition_of(run, page["differing"], folding)
    return page | {"drawing": drawing_of(run, rows, folding, ways)}


def plain_graph_page(
    run: Run, rows: Mapping[str, Row], query: QueryDict, ways: Ways
) -> dict[str, Any]:
    """Put together the graph alone, without what it was drawn as."""
    folding = folding_in(run, query)
    page = folded_page(run, folding, ways)
    if page["boxes"] > DRAWN_AT_ONCE and "all" not in query:
        return page
    return page | {"drawing": drawing_of(run, rows, folding, ways)}


def folding_in(run: Run, query: QueryDict) -> Folding:
    """Read from an address which compounds of a run's graph are open."""
    return folding_of(outline_of(run.version.definition), dict(query.lists()))


def folded_page(run: Run, folding: Folding, ways: Ways) -> dict[str, Any]:
    """Say what a page shows of a graph besides the drawing."""
    return {
        "boxes": drawn_boxes(outline_of(run.version.definition), folding),
        "folding": folding,
        "legend": LEGEND,
        "turns": {every: folding.all(every).address for every in ("open", "closed")},
        "sheet": f"{ways.sheet}?{folding.query}" if folding.query else ways.sheet,
        "draw_all": folding.beside("all", "yes").address,
    }


def differences_page(run: Run) -> dict[str, Any]:
    """Say how a run differs from its definition."""
    return {"run": run, "run_id": run.pk, "differing": differing_of(run)}


def drawing_of(run: Run, rows: Mapping[str, Row], folding: Folding, ways: Ways) -> SafeString:
    """Draw the run as boxes over curves."""
    now = timezone.now()
    parts = drawing(run.version.definition, rows, folding, address=ways.task, now=now)
    return mark_safe("".join(parts))  # noqa: S308 - every text in it went through its escape


def graph_fragments(
    run: Run, rows: Mapping[str, Row], changed: Collection[str], address: Address | None = None
) -> Iterator[str]:
    """Draw the boxes that changed, and the dataflows that leave or enter them.

    A compound is drawn both open and closed: each page takes what it shows. A box leads to the
    page of its task, unless another `address` is given.
    """
    now, to = timezone.now(), address or partial(_address, run)
    for row in [rows[path] for path in changed if path in rows]:
        if row.kind == "compound":
            yield frame(row, address=to)
        yield box(row, address=to, now=now)
    for wire in wires_of(run.version.definition):
        if wire.producer in changed or wire.target in changed:
            yield dataflow_news(wire, rows)


def _definition_of(run: Run, differing: list[Differing], folding: Folding) -> SafeString:
    """Draw what the run was started from, and in each box how the run differs there."""
    shown = {place.path for place in visible(outline_of(run.version.definition), folding.closed)}
    said: dict[str, str] = {}
    for each in differing:
        path, words = each.path, each.in_box
        while path not in shown and path:
            path, words = path.rpartition("/")[0], INSIDE
        said.setdefault(path, words)
    parts = blueprint(
        run.version.definition,
        address=lambda path: _address(run, path),
        said=said,
        closed=folding.closed,
    )
    return mark_safe("".join(parts))  # noqa: S308 - every text in it went through its escape


def _address(run: Run, path: str) -> str:
    return reverse("task-show", args=[run.pk, path])
