"""A run as boxes over curves: HTML for the boxes, one SVG for the dataflows (pure).

Positions come from a stylesheet of their own, because a strict content security policy allows
no style attribute; the same functions draw a box on the page and in a live frame.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from workflows.layout import arrange, port_places
from workflows.outline import Flow, Level, Outline, Place, outline_of, slug_of
from workflows.ports import reads_stream
from workflows.rows import ENDED_WELL, FAILED, Row, look_of, producer_of
from workflows.wording import said_size, said_span

REVISION = 3
#: With more boxes than this, a page asks first.
DRAWN_AT_ONCE = 2000
PATIENCE = 20
TAIL = 24
UNDER = 21  # pixels from what is written over a line to what is written under it
ERROR = "[error]"
PLAIN = 4  # so many points are one bend, to the next column: drawn as one curve
_HOME = Path(__file__).resolve().parent.parent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A dataflow with its curve: where it runs, and whose chunks it carries."""

    slug: str
    line: str
    port: str
    label_at: tuple[int, int]
    producer: str
    producer_port: str
    target: str
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A definition laid out: boxes by path, and its wires."""

    boxes: Mapping[str, tuple[int, int, int, int]]
    wires: tuple[Wire, ...]


# ── where things stand ──────────────────────────────────────────────────────────────────────────


def drawing_name(digest: str) -> str:
    """Name the stylesheet of a version's drawing; another layout needs another name."""
    return f"{digest}-{REVISION}"


def digest_of(name: str) -> str:
    """Give the version's digest back; empty for the name of another revision."""
    digest, _, revision = name.rpartition("-")
    return digest if revision == str(REVISION) else ""


@lru_cache(maxsize=64)
def arrangement_of(definition: str) -> Arrangement:
    """Lay a definition out, once per process."""
    outline = outline_of(definition)
    placed = arranged(_as_document(outline.level))
    boxes = {
        path: (int(x), int(y), int(width), int(height))
        for path, (x, y, width, height) in placed["boxes"].items()
    }
    bends = {tuple(wire): spots for wire, spots in placed["bends"]}
    return Arrangement(boxes=boxes, wires=tuple(_wires(outline, boxes, bends)))


def stylesheet(definition: str) -> str:
    """Give the positions of a definition's boxes as CSS."""
    boxes = arrangement_of(definition).boxes
    numbers = {path: place.number for path, place in outline_of(definition).places.items()}
    _, _, width, height = boxes[""]
    lines = [f".drawing{{width:{width}px;height:{height}px}}"]
    for path, (x, y, width, height) in boxes.items():
        if path:
            place = f"left:{x}px;top:{y}px;width:{width}px;height:{height}px"
            lines.append(f".at-{numbers[path]}{{{place}}}")
    return "\n".join(lines)


def _as_document(level: Level) -> dict[str, Any]:
    return {
        "boxes": [
            {"path": place.path, "level": _as_document(place.body)}
            if place.kind == "compound" and place.body
            else {"path": place.path}
            for place in level.places
        ],
        "wires": [list(_ends(flow)) for flow in level.flows if flow.source or level.path],
    }


def _ends(flow: Flow) -> tuple[str, str, str, str]:
    return flow.source, flow.source_port, flow.target, flow.target_port


def arranged(document: dict[str, Any]) -> dict[str, Any]:
    """Lay levels out in a process of their own; in this one when that fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workflows.layout"],
            input=json.dumps(document),
            capture_output=True,
            check=True,
            cwd=_HOME,
            text=True,
            timeout=PATIENCE,
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError) as trouble:
        log.warning("laid out in this process, because the other failed: %s", trouble)
        return arrange(document)


# ── curves ──────────────────────────────────────────────────────────────────────────────────────

type Box = tuple[int, int, int, int]
type Spot = tuple[float, float]


def _wires(
    outline: Outline, boxes: Mapping[str, Box], bends: Mapping[tuple[str, ...], list[list[float]]]
) -> Iterator[Wire]:
    groups: list[Place | None] = [None]
    groups += [place for place in outline.places.values() if place.kind == "compound"]
    for group in groups:
        level = outline.level if group is None else group.body
        if level is None:
            continue
        spots = _Spots(level, boxes, group.path if group else "")
        for flow in level.flows:
            if flow.source or group:
                yield _wire(outline, group, flow, spots, bends.get(_ends(flow)))


class _Spots:
    """Where the ports of one level are."""

    def __init__(self, level: Level, boxes: Mapping[str, Box], group: str) -> None:
        ends = [_ends(flow) for flow in level.flows]
        self.boxes = boxes
        self.group = group
        self.leaving = port_places(ends, leaving=True)
        self.entering = port_places(ends, leaving=False)

    def start(self, flow: Flow) -> Spot:
        """Where a dataflow leaves: a box's right side, or the frame's left border."""
        share = self.leaving[flow.source, flow.source_port]
        x, y, width, height = self.boxes[flow.source or self.group]
        return (x + width if flow.source else x), y + height * share

    def end(self, flow: Flow) -> Spot:
        """Where a dataflow arrives: a box's left side, or the frame's right border."""
        share = self.entering[flow.target, flow.target_port]
        x, y, width, height = self.boxes[flow.target or self.group]
        return (x if flow.target else x + width), y + height * share


def _wire(
    outline: Outline,
    group: Place | None,
    flow: Flow,
    spots: _Spots,
    bends: list[list[float]] | None,
) -> Wire:
    points: list[Spot] = (
        [(x, y) for x, y in bends] if bends else [spots.start(flow), spots.end(flow)]
    )
    producer, port = producer_of(outline, group, flow.source, flow.source_port)
    target = outline.places.get(flow.target)
    middle = _middle(points)
    inside = group.path if group else ""
    return Wire(
        slug=slug_of(
            f"{flow.source or inside}.{flow.source_port}..{flow.target or inside}.{flow.target_port}"
        ),
        line=_curve(points),
        port=_port_mark(points[-1], first_chunk=reads_stream(target, flow.target_port)),
        label_at=(round(middle[0]), round(middle[1]) - 6),
        producer=producer,
        producer_port=port,
        target=flow.target or inside,
        spoken=f"{flow.source or 'inputs'}.{flow.source_port} to "
        f"{flow.target or inside or 'outputs'}.{flow.target_port}",
    )


def _curve(points: list[Spot]) -> str:
    (x, y), (to_x, to_y) = points[0], points[-1]
    if len(points) <= PLAIN:
        pull = max(28.0, abs(to_x - x) / 2)
        return f"M{x:g} {y:g}C{x + pull:g} {y:g} {to_x - pull:g} {to_y:g} {to_x:g} {to_y:g}"
    return _rounded(points)


def _rounded(points: list[Spot], radius: float = 10) -> str:
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _towards(start: Spot, goal: Spot, step: float) -> Spot:
    length = ((goal[0] - start[0]) ** 2 + (goal[1] - start[1]) ** 2) ** 0.5
    share = min(0.5, step / length) if length else 0
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share


def _middle(points: list[Spot]) -> Spot:
    pairs = list(pairwise(points))
    longest = max(pairs, key=lambda pair: abs(pair[1][0] - pair[0][0]))
    if len(points) <= PLAIN:
        longest = (points[0], points[-1])
    (x, y), (to_x, to_y) = longest
    return (x + to_x) / 2, (y + to_y) / 2


def _port_mark(spot: Spot, *, first_chunk: bool) -> str:
    x, y = spot
    if first_chunk:
        return f"M{x:g} {y - 6:g}A6 6 0 0 0 {x:g} {y + 6:g}Z"
    return f"M{x - 8:g} {y - 4:g}h8v8h-8Z"


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────

type Address = Callable[[str], str]


def drawing(
    definition: str, rows: Mapping[str, Row], *, address: Address, now: datetime
) -> Iterator[str]:
    """Draw a run: frames, then dataflows, then boxes."""
    arrangement = arrangement_of(definition)
    outline = outline_of(definition)
    _, _, width, height = arrangement.boxes[""]
    yield '<div class="drawing" role="group" aria-label="Tasks and dataflows">'
    frames = [path for path, place in outline.places.items() if place.kind == "compound"]
    for path in frames:
        yield frame(rows[path], address=address)
    yield f'<svg width="{width}" height="{height}" aria-hidden="true">'
    for wire in arrangement.wires:
        yield dataflow(wire, rows)
    yield "</svg>"
    for path in outline.places:
        if path not in frames:
            yield box(rows[path], address=address, now=now)
    yield "</div>"


def box(row: Row, *, address: Address, now: datetime) -> str:
    """Draw a task, or a closed map, as a box."""
    stacked = " stacked" if row.is_closed else ""
    level = row.percent if row.percent is not None and row.status not in ENDED_WELL else None
    bar = "" if level is None else f'<progress max="100" value="{level}"></progress>'
    return (
        f'<a class="box at-{row.number}{stacked}" id="task-box-{escape(row.slug)}"'
        f' href="{escape(address(row.path))}" data-path="{escape(row.path)}"'
        f' data-status="{escape(row.status)}" aria-label="{escape(row.spoken)}">'
        f"{icon(row.status)}<b>{escape(row.title)}</b>"
        f'<span class="time" data-leaf="time"{_clock(row)}>{_time(row, now)}</span>'
        f'<span class="said" data-leaf="said"><b>{escape(row.look.word)}</b> {_said(row)}</span>'
        f'<span class="level" data-leaf="level">{bar}</span></a>'
    )


def frame(row: Row, *, address: Address) -> str:
    """Draw an open compound as a frame around what is inside."""
    return (
        f'<div class="frame at-{row.number}" id="task-box-{escape(row.slug)}"'
        f' data-path="{escape(row.path)}" data-status="{escape(row.status)}">'
        f'<a href="{escape(address(row.path))}" data-path="{escape(row.path)}">'
        f'{icon(row.status)}<span class="name">{escape(row.title)}</span>'
        f'<span class="said" data-leaf="said">{escape(_framed(row))}</span>'
        "</a></div>"
    )


def icon(status: str) -> str:
    """Draw a status as its icon; the word stands beside it."""
    return (
        f'<svg class="icon" data-leaf="icon" aria-hidden="true">'
        f'<use href="#{look_of(status).icon}" /></svg>'
    )


def dataflow(wire: Wire, rows: Mapping[str, Row]) -> str:
    """Draw a dataflow as its state looks."""
    look, label = look_of_dataflow(wire, rows)
    x, y = wire.label_at
    return (
        f'<g class="flow" id="dataflow-{escape(wire.slug)}" data-flow="{look}">'
        f'<path class="line" d="{wire.line}" /><path class="port" d="{wire.port}" />'
        f'<text data-leaf="label" x="{x}" y="{y}">{escape(label)}'
        f'<tspan x="{x}" dy="{UNDER}">{escape(first_chunk(wire, rows))}</tspan></text></g>'
    )


def look_of_dataflow(wire: Wire, rows: Mapping[str, Row]) -> tuple[str, str]:
    """Say how a dataflow looks and what is written on it."""
    source = rows.get(wire.producer)
    if source is None:
        target = rows.get(wire.target)
        begun = target is not None and target.status not in {"pending", "queued"}
        return ("final" if begun else "waiting"), ""
    stream = source.streams.get(wire.producer_port)
    label = _carried(stream.chunks, stream.size) if stream and stream.chunks else ""
    if _is_not_taken(source, wire.producer_port):
        return "skipped", label
    if wire.producer_port == ERROR:
        return ("final", "error") if source.status == "failed" else ("waiting", "")
    if source.status in FAILED:
        return "failed", f"× {label}".strip()
    if source.status in {"skipped", "cancelled"}:
        return "skipped", label
    if source.status in ENDED_WELL:
        return "final", label
    return ("streaming" if label else "waiting"), label


def _is_not_taken(source: Row, port: str) -> bool:
    """Whether nothing will come from a port: another branch, or another way to end."""
    if source.taken is not None:
        return port not in source.taken
    if port == ERROR:
        return source.status in ENDED_WELL
    return source.is_handled


def _framed(row: Row) -> str:
    return " · ".join(each for each in (row.look.word, row.measure, row.shape) if each)


def _carried(chunks: int, size: int) -> str:
    return f"{chunks} {'chunk' if chunks == 1 else 'chunks'} · {said_size(size)}"


def first_chunk(wire: Wire, rows: Mapping[str, Row]) -> str:
    """Say how long the first chunk of a dataflow's source took; empty if it gave none here."""
    source = rows.get(wire.producer)
    if source is None or wire.producer_port not in source.streams:
        return ""
    if source.started_at is None or source.first_chunk_at is None:
        return ""
    return f"first {said_span(source.started_at, source.first_chunk_at, source.first_chunk_at)}"


def _said(row: Row) -> str:
    if row.kind == "map":
        return escape(f"{row.measure} of {row.shape}") if row.shape else ""
    if row.kind == "workflow":
        return row.measure
    if row.shape:
        return escape(row.shape)
    words = row.words
    if row.status in {"completed", "cached"} and not row.problem:
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
