"""A definition drawn as such: its boxes say what they are, and nothing runs (pure)."""

from collections.abc import Iterator, Mapping
from html import escape

from workflows.arrangement import OPEN, arrangement_of, visible
from workflows.drawing import Address
from workflows.outline import Place, outline_of


def blueprint(
    definition: str,
    *,
    address: Address,
    said: Mapping[str, str] | None = None,
    closed: frozenset[str] = OPEN,
) -> Iterator[str]:
    """Draw a definition: frames, then dataflows, then boxes, none of them with an id.

    `said` has more words by path, such as how a run differs there; `closed` are the compounds
    that are drawn as one box.
    """
    arrangement = arrangement_of(definition, closed)
    places = list(visible(outline_of(definition), closed))
    frames = {each.path for each in places if each.kind == "compound"} - closed
    words = said or {}
    _, _, width, height = arrangement.boxes[""]
    yield '<div class="drawing blueprint" role="group" aria-label="Tasks as they were drawn">'
    for place in places:
        if place.path in frames:
            yield _frame(place, address(place.path), words.get(place.path, ""))
    yield f'<svg width="{width}" height="{height}" aria-hidden="true">'
    for curve in arrangement.curves:
        yield f'<g class="flow"><path class="line" d="{curve.line}" />'
        yield f'<path class="port" d="{curve.port}" /></g>'
    yield "</svg>"
    for place in places:
        if place.path not in frames:
            yield _box(place, address(place.path), words.get(place.path, ""))
    yield "</div>"


def _box(place: Place, link: str, said: str) -> str:
    stacked = " stacked" if place.kind != "task" else ""
    spoken = ", ".join(each for each in (place.title, place.type, said) if each)
    return (
        f'<a class="box at-{place.number}{stacked}" href="{escape(link)}"'
        f' data-path="{escape(place.path)}" aria-label="{escape(spoken)}">'
        f"<b>{escape(place.title)}</b>"
        f'<span class="said">{escape(place.type)}</span>{_differs(said)}</a>'
    )


def _frame(place: Place, link: str, said: str) -> str:
    return (
        f'<div class="frame at-{place.number}" data-path="{escape(place.path)}">'
        f'<a href="{escape(link)}" data-path="{escape(place.path)}">'
        f'<span class="name">{escape(place.title)}</span>{_differs(said)}</a></div>'
    )


def _differs(said: str) -> str:
    return f'<span class="differs">{escape(said)}</span>'
