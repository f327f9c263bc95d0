"""What the last run says of a draft's level: what each port gave, and which tasks changed since."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from runner.editing.draft import Draft, joined
from runner.errors import DefinitionError
from runner.graph.dataflow import GRAPH_INPUTS
from runner.graph.definition import GraphDefinition
from workflows.large_values import reference_in
from workflows.models import Run
from workflows.models.drawings import drafted
from workflows.sides import sides_of
from workflows.wording import said_size

#: So many letters of a value stand beside its port.
LETTERS = 32
#: Values longer than this are said by their size.
LONG = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceLastRun:
    """Of one level: the values by "task.port", in few letters, and the ids of changed tasks.

    A task has changed if it, or something that flows into it, is not what the run began with.
    """

    values: Mapping[str, str]
    changed: tuple[str, ...]


def since_last_run(drawing: Draft, level: str, run: Run) -> SinceLastRun:
    """Compare a level with the last run; raises DefinitionError when there is no such level."""
    now = drawing.level(level)
    outside = joined(level, "")
    values = {
        f"{path.removeprefix(outside)}.{port}": in_few_letters(text)
        for path, side in sides_of(run).items()
        if path.startswith(outside) and "/" not in path.removeprefix(outside)
        for port, text in (side.outputs or {}).items()
    }
    there = {task.id for task in now.tasks}
    return SinceLastRun(
        values={end: text for end, text in values.items() if end.partition(".")[0] in there},
        changed=tuple(changed_tasks(_level_of(run, level), now)),
    )


def changed_tasks(before: GraphDefinition, now: GraphDefinition) -> Iterator[str]:
    """Name the tasks that are not what they were, and all that follows from them."""
    old = {task.id: task for task in before.tasks}
    feeds, fed = _feeds(before), _feeds(now)
    inputs = {port.name: port for port in before.inputs}
    changed = {
        f"{GRAPH_INPUTS}.{port.name}" for port in now.inputs if inputs.get(port.name) != port
    }
    waiting = list(now.tasks)
    # Again and again, since tasks stand in the order in which they were drawn; each turn takes
    # at least one, or is the last.
    while True:
        found = [
            task
            for task in waiting
            if (was := old.get(task.id)) is None
            or replace(was, title=task.title) != task
            or fed.get(task.id) != feeds.get(task.id)
            or any(_is_from(source, changed) for source, _ in fed.get(task.id, ()))
        ]
        if not found:
            break
        changed |= {task.id for task in found}
        waiting = [task for task in waiting if task.id not in changed]
    yield from (task.id for task in now.tasks if task.id in changed)


def in_few_letters(text: str) -> str:
    """Say an encoded value beside its port: a short text as it is, a list by its length."""
    stored = reference_in(text)
    if stored is not None:
        return said_size(stored.size)
    if len(text) > LONG:
        return said_size(len(text.encode()))
    value = json.loads(text)
    if isinstance(value, list):
        return f"{len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, dict):
        tag = next(iter(value), "")
        return tag[1:] if tag.startswith("$") else f"{len(value)} field{'s'[: len(value) != 1]}"
    words = " ".join(value.split()) if isinstance(value, str) else text
    return words if len(words) <= LETTERS else f"{words[: LETTERS - 1]}…"


def _is_from(source: str, changed: set[str]) -> bool:
    return source in changed or source.partition(".")[0] in changed


def _feeds(graph: GraphDefinition) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for flow in graph.dataflows:
        found.setdefault(flow.target_end[0], set()).add((flow.source, flow.target))
    return found


def _level_of(run: Run, level: str) -> GraphDefinition:
    """Give the level as the run began with it; empty when it was not there."""
    try:
        return drafted(run.version.definition, "{}").level(level)
    except DefinitionError:
        return GraphDefinition()
