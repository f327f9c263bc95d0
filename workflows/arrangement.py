"""A definition laid out: where its boxes and curves are, and that as a stylesheet (pure).

Positions come from a stylesheet of their own, because a strict content security policy allows
no style attribute.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workflows.curves import Spot, curve, middle, port_mark
from workflows.layout import arrange, port_places
from workflows.outline import Flow, Level, Outline, Place, outline_of
from workflows.wires import Wire, ends_of, levels_of, wires_of

REVISION = 4
PATIENCE = 20
OPEN: frozenset[str] = frozenset()
_ABOVE = 6  # pixels from a line to the words over it
_HOME = Path(__file__).resolve().parent.parent

log = logging.getLogger(__name__)

type Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A wire with the way it takes: its line, the mark at its end, and where its words stand."""

    wire: Wire
    line: str
    port: str
    label_at: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A definition laid out: what is not inside of a closed compound, as boxes and curves.

    Boxes are (x, y, width, height) in pixels by path; that of the empty path is the whole drawing.
    """

    boxes: Mapping[str, Box]
    curves: tuple[Curve, ...]


def drawing_name(digest: str) -> str:
    """Name the stylesheet of a version's drawing; another layout needs another name."""
    return f"{digest}-{REVISION}"


def digest_of(name: str) -> str:
    """Give the version's digest back; empty for the name of another revision."""
    digest, _, revision = name.rpartition("-")
    return digest if revision == str(REVISION) else ""


@lru_cache(maxsize=64)
def arrangement_of(definition: str, closed: frozenset[str] = OPEN) -> Arrangement:
    """Lay a definition out with these compounds closed, once per process."""
    outline = outline_of(definition)
    placed = arranged(_as_document(outline.level, closed))
    boxes = {
        path: (int(x), int(y), int(width), int(height))
        for path, (x, y, width, height) in placed["boxes"].items()
    }
    bends = {tuple(wire): spots for wire, spots in placed["bends"]}
    return Arrangement(boxes=boxes, curves=tuple(_curves(definition, boxes, bends, closed)))


def visible(outline: Outline, closed: Collection[str]) -> Iterator[Place]:
    """Give the places that are drawn: those that are not inside of a closed compound."""
    hidden: set[str] = set()
    for place in outline.places.values():
        if place.parent in hidden:
            hidden.add(place.path)
            continue
        if place.path in closed:
            hidden.add(place.path)
        yield place


def stylesheet(definition: str, closed: frozenset[str] = OPEN) -> str:
    """Give the positions of a definition's boxes as CSS."""
    boxes = arrangement_of(definition, closed).boxes
    numbers = {path: place.number for path, place in outline_of(definition).places.items()}
    _, _, width, height = boxes[""]
    lines = [f".drawing{{width:{width}px;height:{height}px}}"]
    for path, (x, y, width, height) in boxes.items():
        if path:
            place = f"left:{x}px;top:{y}px;width:{width}px;height:{height}px"
            lines.append(f".at-{numbers[path]}{{{place}}}")
    return "\n".join(lines)


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


def _as_document(level: Level, closed: Collection[str]) -> dict[str, Any]:
    return {
        "boxes": [
            {"path": place.path, "level": _as_document(place.body, closed)}
            if place.kind == "compound" and place.body and place.path not in closed
            else {"path": place.path}
            for place in level.places
        ],
        "wires": [list(ends_of(flow)) for flow in level.flows if flow.source or level.path],
    }


def _curves(
    definition: str,
    boxes: Mapping[str, Box],
    bends: Mapping[tuple[str, ...], list[list[float]]],
    closed: Collection[str],
) -> Iterator[Curve]:
    outline = outline_of(definition)
    ports = {group.path if group else "": level for group, level in levels_of(outline)}
    drawn = {"", *(place.path for place in visible(outline, closed) if place.path not in closed)}
    spots = {path: _Spots(level, boxes, path) for path, level in ports.items() if path in drawn}
    for wire in wires_of(definition):
        if wire.group in spots:
            yield _curve(wire, spots[wire.group], bends.get(ends_of(wire.flow)))


def _curve(wire: Wire, spots: "_Spots", bends: list[list[float]] | None) -> Curve:
    points: list[Spot] = (
        [(x, y) for x, y in bends] if bends else [spots.start(wire.flow), spots.end(wire.flow)]
    )
    x, y = middle(points)
    return Curve(
        wire=wire,
        line=curve(points),
        port=port_mark(points[-1], first_chunk=wire.first_chunk),
        label_at=(round(x), round(y) - _ABOVE),
    )


class _Spots:
    """Where the ports of one level are."""

    def __init__(self, level: Level, boxes: Mapping[str, Box], group: str) -> None:
        ends = [ends_of(flow) for flow in level.flows]
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
