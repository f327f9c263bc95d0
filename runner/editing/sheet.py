"""Sheet: what a person arranged around a drawing: positions, notes and frames.

It says nothing about what runs, so a version's hash leaves it out (engine 1.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.errors import DefinitionError, ValueFault
from runner.graph.values import check_text

#: How far from the origin anything may stand, and how large it may be, in pixels.
FAR = 1_000_000
LARGE = 20_000
NOTE_LETTERS = 20_000
TITLE_LETTERS = 200
THINGS = 12_000

type Spot = tuple[int, int]
type Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text (Markdown) that stands on the canvas of one level, `inside` which compound."""

    box: Box
    text: str = ""
    inside: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, empty fields left out."""
        return {"box": list(self.box)} | _filled(text=self.text, inside=self.inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A titled border around tasks that belong together; it says nothing about how they run."""

    box: Box
    title: str = ""
    inside: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, empty fields left out."""
        return {"box": list(self.box)} | _filled(title=self.title, inside=self.inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Where tasks were put, by path, and what else stands on the canvas, by id."""

    positions: Mapping[str, Spot] = field(default_factory=dict)
    notes: Mapping[str, Note] = field(default_factory=dict)
    frames: Mapping[str, Frame] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, in order of path and id, empty sections left out."""
        return _filled(
            positions={path: list(self.positions[path]) for path in sorted(self.positions)},
            notes={name: self.notes[name].to_document() for name in sorted(self.notes)},
            frames={name: self.frames[name].to_document() for name in sorted(self.frames)},
        )

    @classmethod
    def from_document(cls, document: Any) -> "Sheet":
        """Read a JSON object; raises DefinitionError with one sentence for what is none."""
        sections = _object(document, "The layout")
        if unknown := sections.keys() - {"positions", "notes", "frames"}:
            raise DefinitionError(f"The layout has no section '{min(unknown)[:64]}'.")
        positions = _object(sections.get("positions", {}), "The positions of the layout")
        notes = _object(sections.get("notes", {}), "The notes of the layout")
        frames = _object(sections.get("frames", {}), "The frames of the layout")
        if len(positions) + len(notes) + len(frames) > THINGS:
            raise DefinitionError(f"The layout has more than {THINGS} things on it.")
        return cls(
            positions={path: _spot(spot) for path, spot in positions.items()},
            notes={name: read_note(note) for name, note in notes.items()},
            frames={name: read_frame(frame) for name, frame in frames.items()},
        )


def read_note(document: Any) -> Note:
    """Read a note's JSON object; raises DefinitionError."""
    known = _known(document, "A note", {"box", "text", "inside"})
    return Note(
        box=_box(known.get("box")),
        text=_text(known.get("text", ""), NOTE_LETTERS),
        inside=_text(known.get("inside", ""), FAR),
    )


def read_frame(document: Any) -> Frame:
    """Read a frame's JSON object; raises DefinitionError."""
    known = _known(document, "A frame", {"box", "title", "inside"})
    return Frame(
        box=_box(known.get("box")),
        title=_text(known.get("title", ""), TITLE_LETTERS),
        inside=_text(known.get("inside", ""), FAR),
    )


def _object(document: Any, what: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise DefinitionError(f"{what} must be an object.")
    return document


def _known(document: Any, what: str, names: set[str]) -> dict[str, Any]:
    found = _object(document, what)
    if unknown := found.keys() - names:
        raise DefinitionError(f"{what} of the layout has no field '{min(unknown)[:64]}'.")
    return found


def _text(value: Any, letters: int) -> str:
    if not isinstance(value, str):
        raise DefinitionError("A text of the layout must be a text.")
    if len(value) > letters:
        raise DefinitionError(f"A text of the layout is longer than {letters} letters.")
    try:
        check_text(value)
    except ValueFault as fault:
        raise DefinitionError(fault.sentence) from fault
    return value


def _spot(value: Any) -> Spot:
    x, y = _numbers(value, 2)
    return x, y


def _box(value: Any) -> Box:
    x, y, width, height = _numbers(value, 4)
    if not (0 < width <= LARGE and 0 < height <= LARGE):
        raise DefinitionError(f"A box of the layout is larger than {LARGE} pixels, or empty.")
    return x, y, width, height


def _numbers(value: Any, count: int) -> list[int]:
    if not isinstance(value, list) or len(value) != count:
        raise DefinitionError(f"A place in the layout must be a list of {count} numbers.")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not -FAR <= each <= FAR:
            raise DefinitionError(f"A place in the layout must be numbers within {FAR} pixels.")
    return [round(each) for each in value]


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: each for name, each in fields.items() if each not in ("", {})}
