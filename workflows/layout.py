"""Where the boxes of a drawing stand: a level at a time, the innermost first (pure).

`python -m workflows.layout` reads levels as JSON and writes positions as JSON, so that the
layout engine, which holds the interpreter's lock while it works, runs in a process of its own.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BOX = (200, 64)
FRAME_TITLE = 28
FRAME_EDGE = 20
MARGIN = 24
LAYER_GAP = 140  # room for "37 chunks · 12 kB" on a line
ROW_GAP = 32
MANY = 800

# The border of a frame stands in its layout as two thin boxes: what enters, and what leaves.
ENTRY, EXIT = "\0entry", "\0exit"
GATE_GAP = 22

type Size = tuple[float, float]
type Spot = tuple[float, float]
type Wire = tuple[str, str, str, str]
type Shares = dict[tuple[str, str, str], float]


@dataclass(frozen=True, slots=True)
class Arranged:
    """A level laid out: its size, the corner of each of its boxes, the bends of its wires."""

    size: Size
    corners: dict[str, Spot]
    bends: dict[Wire, list[Spot]] = field(default_factory=dict)

    def gates(self) -> dict[tuple[str, str], float]:
        """Give the height at which each port of the frame crosses its border."""
        found = {}
        for (source, leaves, target, enters), way in self.bends.items():
            if source == ENTRY:
                found[ENTRY, leaves] = way[0][1]
            if target == EXIT:
                found[EXIT, enters] = way[-1][1]
        return found


@dataclass(slots=True)
class Drawing:
    """What has been placed so far, in the coordinates of the level being placed."""

    boxes: dict[str, list[float]] = field(default_factory=dict)
    bends: list[tuple[Wire, list[Spot]]] = field(default_factory=list)

    def take(self, other: "Drawing", dx: float, dy: float) -> None:
        """Set another drawing into this one at an offset."""
        for path, (x, y, width, height) in other.boxes.items():
            self.boxes[path] = [x + dx, y + dy, width, height]
        for wire, spots in other.bends:
            self.bends.append((wire, [(x + dx, y + dy) for x, y in spots]))


def arrange(level: dict[str, Any]) -> dict[str, Any]:
    """Place every box of a level and of the levels inside it; a box may say its `size`.

    Boxes are [x, y, width, height]; the box of the empty path is the whole drawing.
    """
    drawing, placed = _arrange(level)
    width, height = placed.size
    drawing.boxes[""] = [0, 0, width, height]
    return {"boxes": drawing.boxes, "bends": drawing.bends}


def _arrange(level: dict[str, Any]) -> tuple[Drawing, Arranged]:
    drawing = Drawing()
    sizes: dict[str, Size] = {}
    inner: dict[str, tuple[Drawing, Arranged]] = {}
    gates: Shares = {}
    for box in level["boxes"]:
        path = box["path"]
        sizes[path] = tuple(box.get("size", BOX))
        if box.get("level"):
            inner[path] = _arrange(box["level"])
            sizes[path], shares = _framed(path, inner[path][1])
            gates |= shares
    wires = list(_wires(level, sizes))
    placed = _place(sizes, wires, gates)
    for path in inner.keys() | {box["path"] for box in level["boxes"]}:
        x, y = placed.corners[path]
        drawing.boxes[path] = [x, y, *sizes[path]]
        if path in inner:
            drawing.take(inner[path][0], x + FRAME_EDGE, y + FRAME_TITLE)
    drawing.bends += [_to_the_border(wire, way, placed) for wire, way in placed.bends.items()]
    return drawing, placed


def _wires(level: dict[str, Any], sizes: dict[str, Size]) -> Iterator[Wire]:
    """Name the wires that can be drawn, and make room for the frame's own ports."""
    given = [
        (source or ENTRY, leaves, target or EXIT, enters)
        for source, leaves, target, enters in level["wires"]
    ]
    known = {*sizes, ENTRY, EXIT}
    wires = [wire for wire in given if wire[0] in known and wire[2] in known]
    for gate, ports in (
        (ENTRY, {wire[1] for wire in wires if wire[0] == ENTRY}),
        (EXIT, {wire[3] for wire in wires if wire[2] == EXIT}),
    ):
        if ports:
            sizes[gate] = (1, GATE_GAP * (len(ports) + 1))
    yield from wires


def _framed(path: str, inside: Arranged) -> tuple[Size, Shares]:
    """Give a frame's size, and how far down its ports sit so that lines go straight through."""
    width, height = inside.size[0] + 2 * FRAME_EDGE, inside.size[1] + FRAME_TITLE
    shares = {
        (gate, path, port): (FRAME_TITLE + y) / height for (gate, port), y in inside.gates().items()
    }
    return (width, height), shares


def _to_the_border(wire: Wire, way: list[Spot], placed: Arranged) -> tuple[Wire, list[Spot]]:
    """Lengthen a wire that crosses the frame's border, and name its end as the drawing does."""
    source, leaves, target, enters = wire
    if source == ENTRY:
        way = [(-FRAME_EDGE, way[0][1]), *way]
    if target == EXIT:
        way = [*way, (placed.size[0] + FRAME_EDGE, way[-1][1])]
    return (
        "" if source == ENTRY else source,
        leaves,
        "" if target == EXIT else target,
        enters,
    ), way


def _place(sizes: dict[str, Size], wires: list[Wire], gates: Shares) -> Arranged:
    if not sizes:
        return Arranged(BOX, {})
    if len(sizes) <= MANY:
        try:
            return _by_engine(sizes, wires, gates)
        except (ImportError, ValueError):
            pass
    return _by_columns(sizes, wires)


def port_places(wires: list[Wire], *, leaving: bool) -> dict[tuple[str, str], float]:
    """Say how far down its box each port sits, 0 to 1, on the side that wires leave or enter."""
    ports: dict[str, list[str]] = {}
    for wire in wires:
        path, port = wire[:2] if leaving else wire[2:]
        if port not in ports.setdefault(path, []):
            ports[path].append(port)
    return {
        (path, port): (number + 1) / (len(names) + 1)
        for path, names in ports.items()
        for number, port in enumerate(names)
    }


def _by_engine(sizes: dict[str, Size], wires: list[Wire], gates: Shares) -> Arranged:
    import graphlay  # noqa: PLC0415 - there are platforms without its wheel

    index = {path: number for number, path in enumerate(sizes)}
    out = port_places(wires, leaving=True) | _of_frames(gates, EXIT)
    into = port_places(wires, leaving=False) | _of_frames(gates, ENTRY)
    drawn = graphlay.layout(
        {
            "nodes": [
                {"size": {"width": width, "height": height}} for width, height in sizes.values()
            ],
            "edges": [
                {
                    "source": index[source],
                    "target": index[target],
                    "source_port": _port("right", out[source, leaves]),
                    "target_port": _port("left", into[target, enters]),
                }
                for source, leaves, target, enters in wires
            ],
        },
        options={
            "direction": "leftright",
            "spacing": {"layer_gap": LAYER_GAP, "node_gap": ROW_GAP, "isolated_gap": ROW_GAP},
            "effort": "balanced" if len(sizes) <= 100 else "fast",
        },
    )
    corners = {
        path: (node["center"]["x"] - sizes[path][0] / 2, node["center"]["y"] - sizes[path][1] / 2)
        for path, node in zip(sizes, drawn.nodes, strict=True)
    }
    bends = {
        wire: [(point["x"], point["y"]) for point in edge["points"]]
        for wire, edge in zip(wires, drawn.edges, strict=True)
    }
    return _settled(sizes, Arranged((0, 0), corners, bends))


def _of_frames(gates: Shares, gate: str) -> dict[tuple[str, str], float]:
    return {(path, port): share for (which, path, port), share in gates.items() if which == gate}


def _port(side: str, place: float) -> dict[str, Any]:
    return {"offset": {"side": side, "t": 2 * place - 1}}


def _by_columns(sizes: dict[str, Size], wires: list[Wire]) -> Arranged:
    """Put each box one column right of its last source: plain, but always there."""
    sizes = {path: size for path, size in sizes.items() if path not in {ENTRY, EXIT}}
    pairs = [(wire[0], wire[2]) for wire in wires if wire[0] in sizes and wire[2] in sizes]
    column = _columns(list(sizes), pairs)
    columns: dict[int, list[str]] = {}
    for path in sizes:
        columns.setdefault(column[path], []).append(path)
    corners: dict[str, Spot] = {}
    x = 0.0
    for number in sorted(columns):
        y = 0.0
        for path in columns[number]:
            corners[path] = (x, y)
            y += sizes[path][1] + ROW_GAP
        x += max(sizes[path][0] for path in columns[number]) + LAYER_GAP
    return _settled(sizes, Arranged((0, 0), corners))


def _columns(paths: list[str], pairs: list[tuple[str, str]]) -> dict[str, int]:
    column = dict.fromkeys(paths, 0)
    followers: dict[str, list[str]] = {path: [] for path in paths}
    waiting = dict.fromkeys(paths, 0)
    for source, target in set(pairs):
        followers[source].append(target)
        waiting[target] += 1
    ready = [path for path in paths if not waiting[path]]
    while ready:
        path = ready.pop()
        for follower in followers[path]:
            column[follower] = max(column[follower], column[path] + 1)
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return column


def _settled(sizes: dict[str, Size], placed: Arranged) -> Arranged:
    """Move a level to its margin and measure it."""
    points = [*placed.corners.values(), *(spot for way in placed.bends.values() for spot in way)]
    left = min(x for x, _ in points) - MARGIN
    top = min(y for _, y in points) - MARGIN
    corners = {path: (round(x - left), round(y - top)) for path, (x, y) in placed.corners.items()}
    bends = {
        wire: [(round(x - left), round(y - top)) for x, y in way]
        for wire, way in placed.bends.items()
    }
    reached: list[Spot] = [spot for way in bends.values() for spot in way]
    reached += [(x + sizes[path][0], y + sizes[path][1]) for path, (x, y) in corners.items()]
    size = (max(x for x, _ in reached) + MARGIN, max(y for _, y in reached) + MARGIN)
    return Arranged(size, dict(corners), {wire: list(way) for wire, way in bends.items()})


if __name__ == "__main__":
    json.dump(arrange(json.load(sys.stdin)), sys.stdout)
