"""A definition as an outline: every task, compound and control, in order, with its dataflows.

A *compound* is open: what is inside has its path and stands in the drawing. A *map* (or a loop)
and a *workflow* are closed: what is inside comes with the run, under `path[3]/` or `path/`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from workflows.models import Run

BRANCH = "flow.branch"
FALLBACK = "flow.fallback"
FIRST_OF = "flow.first_of"
MERGE = "flow.merge"
WHILE = "flow.while"
CHOICES = frozenset({FALLBACK, FIRST_OF})
GRAPH_INPUTS = "$inputs"

Kind = Literal["task", "compound", "map", "workflow"]
_KINDS: Mapping[str, Kind] = {
    "flow.graph": "compound",
    FALLBACK: "compound",
    FIRST_OF: "compound",
    "flow.map": "map",
    "flow.reduce": "map",
    WHILE: "map",
    "flow.subgraph": "workflow",
}
#: How deep workflows within workflows are read; one may contain itself.
WORKFLOWS = 3
_ITEM = re.compile(r"\[\d+\]")


def slug_of(path: str) -> str:
    """Name a task's path so that it can be an element's id."""
    return path.replace("/", "--").replace("[", "-_").replace("]", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One task of the definition: where it stands and how it is called."""

    path: str
    title: str
    type: str
    kind: Kind
    depth: int
    parent: str
    number: int
    leaves: int = 1
    body: "Level | None" = None
    config: Mapping[str, Any] | None = None
    inputs: Mapping[str, Any] | None = None
    graph: Mapping[str, Any] | None = None

    @property
    def slug(self) -> str:
        """The path as an element's id."""
        return slug_of(self.path)

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_closed(self) -> bool:
        """Whether what is inside is not part of the drawing."""
        return self.kind in {"map", "workflow"}

    @property
    def opens(self) -> str:
        """The sign that follows its own path in the paths of what is inside."""
        return "[" if self.kind == "map" else "/"

    @property
    def inside(self) -> str:
        """What the paths inside of a closed one begin with; `[]` stands for each item."""
        return f"{self.path}[]/" if self.kind == "map" else f"{self.path}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A dataflow inside one level; an empty task name means the level's own border."""

    source: str
    source_port: str
    target: str
    target_port: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The inside of one compound (or the whole definition, whose path is empty)."""

    path: str
    places: tuple[Place, ...]
    flows: tuple[Flow, ...]

    def walk(self) -> Iterator[Place]:
        """Give every place below, parents before children; not what is inside of closed ones."""
        for place in self.places:
            yield place
            if place.kind == "compound" and place.body is not None:
                yield from place.body.walk()

    def walk_all(self) -> Iterator[Place]:
        """Give every place below, those inside of closed ones too."""
        for place in self.places:
            yield place
            if place.body is not None:
                yield from place.body.walk_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The whole definition as places by path, and the level they hang from.

    `everywhere` has those inside of closed ones too, with `[]` for each item.
    """

    name: str
    title: str
    help: str
    level: Level
    places: Mapping[str, Place]
    everywhere: Mapping[str, Place]
    outputs: tuple[tuple[str, str], ...]

    def place_of(self, path: str) -> Place | None:
        """Find a place; a path inside an item finds its place in the body.

        None when the definition has no such task.
        """
        return self.everywhere.get(_ITEM.sub("[]", path))

    def closed_around(self, path: str) -> list[str]:
        """Give the paths of the closed places that a path lies in, the outermost first."""
        found = []
        for position, sign in enumerate(path):
            outer = self.place_of(path[:position]) if sign in "/[" else None
            if outer is not None and outer.is_closed and path[position] == outer.opens:
                found.append(path[:position])
        return found


@lru_cache(maxsize=256)
def outline_of(definition: str, workflows: str = "{}") -> Outline:
    """Read a definition's JSON text; unknown task types are drawn like any other.

    `workflows` is a JSON object with the definitions of the workflows it is made of, by name.
    """
    document = json.loads(definition)
    reading = _Reading(json.loads(workflows))
    level = reading.level(document, path="", depth=0, numbers=_Numbers())
    return Outline(
        name=str(document.get("name", "")),
        title=str(document.get("title") or document.get("name", "")),
        help=str(document.get("help", "")),
        level=level,
        places={place.path: place for place in level.walk()},
        everywhere={place.path: place for place in level.walk_all()},
        outputs=tuple(
            (str(each.get("name", "")), str(each.get("from", "")))
            for each in document.get("outputs", ())
        ),
    )


def outline_for(run: Run) -> Outline:
    """Give the outline of what a run was started from, the workflows it is made of included."""
    return outline_of(run.version.definition, run.workflows)


class _Numbers:
    """Counts the places in drawing order."""

    def __init__(self) -> None:
        self.last = -1

    def next(self) -> int:
        self.last += 1
        return self.last


class _Reading:
    """Reads levels, and the workflows that are used within them."""

    def __init__(self, workflows: Mapping[str, str]) -> None:
        self._workflows = workflows
        self._within = 0

    def level(
        self, document: Mapping[str, Any], *, path: str, depth: int, numbers: _Numbers
    ) -> Level:
        """Read one level; `path` is the compound's, and empty for the whole definition."""
        inside = f"{path}/" if path else ""
        places = tuple(
            self._place(each, inside=inside, parent=path, depth=depth, numbers=numbers)
            for each in document.get("tasks", ())
        )
        flows = [
            _flow(str(each["from"]), str(each["to"]), inside)
            for each in document.get("dataflows", ())
        ]
        if path:
            flows += [_leaving(each, inside) for each in document.get("outputs", ())]
        return Level(path=path, places=places, flows=tuple(flows))

    def _place(
        self, task: Mapping[str, Any], *, inside: str, parent: str, depth: int, numbers: _Numbers
    ) -> Place:
        path = f"{inside}{task['id']}"
        kind = _KINDS.get(str(task.get("type")), "task")
        number = numbers.next()
        body = self._body(task, path=path, kind=kind, depth=depth, numbers=numbers)
        return Place(
            path=path,
            title=str(task.get("title") or task["id"]),
            type=str(task.get("type", "")),
            kind=kind,
            depth=depth,
            parent=parent,
            number=number,
            leaves=sum(each.leaves for each in body.places) if body else 1,
            body=body,
            config=task.get("config") or {},
            inputs=task.get("inputs") or {},
            graph=task.get("graph"),
        )

    def _body(
        self, task: Mapping[str, Any], *, path: str, kind: Kind, depth: int, numbers: _Numbers
    ) -> Level | None:
        """Read what is inside of a place; None for a plain task, and where it is not known."""
        graph = task.get("graph")
        if kind == "workflow":
            return self._workflow(task, path, depth)
        if kind == "task" or not isinstance(graph, Mapping):
            return None
        if kind == "map":
            return self.level(graph, path=f"{path}[]", depth=depth + 1, numbers=_Numbers())
        return self.level(graph, path=path, depth=depth + 1, numbers=numbers)

    def _workflow(self, task: Mapping[str, Any], path: str, depth: int) -> Level | None:
        text = self._workflows.get(str((task.get("config") or {}).get("workflow")))
        if text is None or self._within == WORKFLOWS:
            return None
        self._within += 1
        found = self.level(json.loads(text), path=path, depth=depth + 1, numbers=_Numbers())
        self._within -= 1
        return found


def _flow(source: str, target: str, inside: str) -> Flow:
    source_task, _, source_port = source.partition(".")
    target_task, _, target_port = target.partition(".")
    return Flow(
        source="" if source_task == GRAPH_INPUTS else f"{inside}{source_task}",
        source_port=source_port,
        target=f"{inside}{target_task}",
        target_port=target_port,
    )


def _leaving(output: Mapping[str, Any], inside: str) -> Flow:
    task, _, port = str(output.get("from", "")).partition(".")
    source = "" if task == GRAPH_INPUTS else f"{inside}{task}"
    return Flow(source=source, source_port=port, target="", target_port=str(output["name"]))
