"""A run as boxes over curves: HTML for the boxes, one SVG for the dataflows (pure).

The same functions draw a box on the page and in a live frame. What a frame brings says nothing
of positions, so that it fits every page, whatever compounds are open there.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from html import escape

from workflows.arrangement import Curve, arrangement_of, visible
from workflows.carrying import first_chunk, look_of_dataflow
from workflows.folding import Folding
from workflows.outline import outline_of
from workflows.rows import ENDED_WELL, Row, look_of
from workflows.tree import OPEN_AT_MOST
from workflows.wires import Wire
from workflows.wording import said_span

TAIL = 24
UNDER = 21  # pixels from what is written over a line to what is written under it
#: What is inside of a closed compound is said in words when it stands like this.
TROUBLE = ("failed", "interrupted", "awaiting")

type Address = Callable[[str], str]


def drawing(
    definition: str, rows: Mapping[str, Row], folding: Folding, *, address: Address, now: datetime
) -> Iterator[str]:
    """Draw a run: frames, then dataflows, then boxes, then what opens and closes compounds."""
    arrangement = arrangement_of(definition, folding.closed)
    shown = [rows[place.path] for place in visible(outline_of(definition), folding.closed)]
    frames = {row.path for row in shown if _is_frame(row, folding)}
    _, _, width, height = arrangement.boxes[""]
    large = " large" if len(shown) > OPEN_AT_MOST else ""
    yield f'<div class="drawing{large}" role="group" aria-label="Tasks and dataflows">'
    for row in shown:
        if row.path in frames:
            yield frame(row, address=address)
    yield f'<svg width="{width}" height="{height}" aria-hidden="true">'
    for curve in arrangement.curves:
        yield dataflow(curve, rows)
    yield "</svg>"
    for row in shown:
        if row.path not in frames:
            yield box(row, address=address, now=now)
        if row.path in folding.compounds:
            yield turn(row.path, row.title, row.number, folding)
    yield "</div>"


def _is_frame(row: Row, folding: Folding) -> bool:
    return row.kind == "compound" and row.path not in folding.closed


def box(row: Row, *, address: Address, now: datetime) -> str:
    """Draw a task, a closed compound or a map, as a box."""
    stacked = " stacked" if row.is_group else ""
    stacked += " folded" if row.kind == "compound" else ""
    level = row.percent if row.percent is not None and row.status not in ENDED_WELL else None
    bar = "" if level is None else f'<progress max="100" value="{level}"></progress>'
    return (
        f'<a class="box at-{row.number}{stacked}" id="task-box-{escape(row.slug)}"'
        f' href="{escape(address(row.path))}" data-path="{escape(row.path)}"'
        f' data-status="{escape(row.status)}" aria-label="{escape(_spoken(row))}">'
        f"{icon(row.status)}<b>{escape(row.title)}</b>"
        f'<span class="time" data-leaf="time"{_clock(row)}>{_time(row, now)}</span>'
        f'<span class="said" data-leaf="said"><b>{escape(row.look.word)}</b> {_said(row)}</span>'
        f'<span class="level" data-leaf="level">{bar}</span></a>'
    )


def frame(row: Row, *, address: Address) -> str:
    """Draw an open compound as a frame around what is inside."""
    return (
        f'<div class="frame at-{row.number}" id="task-frame-{escape(row.slug)}"'
        f' data-path="{escape(row.path)}" data-status="{escape(row.status)}">'
        f'<a href="{escape(address(row.path))}" data-path="{escape(row.path)}">'
        f'{icon(row.status)}<span class="name">{escape(row.title)}</span>'
        f'<span class="said" data-leaf="said">{escape(_framed(row))}</span>'
        "</a></div>"
    )


def turn(path: str, title: str, number: int, folding: Folding) -> str:
    """Draw what opens or closes a compound: a link, beside its box because links hold no links."""
    is_open = path not in folding.closed
    return (
        f'<span class="turn at-{number}"><a class="caret" id="turn-{number}"'
        f' href="{escape(folding.turn(path).address)}" data-turn="{escape(path)}"'
        f' aria-expanded="{str(is_open).lower()}"'
        f' aria-label="{"Close" if is_open else "Open"} {escape(title)}"></a></span>'
    )


def icon(status: str) -> str:
    """Draw a status as its icon; the word stands beside it."""
    return (
        f'<svg class="icon" data-leaf="icon" aria-hidden="true">'
        f'<use href="#{look_of(status).icon}" /></svg>'
    )


def dataflow(curve: Curve, rows: Mapping[str, Row]) -> str:
    """Draw a dataflow as its state looks."""
    x, y = curve.label_at
    begin, words = _flow(curve.wire, rows)
    return (
        f'{begin}<path class="line" d="{curve.line}" /><path class="port" d="{curve.port}" />'
        f'<g transform="translate({x} {y})">{words}</g></g>'
    )


def dataflow_news(wire: Wire, rows: Mapping[str, Row]) -> str:
    """Draw what changes about a dataflow, for a page that has its curve."""
    begin, words = _flow(wire, rows)
    return f"{begin}{words}</g>"


def _flow(wire: Wire, rows: Mapping[str, Row]) -> tuple[str, str]:
    look, label = look_of_dataflow(wire, rows)
    came = escape(first_chunk(wire, rows))
    under = f'<tspan x="0" dy="{UNDER}">{came}</tspan>' if came else ""
    return (
        f'<g class="flow" id="dataflow-{escape(wire.slug)}" data-flow="{look}">',
        f'<text data-leaf="label">{escape(label)}{under}</text>',
    )


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def _spoken(row: Row) -> str:
    return ", ".join(each for each in (row.spoken, trouble_inside(row)) if each)


def trouble_inside(row: Row) -> str:
    """Say how many tasks inside of a compound are in trouble; empty for none, and for a task."""
    if row.kind != "compound":
        return ""
    counts = [count for count in row.counts if count.status in TROUBLE]
    return ", ".join(f"{count.number} {count.word}" for count in counts)


def _framed(row: Row) -> str:
    parts = (row.look.word, row.measure, row.shape, trouble_inside(row))
    return " · ".join(each for each in parts if each)


def _said(row: Row) -> str:
    if row.kind == "map":
        return escape(f"{row.measure} of {row.shape}") if row.shape else ""
    if row.kind == "compound":
        parts = (row.measure, row.shape, trouble_inside(row))
        return escape(" · ".join(each for each in parts if each))
    if row.kind == "workflow":
        return row.measure
    if row.shape:
        return escape(row.shape)
    words = row.words
    if row.status in ENDED_WELL and not row.problem:
        return row.measure
    if row.problem or row.why:
        return escape(words)
    return escape(words if len(words) <= TAIL else f"…{words[-TAIL:]}") or row.measure


def _clock(row: Row) -> str:
    if row.started_at is None or not row.is_moving:
        return ""
    return f' data-since="{row.started_at.isoformat()}"'


def _time(row: Row, now: datetime) -> str:
    return said_span(row.started_at, row.ended_at, now) if row.status != "pending" else ""
