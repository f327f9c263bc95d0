"""What no drawing may have, whatever task types are installed: said of a file before it is taken in."""

from collections.abc import Collection, Iterable

from runner.errors import DefinitionError
from runner.graph.dataflow import (
    ERROR_PORT,
    GRAPH_INPUTS,
    ID_PATTERN,
    PORT_PATTERN,
    split_end,
)
from runner.graph.definition import GraphDefinition
from runner.graph.order import ordered


def check_shape(definition: GraphDefinition) -> None:
    """Raise DefinitionError for names that are none, doubles, ends at nothing, and circles.

    It looks into every level; the definition must not nest too deep (see `check_nesting`).
    """
    waiting = [definition]
    while waiting:
        level = waiting.pop()
        _check_names(level)
        _check_ends(level)
        waiting += [task.graph for task in level.tasks if task.graph is not None]


def bad_id(task_id: str) -> str:
    """Say that this is no id for a task."""
    return (
        f"'{task_id[:80]}' is no id for a task; use up to 64 letters, digits, hyphens and "
        "underscores."
    )


def bad_name(kind: str, name: str) -> str:
    """Say that this is no name for an input or an output."""
    return (
        f"'{name[:80]}' is no name for an {kind}; use up to 64 letters, digits and underscores, "
        "and no digit first."
    )


def _check_names(level: GraphDefinition) -> None:
    for task_id in (ids := [task.id for task in level.tasks]):
        if not ID_PATTERN.fullmatch(task_id):
            raise DefinitionError(bad_id(task_id))
    if twice := _double(ids):
        raise DefinitionError(f"Two tasks have the id '{twice}'; rename one.")
    for kind, ports in (("input", level.inputs), ("output", level.outputs)):
        for name in (names := [port.name for port in ports]):
            if not PORT_PATTERN.fullmatch(name):
                raise DefinitionError(bad_name(kind, name))
        if twice := _double(names):
            raise DefinitionError(f"Two {kind}s are called '{twice}'; rename one.")


def _double(names: Iterable[str]) -> str:
    """Give the first name that comes twice; empty when none does."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _check_ends(level: GraphDefinition) -> None:
    ids = {task.id for task in level.tasks}
    inputs = {port.name for port in level.inputs}
    feeds: dict[str, dict[str, list[tuple[str, str]]]] = {task_id: {} for task_id in ids}
    for flow in level.dataflows:
        source = _source(flow.source, ids, inputs)
        target, port = split_end(flow.target)
        if target == GRAPH_INPUTS or port == ERROR_PORT:
            raise DefinitionError(f"Nothing can flow into '{flow.target[:140]}'.")
        _check_task(flow.target, target, ids)
        feeds[target].setdefault(port, []).append(source)
    for output in level.outputs:
        _source(output.source, ids, inputs)
    ordered(feeds)


def _source(end: str, ids: Collection[str], inputs: Collection[str]) -> tuple[str, str]:
    task_id, port = split_end(end)
    if task_id != GRAPH_INPUTS:
        _check_task(end, task_id, ids)
    elif port not in inputs:
        raise DefinitionError(f"There is no input '{port}' for '{end}'.")
    return task_id, port


def _check_task(end: str, task_id: str, ids: Collection[str]) -> None:
    if task_id not in ids:
        raise DefinitionError(f"There is no task '{task_id}' for '{end}'.")
