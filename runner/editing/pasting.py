"""Acts with a clipboard: copy gives a part of a level as JSON, paste puts it down anywhere."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from runner.editing.draft import Draft, joined
from runner.editing.edit import At, InLevel, free_id
from runner.editing.sheet import Sheet
from runner.errors import DefinitionError
from runner.graph.dataflow import Dataflow
from runner.graph.definition import GraphDefinition
from runner.graph.reading import read_document
from runner.graph.registry import TaskRegistry
from runner.graph.values import dump

STEP = 32


def clip_of(draft: Draft, level: str, ids: Iterable[str]) -> dict[str, Any]:
    """Copy tasks of a level, the dataflows among them, and those that lead in from outside.

    Gives a JSON object with `graph` (a definition of just these tasks), `links` (dataflows from
    outside), and `positions` by id.
    """
    chosen = set(ids)
    graph = draft.level(level)
    tasks = tuple(task for task in graph.tasks if task.id in chosen)
    if len(tasks) != len(chosen):
        raise DefinitionError("Something to copy is no longer there.")
    into = [flow for flow in graph.dataflows if flow.target_end[0] in chosen]
    within = tuple(flow for flow in into if flow.source_end[0] in chosen)
    part = GraphDefinition(name="clip", tasks=tasks, dataflows=within)
    inside = joined(level, "")
    return {
        "graph": part.to_document(),
        "links": [[flow.source, flow.target] for flow in into if flow not in within],
        "positions": {
            path.removeprefix(inside): list(spot)
            for path, spot in draft.sheet.positions.items()
            if path.startswith(inside) and path.removeprefix(inside).partition("/")[0] in chosen
        },
    }


class Paste(InLevel):
    """Put down what was copied, under free ids; with `links` also what led into it."""

    op: Literal["paste"] = "paste"
    clip: dict[str, Any]
    at: At | None = None
    links: bool = False

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Add the tasks with their dataflows and places."""
        del registry
        part, links, sheet = _read_clip(self.clip)
        level = draft.level(self.level)
        names: dict[str, str] = {}
        for task in part.tasks:
            names[task.id] = free_id(level, task.id, names.values())
        tasks = tuple(replace(task, id=names[task.id]) for task in part.tasks)
        flows = [
            Dataflow(_end(flow.source, names), _end(flow.target, names)) for flow in part.dataflows
        ]
        if self.links:
            flows += [
                Dataflow(source, _end(target, names))
                for source, target in links
                if _is_there(level, source)
            ]
        pasted = draft.changed(
            self.level,
            lambda level: replace(
                level, tasks=level.tasks + tasks, dataflows=level.dataflows + tuple(flows)
            ),
        )
        return pasted.on(positions={**pasted.sheet.positions, **self._spots(sheet, names)})

    def words(self, draft: Draft) -> str:
        """Say how many tasks."""
        del draft
        graph = self.clip.get("graph")
        count = len(graph.get("tasks", ())) if isinstance(graph, dict) else 0
        return f"Paste {count} task{'' if count == 1 else 's'}"

    def _spots(self, sheet: Sheet, names: dict[str, str]) -> dict[str, tuple[int, int]]:
        """Put the part down as a whole: at a place, or a step beside where it was copied."""
        spots = sheet.positions
        if not spots:
            return {}
        left, top = min(x for x, _ in spots.values()), min(y for _, y in spots.values())
        dx, dy = (
            (STEP, STEP) if self.at is None else (round(self.at[0]) - left, round(self.at[1]) - top)
        )
        found = {}
        for path, (x, y) in spots.items():
            first, slash, rest = path.partition("/")
            moved = (x, y) if slash else (x + dx, y + dy)
            found[joined(self.level, f"{names[first]}{slash}{rest}")] = moved
        return found


def _read_clip(clip: dict[str, Any]) -> tuple[GraphDefinition, list[tuple[str, str]], Sheet]:
    try:
        part = GraphDefinition.from_document(read_document(dump(clip["graph"])))
        links = [(source, target) for source, target in clip.get("links", [])]
        ids = {task.id for task in part.tasks}
        known = all(isinstance(end, str) for pair in links for end in pair) and all(
            target.partition(".")[0] in ids for _, target in links
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise DefinitionError("What is in the clipboard is no part of a workflow.") from fault
    if not known or len(ids) != len(part.tasks):
        raise DefinitionError("What is in the clipboard is no part of a workflow.")
    sheet = Sheet.from_document({"positions": clip.get("positions", {})})
    there = {path for path in sheet.positions if path.partition("/")[0] in ids}
    return part, links, Sheet(positions={path: sheet.positions[path] for path in there})


def _end(end: str, names: dict[str, str]) -> str:
    task_id, _, port = end.partition(".")
    return f"{names.get(task_id, task_id)}.{port}"


def _is_there(level: GraphDefinition, source: str) -> bool:
    task_id, _, port = source.partition(".")
    if task_id == "$inputs":
        return any(each.name == port for each in level.inputs)
    return any(each.id == task_id for each in level.tasks)
