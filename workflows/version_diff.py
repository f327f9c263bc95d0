"""Two versions of a workflow: what differs, thing by thing, in words and as marks (pure)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.editing.changes import Change
from runner.editing.draft import joined
from runner.graph.dataflow import GRAPH_INPUTS
from workflows.comparing import TextDiff, diff
from workflows.outline import slug_of
from workflows.svg_drawing import SIGNS, mark_id

#: So many differences are listed, and so many letters of the JSON of each are compared.
LINES = 300
LETTERS = 20_000
#: The two drawings, as the ids of what is marked in them begin.
BEFORE, AFTER = "before", "after"

_ON_SHEET = frozenset({"position", "note", "frame"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs: the sign of how, its title, and its JSON line by line.

    `place` is the id of what is marked in a drawing; empty when nothing is.
    """

    word: str
    title: str
    text: TextDiff
    place: str = ""

    @property
    def sign(self) -> str:
        """A plus, a tilde, or a minus."""
        return SIGNS[self.word]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """What differs: `lines` about what runs, `hidden` more of them, and how much on the sheet.

    `before` and `after` are marks for the two drawings, by path of a task or name of a dataflow.
    """

    lines: tuple[Difference, ...]
    hidden: int
    rearranged: int
    counts: Mapping[str, int]
    before: Mapping[str, str]
    after: Mapping[str, str]


def version_diff(changes: Sequence[Change]) -> VersionDiff:
    """Put together what a page shows of the changes from one version to another."""
    meant = [change for change in changes if change.kind not in _ON_SHEET]
    return VersionDiff(
        lines=tuple(_line(change) for change in meant[:LINES]),
        hidden=max(0, len(meant) - LINES),
        rearranged=len(changes) - len(meant),
        counts={word: sum(change.word == word for change in meant) for word in SIGNS},
        before=_marks(meant, gone="added"),
        after=_marks(meant, gone="removed"),
    )


# ── in words ────────────────────────────────────────────────────────────────────────────────────


def _line(change: Change) -> Difference:
    return Difference(
        word=change.word,
        title=_titled(change),
        text=diff(_json(change.before), _json(change.after)),
        place=_place(change),
    )


def _place(change: Change) -> str:
    """Say where in the drawings it is marked: on the side on which it still, or already, stands."""
    kind, level, *name = change.thing
    # What enters or leaves the whole graph is drawn nowhere.
    if not level and (
        kind == "output" or (kind == "dataflow" and name[0].startswith(GRAPH_INPUTS))
    ):
        return ""
    names = [*_around(change), *_names(change)]
    return mark_id(BEFORE if change.word == "removed" else AFTER, names[-1]) if names else ""


def _titled(change: Change) -> str:
    kind, level, *name = change.thing
    inside = f" inside of {level}" if level else ""
    if kind == "task":
        return f"Task {joined(level, name[0])}"
    if kind == "dataflow":
        return f"Dataflow {name[0]} → {name[1]}{inside}"
    if kind == "order":
        return f"Order of {name[0]}{inside}"
    if kind == "field":
        return f"{name[0].replace('_', ' ').capitalize()} of the graph{inside}"
    return f"{kind.capitalize()} {name[0]}{inside}"


def _json(value: Any) -> str:
    """Write a thing for reading; nothing for one that is not there."""
    if value is None:
        return ""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)[:LETTERS]


# ── as marks ────────────────────────────────────────────────────────────────────────────────────


def _marks(changes: Iterable[Change], *, gone: str) -> dict[str, str]:
    """Give the marks of one of the two drawings; in it nothing stands that is `gone`."""
    marks: dict[str, str] = {}
    for change in changes:
        if change.word == gone:
            continue
        for name in _names(change):
            marks[name] = change.word
    for name in [name for change in changes for name in _around(change)]:
        marks.setdefault(name, "changed")
    return marks


def _names(change: Change) -> list[str]:
    """Name what of the drawing a change is about: a task by path, dataflows by their names."""
    kind, level, *name = change.thing
    if kind == "task":
        return [joined(level, name[0])]
    if kind == "dataflow":
        return [_slug(level, name[0], name[1])]
    if kind == "output":
        ends = [each["from"] for each in (change.before, change.after) if each]
        return [_slug(level, end, f"{GRAPH_INPUTS}.{name[0]}") for end in ends]
    return []


def _around(change: Change) -> list[str]:
    """Name the tasks that a change is inside of; a closed one is all that is drawn of it."""
    level = change.thing[1]
    names = level.split("/") if level else []
    return ["/".join(names[: number + 1]) for number in range(len(names))]


def _slug(level: str, source: str, target: str) -> str:
    return slug_of(f"{_end(level, source)}..{_end(level, target)}")


def _end(level: str, end: str) -> str:
    task, _, port = end.partition(".")
    return f"{level if task == GRAPH_INPUTS else joined(level, task)}.{port}"
