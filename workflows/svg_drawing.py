"""A definition as one SVG that needs nothing around it: to be marked on a page, or kept (pure)."""

from collections.abc import Iterator, Mapping
from html import escape

from workflows.arrangement import Box, Curve, arrangement_of
from workflows.outline import Place, outline_of, slug_of

#: So many letters of a title fit into a box.
LETTERS = 23
SIGNS: Mapping[str, str] = {"added": "+", "changed": "~", "removed": "−"}
_MARGIN = 8
_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1b222b}.small{font-size:11px;fill:#56616e}"
    "rect{fill:#fff;stroke:#56616e;stroke-width:1.5}.around{fill:none;stroke-dasharray:5 4}"
    "path{fill:none;stroke:#56616e;stroke-width:1.5}</style>"
)


def svg_of(definition: str, marks: Mapping[str, str] | None = None, side: str = "") -> str:
    """Draw a definition for a page.

    `marks` says by path of a task, or by the name of a dataflow, whether it was added, changed
    or removed; a marked thing has the word in `data-change`, a box its sign besides, and with a
    `side` each an id to go to (`mark_id`).
    """
    width, height = _size(definition)
    return (
        f'<svg class="svg-drawing" width="{width}" height="{height}" role="img"'
        f' viewBox="{-_MARGIN} {-_MARGIN} {width} {height}"'
        f' aria-label="Graph of {len(outline_of(definition).places)} tasks">'
        f"{''.join(_parts(definition, marks or {}, side))}</svg>"
    )


def mark_id(side: str, name: str) -> str:
    """Name a marked thing of one side of a comparison so that a link can lead to it."""
    return f"{side}-{slug_of(name)}"


def svg_file(definition: str) -> str:
    """Draw a definition as a file of its own, with its colours in it."""
    width, height = _size(definition)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="{-_MARGIN} {-_MARGIN} {width} {height}">'
        f"{_STYLE}{''.join(_parts(definition, {}))}</svg>\n"
    )


def picture_of(definition: str) -> str:
    """Draw a definition in small for a page: its boxes and curves, without any words."""
    width, height = _size(definition)
    arrangement, places = arrangement_of(definition), outline_of(definition).places
    rects = (
        _rect(arrangement.boxes[path], "around" if place.kind == "compound" else "")
        for path, place in places.items()
    )
    lines = (
        f'<path d="{curve.line}" vector-effect="non-scaling-stroke" />'
        for curve in arrangement.curves
    )
    return (
        f'<svg class="picture" aria-hidden="true" viewBox="{-_MARGIN} {-_MARGIN} {width} {height}"'
        f' preserveAspectRatio="xMidYMid meet">{"".join(lines)}{"".join(rects)}</svg>'
    )


def _rect(box: Box, kind: str) -> str:
    x, y, width, height = box
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"'
        ' vector-effect="non-scaling-stroke" />'
    )


def _size(definition: str) -> tuple[int, int]:
    _, _, width, height = arrangement_of(definition).boxes[""]
    return width + 2 * _MARGIN, height + 2 * _MARGIN


def _parts(definition: str, marks: Mapping[str, str], side: str = "") -> Iterator[str]:
    arrangement, places = arrangement_of(definition), outline_of(definition).places
    frames = [place for place in places.values() if place.kind == "compound"]
    for place in frames:
        mark = marks.get(place.path, "")
        yield f"<g{_marked(mark, side, place.path)}>{_frame(place, arrangement.boxes[place.path], mark)}</g>"
    for curve in arrangement.curves:
        yield _curve(curve, _marked(marks.get(curve.wire.slug, ""), side, curve.wire.slug))
    for place in places.values():
        if place.kind != "compound":
            mark = marks.get(place.path, "")
            yield f"<g{_marked(mark, side, place.path)}>{_box(place, arrangement.boxes[place.path], mark)}</g>"


def _curve(curve: Curve, marked: str) -> str:
    spoken = escape(curve.wire.spoken)
    return f'<path{marked} d="{curve.line}"><title>{spoken}</title></path>'


def _frame(place: Place, box: Box, mark: str) -> str:
    x, y, width, height = box
    return (
        f"<title>{_spoken(place, mark)}</title>"
        f'<rect class="around" x="{x}" y="{y}" width="{width}" height="{height}" rx="10" />'
        f'<text x="{x + 12}" y="{y + 20}">{_text(place.title)}</text>{_sign(box, mark)}'
    )


def _box(place: Place, box: Box, mark: str) -> str:
    x, y, width, height = box
    return (
        f"<title>{_spoken(place, mark)}</title>"
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" />'
        f'<text x="{x + 11}" y="{y + 25}">{_text(place.title)}</text>'
        f'<text class="small" x="{x + 11}" y="{y + 45}">{_text(place.type)}</text>'
        f"{_sign(box, mark)}"
    )


def _sign(box: Box, mark: str) -> str:
    x, y, width, _ = box
    if mark not in SIGNS:
        return ""
    return f'<text class="sign" x="{x + width - 18}" y="{y + 24}">{SIGNS[mark]}</text>'


def _marked(mark: str, side: str, name: str) -> str:
    if mark not in SIGNS:
        return ""
    at = f' id="{escape(mark_id(side, name), quote=True)}"' if side else ""
    return f' data-change="{mark}"{at}'


def _spoken(place: Place, mark: str) -> str:
    return escape(f"{place.title} ({place.path}, {place.type}){f', {mark}' if mark else ''}")


def _text(words: str) -> str:
    return escape(words if len(words) <= LETTERS else f"{words[: LETTERS - 1]}…")
