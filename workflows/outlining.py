"""The outline editor: a level of a draft as an indented list, its problems, where a task may go."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.editing.draft import Draft, joined, parted
from runner.editing.edit import end_in_words
from runner.errors import DefinitionError, Problem
from runner.graph.checking import CheckedGraph, examine
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.registry import TaskRegistry
from workflows.last_run import SinceLastRun
from workflows.sources import ends_of

ROWS_A_PAGE = 200
MOST_PLACES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineRow:
    """A task in the outline: where it stands, what flows into it, what is wrong with it.

    `gave` says what its ports gave in the last run, which may have run another task than this.
    """

    path: str
    task: DefinedTask
    depth: int
    feeds: tuple[str, ...]
    problems: int
    is_first: bool
    is_last: bool
    gave: tuple[str, ...] = ()
    is_changed: bool = False

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


def rows_of(
    drawing: Draft, level: str, problems: Iterable[Problem], since: SinceLastRun | None = None
) -> list[OutlineRow]:
    """List a level with all that is inside of it; raises DefinitionError when there is none."""
    drawing.level(level)
    wrong: dict[str, int] = {}
    for problem in problems:
        if problem.task is not None:
            wrong[problem.task] = wrong.get(problem.task, 0) + 1
    found: list[OutlineRow] = []
    first = [_with(row, since) for row in _rows(drawing, level, 0, wrong)]
    waiting = list(reversed(first))
    while waiting:
        row = waiting.pop()
        found.append(row)
        if row.task.graph is not None:
            waiting += reversed(list(_rows(drawing, row.path, row.depth + 1, wrong)))
    return found


def _with(row: OutlineRow, since: SinceLastRun | None) -> OutlineRow:
    """Add what the last run says of a task of the level that is shown."""
    if since is None:
        return row
    ends = ((end.partition("."), value) for end, value in since.values.items())
    gave = tuple(f"{port}: {value}" for (task, _, port), value in ends if task == row.task.id)
    return replace(row, gave=gave, is_changed=row.task.id in since.changed)


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
    within = [(f"within {end}", words) for end, words in _flows(drawing, level, graph)]
    groups = {"After": after, "Before": before, "Between": within}
    return {title: each[:MOST_PLACES] for title, each in groups.items() if each}


def flows_of(drawing: Draft, level: str) -> list[tuple[str, str]]:
    """Name the dataflows of a level that a task may be put into: both ends, and in words."""
    return list(_flows(drawing, level, drawing.level(level)))[:MOST_PLACES]


def _flows(drawing: Draft, level: str, graph: GraphDefinition) -> Iterator[tuple[str, str]]:
    for flow in graph.dataflows:
        source = end_in_words(drawing, level, flow.source)
        yield (
            f"{flow.source} {flow.target}",
            f"{source} → {end_in_words(drawing, level, flow.target)}",
        )


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
