"""Notes, frames and places as forms: what is moved and written on a canvas, for those without one."""

from collections.abc import Mapping
from typing import Any

from django import forms

from runner.editing.draft import BORDERS, Draft, joined, parted
from runner.editing.sheet import FAR, LARGE, NOTE_LETTERS, TITLE_LETTERS, Frame, Note
from runner.errors import DefinitionError
from workflows.forms import TextField
from workflows.panel import Act
from workflows.sheet_places import free_thing, room_below, spot_of

#: The forms of the page that are about the sheet.
SHEET_FORMS = frozenset({"note", "frame", "place"})


def _pixels(label: str, least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        error_messages={
            "required": f"{label} is missing.",
            "invalid": "This must be a whole number of pixels.",
        },
    )


class PlaceForm(forms.Form):
    """Where something stands, in pixels from the corner of the canvas."""

    x = _pixels("From the left", -FAR, FAR)
    y = _pixels("From the top", -FAR, FAR)

    def __init__(self, path: str, spot: tuple[int, int], data: Mapping[str, Any] | None) -> None:
        self.of = path
        super().__init__(data, prefix="place", initial={"x": spot[0], "y": spot[1]})

    def act(self) -> Act:
        """Give the act that it says."""
        at = [self.cleaned_data["x"], self.cleaned_data["y"]]
        return {"op": "move", "positions": {self.of: at}}


class _ThingForm(forms.Form):
    """A note, or a frame: what it says, and the room that it takes."""

    kind = ""
    words = ""
    x = _pixels("From the left", -FAR, FAR)
    y = _pixels("From the top", -FAR, FAR)
    width = _pixels("Width", 1, LARGE)
    height = _pixels("Height", 1, LARGE)

    def __init__(
        self, name: str, thing: Note | Frame, data: Mapping[str, Any] | None, *, is_new: bool
    ) -> None:
        self.of = "" if is_new else name
        self.name, self.inside = name, thing.inside
        known = dict(zip(("x", "y", "width", "height"), thing.box, strict=True))
        initial = {**known, self.words: getattr(thing, self.words)}
        super().__init__(data, prefix=f"{self.kind}-{self.of}".rstrip("-"), initial=initial)

    def act(self) -> Act:
        """Give the act that it says."""
        told = self.cleaned_data
        box = [told[each] for each in ("x", "y", "width", "height")]
        thing = {"box": box, self.words: told[self.words], "inside": self.inside}
        return {"op": self.kind, "id": self.name, self.kind: thing}


class NoteForm(_ThingForm):
    """A note."""

    kind, words = "note", "text"
    text = TextField(
        label="Text",
        required=False,
        max_length=NOTE_LETTERS,
        help_text="Markdown.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ["text"]


class FrameForm(_ThingForm):
    """A frame."""

    kind, words = "frame", "title"
    title = forms.CharField(label="Title", required=False, max_length=TITLE_LETTERS)
    field_order = ["title"]


class SheetPanel:
    """The notes and frames of a level, and the places of its borders or of one task, as forms.

    With `data` the form that was sent shows what was sent.
    """

    def __init__(
        self, drawing: Draft, level: str, path: str, data: Mapping[str, Any] | None = None
    ) -> None:
        self._data = data
        sheet, below = drawing.sheet, room_below(drawing, level)
        self.notes = [
            NoteForm(name, each, self._of("note", name), is_new=False)
            for name, each in sheet.notes.items()
            if each.inside == level
        ]
        self.frames = [
            FrameForm(name, each, self._of("frame", name), is_new=False)
            for name, each in sheet.frames.items()
            if each.inside == level
        ]
        note, frame = Note(box=below, inside=level), Frame(box=below, inside=level)
        self.new_note = NoteForm(
            free_thing("n", sheet.notes), note, self._of("note", ""), is_new=True
        )
        self.new_frame = FrameForm(
            free_thing("f", sheet.frames), frame, self._of("frame", ""), is_new=True
        )
        self.places = [
            PlaceForm(each, spot_of(drawing, *parted(each)), self._of("place", each))
            for each in ([path] if path else _borders(drawing, level))
        ]

    @property
    def count(self) -> int:
        """How many notes and frames there are."""
        return len(self.notes) + len(self.frames)

    def act(self) -> Act | None:
        """Give the act that was asked for; None when a field is wrong, which then is marked.

        Raises DefinitionError for a form that the page does not have.
        """
        data = self._data or {}
        kind, name = str(data.get("form", "")), str(data.get("of", ""))
        if "remove" in data and kind in {"note", "frame"}:
            return {"op": f"remove-{kind}", "id": name}
        things: list[NoteForm | FrameForm] = [*self.notes, *self.frames]
        every: list[NoteForm | FrameForm | PlaceForm]
        every = [*things, self.new_note, self.new_frame, *self.places]
        sent = next((each for each in every if each.is_bound), None)
        if sent is None:
            raise DefinitionError(f"There is no {kind} '{name[:64]}' any more.")
        return sent.act() if sent.is_valid() else None

    def _of(self, form: str, name: str) -> Mapping[str, Any] | None:
        data = self._data
        if data is None or data.get("form") != form or data.get("of", "") != name:
            return None
        return data


def _borders(drawing: Draft, level: str) -> list[str]:
    """Name the borders of a level that stand on its canvas."""
    graph = drawing.level(level)
    shown = zip(BORDERS, (graph.inputs, graph.outputs), strict=True)
    return [joined(level, name) for name, ports in shown if ports or level]
