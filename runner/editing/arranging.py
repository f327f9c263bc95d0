"""Acts on the sheet: move tasks, put down notes and frames, take them away."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.editing.draft import BORDERS, Draft, parted
from runner.editing.edit import At, Edit, Name, Path, title_of
from runner.editing.sheet import Frame, Note, read_frame, read_note
from runner.errors import DefinitionError
from runner.graph.registry import TaskRegistry


class Move(Edit):
    """Put tasks, notes and frames somewhere else; None gives a task back to the layout."""

    op: Literal["move"] = "move"
    positions: Annotated[dict[Path, At | None], Field(max_length=10_000)] = {}
    notes: Annotated[dict[Name, At], Field(max_length=10_000)] = {}
    frames: Annotated[dict[Name, At], Field(max_length=10_000)] = {}
    tidy: bool = False

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the places of those things."""
        del registry
        found = dict(draft.sheet.positions)
        for path, at in self.positions.items():
            _find(draft, path)
            if at is None:
                found.pop(path, None)
            else:
                found[path] = round(at[0]), round(at[1])
        sheet = draft.sheet
        return draft.on(
            positions=found,
            notes=_moved(sheet.notes, self.notes, "note"),
            frames=_moved(sheet.frames, self.frames, "frame"),
        )

    def words(self, draft: Draft) -> str:
        """Name the one thing, or say how many of which kind."""
        if self.tidy:
            return "Tidy up"
        if len(self.positions) == 1 and not (self.notes or self.frames):
            return f"Move {title_of(draft, next(iter(self.positions)))}"
        counts = {
            "task": len(self.positions),
            "note": len(self.notes),
            "frame": len(self.frames),
        }
        said = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n]
        return f"Move {' and '.join(said) or 'nothing'}"


class PutNote(Edit):
    """Put a note down, or change one."""

    op: Literal["note"] = "note"
    id: Name
    note: dict[str, Any]

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Put it on the sheet."""
        del registry
        note = read_note(self.note)
        draft.level(note.inside)
        return draft.on(notes={**draft.sheet.notes, _named(self.id): note})

    def words(self, draft: Draft) -> str:
        """Say whether it is new."""
        return f"{'Change' if self.id in draft.sheet.notes else 'Add'} note"


class RemoveNote(Edit):
    """Take a note away."""

    op: Literal["remove-note"] = "remove-note"
    id: Name

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take it off the sheet."""
        del registry
        if self.id not in draft.sheet.notes:
            raise DefinitionError("There is no such note.")
        notes = {name: each for name, each in draft.sheet.notes.items() if name != self.id}
        return draft.on(notes=notes)

    def words(self, draft: Draft) -> str:
        """Say what goes."""
        del draft
        return "Remove note"


class PutFrame(Edit):
    """Put a frame down, or change one."""

    op: Literal["frame"] = "frame"
    id: Name
    frame: dict[str, Any]

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Put it on the sheet."""
        del registry
        frame = read_frame(self.frame)
        draft.level(frame.inside)
        return draft.on(frames={**draft.sheet.frames, _named(self.id): frame})

    def words(self, draft: Draft) -> str:
        """Say whether it is new."""
        return f"{'Change' if self.id in draft.sheet.frames else 'Add'} frame"


class RemoveFrame(Edit):
    """Take a frame away; what it was around stays."""

    op: Literal["remove-frame"] = "remove-frame"
    id: Name

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take it off the sheet."""
        del registry
        if self.id not in draft.sheet.frames:
            raise DefinitionError("There is no such frame.")
        frames = {name: each for name, each in draft.sheet.frames.items() if name != self.id}
        return draft.on(frames=frames)

    def words(self, draft: Draft) -> str:
        """Say what goes."""
        del draft
        return "Remove frame"


def _moved[Thing: (Note, Frame)](
    there: Mapping[str, Thing], spots: Mapping[str, At], kind: str
) -> Mapping[str, Thing]:
    if not spots:
        return there
    found = dict(there)
    for name, at in spots.items():
        if name not in found:
            raise DefinitionError(f"There is no such {kind}.")
        _, _, width, height = found[name].box
        found[name] = replace(found[name], box=(round(at[0]), round(at[1]), width, height))
    return found


def _find(draft: Draft, path: str) -> None:
    level, name = parted(path)
    if name in BORDERS:
        draft.level(level)
    else:
        draft.task(path)


def _named(name: str) -> str:
    if not name or not name.replace("-", "").replace("_", "").isalnum():
        raise DefinitionError("A note or frame is named by letters, digits, hyphens, underscores.")
    return name
