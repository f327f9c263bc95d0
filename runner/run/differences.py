"""How a run differs from what was drawn, as data and in words."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.task_graph import TaskGraph
from runner.run.status import TaskStatus

Kind = Literal[
    "expanded", "branch-not-taken", "cached", "skipped", "disabled", "pinned", "left-out"
]
_SCOPE = re.compile(r"\[\d+\]", re.ASCII)
_LOOPS = frozenset({"flow.map", "flow.reduce", "flow.while"})
_BRANCH = "flow.branch"


class TaskView(Protocol):
    """What is asked of a task of the run, whoever keeps it."""

    @property
    def status(self) -> str:
        """Where it stands, one of TaskStatus."""

    @property
    def scopes(self) -> int:
        """How many items, turns or alternatives it has unfolded into; 0 for most tasks."""

    @property
    def not_taken(self) -> Collection[str]:
        """The output ports that are not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, at a task by its drawn path: without the numbers of items and turns.

    `detail` names the branch that was not taken. `count` says how often it is so: in how many
    items and turns, or into how many of them a task expanded.
    """

    path: str
    kind: Kind
    detail: str = ""
    count: int = 1

    def said(self) -> str:
        """Say it in a few words, such as "expanded ×12" or "branch big not taken"."""
        if self.kind == "expanded":
            return f"expanded ×{self.count}"
        words = self.kind.replace("-", " ")
        if self.kind == "branch-not-taken":
            words = f"branch {self.detail} not taken"
        return words if self.count == 1 else f"{words} ×{self.count}"


def differences(graph: TaskGraph, tasks: Mapping[str, TaskView]) -> list[Difference]:
    """List how a run differs from its definition, in the order in which its tasks were drawn.

    `tasks` has those of the run by path, unfolded ones included.
    """
    drawn = _Drawn(graph.definition)
    counts: dict[tuple[str, Kind, str], int] = {}
    skipped = frozenset(graph.skipped)
    happened = {path: task for path, task in tasks.items() if path not in skipped}
    for path, kind, detail, count in (*_planned(graph, drawn), *_happened(happened, drawn)):
        key = (_SCOPE.sub("", path), kind, detail)
        counts[key] = counts.get(key, 0) + count
    found = [
        Difference(path=path, kind=kind, detail=detail, count=count)
        for (path, kind, detail), count in counts.items()
    ]
    return sorted(found, key=lambda each: drawn.position(each.path))


type _Found = tuple[str, Kind, str, int]


def _planned(graph: TaskGraph, drawn: "_Drawn") -> Iterator[_Found]:
    for path in graph.pinned:
        yield path, "pinned", "", 1
    for path in graph.left_out:
        yield path, "left-out", "", 1
    for path in graph.skipped:
        yield path, "disabled" if drawn.is_disabled(path) else "skipped", "", 1


def _happened(tasks: Mapping[str, TaskView], drawn: "_Drawn") -> Iterator[_Found]:
    for path, task in tasks.items():
        kind = drawn.kind(path)
        completed = task.status == TaskStatus.COMPLETED
        if task.status == TaskStatus.CACHED:
            yield path, "cached", "", 1
        elif task.status == TaskStatus.SKIPPED:
            yield path, "disabled" if drawn.is_disabled(path) else "skipped", "", 1
        if task.scopes > 1 or (kind in _LOOPS and (task.scopes or completed)):
            yield path, "expanded", "", task.scopes
        if kind == _BRANCH and completed:
            for port in sorted(task.not_taken):
                yield path, "branch-not-taken", port, 1


class _Drawn:
    """Finds tasks in a definition by their paths in a run; those of other workflows it lacks."""

    def __init__(self, definition: GraphDefinition) -> None:
        self._tasks: dict[str, DefinedTask] = {}
        self._positions: dict[str, int] = {}
        self._add(definition, "")

    def _add(self, definition: GraphDefinition, prefix: str) -> None:
        for task in definition.tasks:
            path = prefix + task.id
            self._positions[path] = len(self._positions)
            self._tasks[path] = task
            if task.graph is not None:
                self._add(task.graph, f"{path}/")

    def kind(self, path: str) -> str:
        """Give the type of a task; empty for one that is not drawn here."""
        task = self._tasks.get(_SCOPE.sub("", path))
        return "" if task is None else task.type

    def is_disabled(self, path: str) -> bool:
        """Whether a task was disabled where it was drawn."""
        task = self._tasks.get(_SCOPE.sub("", path))
        return task is not None and task.disabled

    def position(self, path: str) -> tuple[int, str]:
        """Give the place of a path in drawn order; what is not drawn here follows what it is in."""
        known = path
        while known not in self._positions and "/" in known:
            known = known.rpartition("/")[0]
        return self._positions.get(known, len(self._positions)), path
