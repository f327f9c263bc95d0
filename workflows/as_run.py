"""A run beside its definition: how the two differ, task by task, in words (pure)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from runner.graph.definition import GraphDefinition
from runner.graph.task_graph import TaskGraph
from runner.run.differences import Difference, differences
from workflows.outline import BRANCH, Outline, Place
from workflows.ports import output_ports

#: What the box of a closed place says.
INSIDE = "differs inside"


class KeptTask(NamedTuple):
    """What is kept of one task that a definition does not say; `decision` is JSON or empty."""

    path: str
    status: str
    width: int | None
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened:
    """A task of the run as `differences` asks for it."""

    status: str
    scopes: int
    not_taken: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A task that differs from its drawing: its title, those it is inside of included, and how.

    `path` is the one to open: its own if it is drawn, else that of the closed place around it.
    """

    path: str
    title: str
    words: tuple[str, ...]
    is_drawn: bool

    @property
    def said(self) -> str:
        """All of it in one phrase, such as "cached ×2, expanded ×3"."""
        return ", ".join(self.words)

    @property
    def in_box(self) -> str:
        """What its box says of it; that of a closed one leaves what is inside to the list."""
        return self.said if self.is_drawn else INSIDE


def differing(
    outline: Outline,
    definition: GraphDefinition,
    kept: Iterable[KeptTask],
    *,
    pinned: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> list[Differing]:
    """List the tasks of a run that differ from the definition, in drawn order.

    `pinned` and `left_out` are the tasks that a trial run was given, and those it did not run.
    """
    graph = TaskGraph(
        tasks={},
        compounds={},
        outputs={},
        definition=definition,
        pinned=pinned,
        left_out=left_out,
    )
    tasks = {each.path: _happened(outline.place_of(each.path), each) for each in kept}
    words: dict[str, list[str]] = {}
    for each in differences(graph, tasks):
        words.setdefault(each.path, []).append(_said(each))
    drawn = {path.replace("[]", ""): place for path, place in outline.everywhere.items()}
    return [
        Differing(
            path=_shown(outline, path),
            title=_titled(drawn, path),
            words=tuple(said),
            is_drawn=path in outline.places,
        )
        for path, said in words.items()
    ]


def _happened(place: Place | None, kept: KeptTask) -> _Happened:
    decision = json.loads(kept.decision) if kept.decision else None
    not_taken: set[str] = set()
    if place is not None and place.type == BRANCH and isinstance(decision, list):
        not_taken = set(output_ports(place) or ()).difference(decision)
    return _Happened(status=kept.status, scopes=kept.width or 0, not_taken=frozenset(not_taken))


def _said(difference: Difference) -> str:
    if difference.kind == "left-out":
        return "left out of this trial"
    if difference.kind == "pinned":
        return "given, not run"
    return difference.said()


def _shown(outline: Outline, path: str) -> str:
    """Give the path of the innermost place around a task that stands in the drawing."""
    while path not in outline.places and "/" in path:
        path = path.rpartition("/")[0]
    return path


def _titled(drawn: Mapping[str, Place], path: str) -> str:
    """Give a task's title after those that it is inside of."""
    names = path.split("/")
    outer = ["/".join(names[: number + 1]) for number in range(len(names))]
    return " › ".join(drawn[each].title if each in drawn else each for each in outer)
