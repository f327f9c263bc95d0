"""A definition as an outline: every task, compound and map, in order, with its dataflows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

COMPOUND = "flow.graph"
MAP = "flow.map"
GRAPH_INPUTS = "$inputs"

Kind = Literal["task", "compound", "map"]


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

    @property
    def slug(self) -> str:
        """The path as an element's id."""
        return slug_of(self.path)

    @property
    def name(self) -> str:
        """The last word of the path."""
        return self.path.rpartition("/")[2]


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
        """Give every place below, parents before children; the inside of a map is not drawn."""
        for place in self.places:
            yield place
            if place.kind == "compound" and place.body is not None:
                yield from place.body.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The whole definition as places by path, and the level they hang from."""

    name: str
    title: str
    help: str
    level: Level
    places: Mapping[str, Place]
    outputs: tuple[tuple[str, str], ...]

    def place_of(self, path: str) -> Place | None:
        """Find a place; a path inside a map's item finds its place in the map's body.

        None when the definition has no such task.
        """
        if path in self.places:
            return self.places[path]
        outer, bracket, rest = path.partition("[")
        body = self.places[outer].body if bracket and outer in self.places else None
        inner = rest.partition("]/")[2]
        if body is None or not inner:
            return None
        return {place.path: place for place in body.walk()}.get(f"{outer}[]/{inner}")


@lru_cache(maxsize=256)
def outline_of(definition: str) -> Outline:
    """Read a definition's JSON text; unknown task types are drawn like any other."""
    document = json.loads(definition)
    level = _level(document, path="", depth=0, numbers=_Numbers())
    return Outline(
        name=str(document.get("name", "")),
        title=str(document.get("title") or document.get("name", "")),
        help=str(document.get("help", "")),
        level=level,
        places={place.path: place for place in level.walk()},
        outputs=tuple(
            (str(each.get("name", "")), str(each.get("from", "")))
            for each in document.get("outputs", ())
        ),
    )


class _Numbers:
    """Counts the places in drawing order."""

    def __init__(self) -> None:
        self.last = -1

    def next(self) -> int:
        self.last += 1
        return self.last


def _level(document: Mapping[str, Any], *, path: str, depth: int, numbers: _Numbers) -> Level:
    inside = f"{path}/" if path else ""
    places = tuple(
        _place(each, inside=inside, parent=path, depth=depth, numbers=numbers)
        for each in document.get("tasks", ())
    )
    flows = [
        _flow(str(each["from"]), str(each["to"]), inside) for each in document.get("dataflows", ())
    ]
    if path:
        flows += [_leaving(each, inside) for each in document.get("outputs", ())]
    return Level(path=path, places=places, flows=tuple(flows))


def _place(
    task: Mapping[str, Any], *, inside: str, parent: str, depth: int, numbers: _Numbers
) -> Place:
    path = f"{inside}{task['id']}"
    kind: Kind = {COMPOUND: "compound", MAP: "map"}.get(str(task.get("type")), "task")  # type: ignore[assignment]
    number = numbers.next()
    body = _body(task, path=path, kind=kind, depth=depth, numbers=numbers)
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
    )


def _body(
    task: Mapping[str, Any], *, path: str, kind: Kind, depth: int, numbers: _Numbers
) -> Level | None:
    """Read the inside of a compound or a map; None for a plain task."""
    graph = task.get("graph")
    if kind == "task" or not isinstance(graph, Mapping):
        return None
    if kind == "map":
        return _level(graph, path=f"{path}[]", depth=depth + 1, numbers=_Numbers())
    return _level(graph, path=path, depth=depth + 1, numbers=numbers)


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
