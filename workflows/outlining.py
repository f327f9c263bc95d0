"""The outline editor: a level of a draft as an indented list, and the acts that its buttons mean."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from runner.editing.draft import Draft, joined, parted
from runner.editing.edit import end_in_words
from runner.editing.pasting import clip_of
from runner.errors import DefinitionError, Problem
from runner.graph.checking import CheckedGraph, examine
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.registry import TaskRegistry
from workflows.panel import Act
from workflows.sources import ends_of

ROWS_A_PAGE = 200
MOST_PLACES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineRow:
    """A task in the outline: where it stands, what flows into it, what is wrong with it."""

    path: str
    task: DefinedTask
    depth: int
    feeds: tuple[str, ...]
    problems: int
    is_first: bool
    is_last: bool

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.task.title or self.task.id

    @property
    def inside(self) -> str:
        """How many tasks there are inside; empty for a task without an inside."""
        graph = self.task.graph
        return "" if graph is None else f"{len(graph.tasks)} inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedProblem:
    """A problem with the task that it is about, and the field of the panel."""

    sentence: str
    level: str
    path: str
    field: str


def rows_of(drawing: Draft, level: str, problems: Iterable[Problem]) -> list[OutlineRow]:
    """List a level with all that is inside of it; raises DefinitionError when there is none."""
    drawing.level(level)
    wrong: dict[str, int] = {}
    for problem in problems:
        if problem.task is not None:
            wrong[problem.task] = wrong.get(problem.task, 0) + 1
    found: list[OutlineRow] = []
    waiting = list(reversed(list(_rows(drawing, level, 0, wrong))))
    while waiting:
        row = waiting.pop()
        found.append(row)
        if row.task.graph is not None:
            waiting += reversed(list(_rows(drawing, row.path, row.depth + 1, wrong)))
    return found


def _rows(drawing: Draft, level: str, depth: int, wrong: Mapping[str, int]) -> Iterator[OutlineRow]:
    graph = drawing.level(level)
    feeds: dict[str, list[str]] = {}
    for flow in graph.dataflows:
        task_id, port = flow.target_end
        words = f"{port} from {end_in_words(drawing, level, flow.source)}"
        feeds.setdefault(task_id, []).append(words)
    for number, task in enumerate(graph.tasks):
        path = joined(level, task.id)
        yield OutlineRow(
            path=path,
            task=task,
            depth=depth,
            feeds=tuple(feeds.get(task.id, ())),
            problems=wrong.get(path, 0),
            is_first=number == 0,
            is_last=number == len(graph.tasks) - 1,
        )


def placed_problems(
    drawing: Draft, problems: Iterable[Problem], registry: TaskRegistry
) -> list[PlacedProblem]:
    """Say of each problem where it can be put right."""
    return [_placed(drawing, each, registry) for each in problems]


def _placed(drawing: Draft, problem: Problem, registry: TaskRegistry) -> PlacedProblem:
    path = problem.task or ""
    try:
        kind = drawing.task(path).type if path else ""
        settings = registry.get(kind).config_ports() if kind in registry else {}
    except DefinitionError:
        path, settings = "", {}
    section = "config" if problem.port in settings else "inputs"
    field = f"at-{section}-{problem.port}" if problem.port and path else "panel"
    level = parted(path)[0]
    return PlacedProblem(sentence=problem.sentence, level=level, path=path, field=field)


# ── where a new task may go ─────────────────────────────────────────────────────────────────────


def places_of(
    drawing: Draft, level: str, registry: TaskRegistry
) -> dict[str, list[tuple[str, str]]]:
    """Group the places for a new task: after a port, before one, within a dataflow."""
    checked = examine(drawing.level(level), registry)
    graph = drawing.level(level)
    after = [(f"after {end}", words) for end, words, _ in ends_of(drawing, level, checked)]
    before = [(f"before {end}", words) for end, words in _open_ends(drawing, level, graph, checked)]
    within = [
        (
            f"within {flow.source} {flow.target}",
            f"{end_in_words(drawing, level, flow.source)} → {end_in_words(drawing, level, flow.target)}",
        )
        for flow in graph.dataflows
    ]
    groups = {"After": after, "Before": before, "Between": within}
    return {title: each[:MOST_PLACES] for title, each in groups.items() if each}


def _open_ends(
    drawing: Draft, level: str, graph: GraphDefinition, checked: CheckedGraph
) -> Iterator[tuple[str, str]]:
    fed = {flow.target for flow in graph.dataflows}
    for task_id, task in checked.tasks.items():
        for name in task.inputs:
            if f"{task_id}.{name}" not in fed:
                yield f"{task_id}.{name}", end_in_words(drawing, level, f"{task_id}.{name}")


def ends_in(place: str) -> tuple[str, str]:
    """Read a place: the source and the target that a new task is joined to, empty if there is none."""
    word, _, rest = place.partition(" ")
    if word == "within":
        source, _, target = rest.partition(" ")
        return source, target
    return (rest if word == "after" else ""), (rest if word == "before" else "")


# ── what its buttons mean ───────────────────────────────────────────────────────────────────────


def adding(level: str, kind: str, place: str) -> Act:
    """Give the act that adds a task of a type at a place."""
    source, target = ends_in(place)
    if source and target:
        return {"op": "insert", "level": level, "source": source, "target": target, "type": kind}
    return {"op": "add", "level": level, "type": kind, "source": source, "target": target}


def asked_of(drawing: Draft, data: QueryDict) -> Act:
    """Give the act that a button of the list means: one beside a task, or one for those chosen.

    Raises DefinitionError with one sentence when it means nothing.
    """
    for name, meaning in _BESIDE.items():
        if name in data:
            return meaning(drawing, str(data.get(name, "")))
    paths = data.getlist("paths")
    if not paths:
        raise DefinitionError("Choose one task or more first.")
    meaning_of_all = _OF_ALL.get(data.get("all", ""))
    if meaning_of_all is None:
        raise DefinitionError("This button is not known here; load the page again.")
    return meaning_of_all(drawing, paths, data)


def _moved(drawing: Draft, path: str, by: int) -> Act:
    level, task_id = parted(path)
    ids = [task.id for task in drawing.level(level).tasks]
    if task_id not in ids:
        raise DefinitionError(f"There is no task '{path[:140]}' any more.")
    place = min(max(ids.index(task_id) + by, 0), len(ids) - 1)
    ids.remove(task_id)
    ids.insert(place, task_id)
    return {"op": "order", "level": level, "ids": ids}


def _bridged(_drawing: Draft, path: str) -> Act:
    level, task_id = parted(path)
    return {"op": "bridge", "level": level, "id": task_id}


def _in_one_level(paths: list[str]) -> tuple[str, list[str]]:
    levels = {parted(path)[0] for path in paths}
    if len(levels) > 1:
        raise DefinitionError("Choose tasks of one level: these stand inside of different ones.")
    return levels.pop(), [parted(path)[1] for path in paths]


def _grouped(_drawing: Draft, paths: list[str], data: QueryDict) -> Act:
    level, ids = _in_one_level(paths)
    title = " ".join(data.get("title", "").split())
    return {"op": "group", "level": level, "ids": ids, "title": title or "Group"}


def _removed(_drawing: Draft, paths: list[str], _data: QueryDict) -> Act:
    level, ids = _in_one_level(paths)
    return {"op": "remove", "level": level, "ids": ids}


def _copied(drawing: Draft, paths: list[str], _data: QueryDict) -> Act:
    level, ids = _in_one_level(paths)
    return {"op": "paste", "level": level, "clip": clip_of(drawing, level, ids), "links": True}


def _disabled(*, disabled: bool) -> Callable[[Draft, list[str], QueryDict], Act]:
    return lambda _drawing, paths, _data: {"op": "disable", "paths": paths, "disabled": disabled}


_BESIDE: Mapping[str, Callable[[Draft, str], Act]] = {
    "up": lambda drawing, path: _moved(drawing, path, -1),
    "down": lambda drawing, path: _moved(drawing, path, 1),
    "bridge": _bridged,
    "unpack": lambda _, path: {"op": "unpack", "path": path},
}
_OF_ALL: Mapping[str, Callable[[Draft, list[str], QueryDict], Act]] = {
    "group": _grouped,
    "remove": _removed,
    "copy": _copied,
    "disable": _disabled(disabled=True),
    "enable": _disabled(disabled=False),
}


def page_of(rows: list[OutlineRow], start: int) -> dict[str, Any]:
    """Give a page of the rows, and where the ones before and after begin."""
    start = start if 0 <= start < len(rows) else 0
    end = start + ROWS_A_PAGE
    return {
        "rows": rows[start:end],
        "count": len(rows),
        "before": max(0, start - ROWS_A_PAGE) if start else None,
        "after": end if end < len(rows) else None,
    }
