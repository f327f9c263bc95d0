"""Acts on the sheet: move tasks, put down notes and frames, take them away."""

from typing import Annotated, Any, Literal

from pydantic import Field

from runner.editing.draft import BORDERS, Draft, parted
from runner.editing.edit import At, Edit, Name, Path, title_of
from runner.editing.sheet import read_frame, read_note
from runner.errors import DefinitionError
from runner.graph.registry import TaskRegistry


class Move(Edit):
    """Put tasks somewhere else; None gives a task back to the layout."""

    op: Literal["move"] = "move"
    positions: Annotated[dict[Path, At | None], Field(min_length=1, max_length=10_000)]
    tidy: bool = False

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the places of those tasks."""
        del registry
        found = dict(draft.sheet.positions)
        for path, at in self.positions.items():
            _find(draft, path)
            if at is None:
                found.pop(path, None)
            else:
                found[path] = round(at[0]), round(at[1])
        return draft.on(positions=found)

    def words(self, draft: Draft) -> str:
        """Name the task, or say how many."""
        if self.tidy:
            return "Tidy up"
        first = next(iter(self.positions))
        one = title_of(draft, first) if len(self.positions) == 1 else f"{len(self.positions)} tasks"
        return f"Move {one}"


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
