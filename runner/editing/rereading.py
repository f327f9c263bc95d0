"""Reading a changed drawing again, checked as a file would be: only what is new in it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from runner.errors import DefinitionError, ValueFault
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.reading import MAX_DATAFLOWS, MAX_TASKS, read_document
from runner.graph.values import dump

#: Tasks that were read before, with their JSON objects, by the identity of these. The objects are
#: held here, so that no other one gets the identity of one that has been dropped meanwhile.
type Known = Mapping[int, tuple[Any, DefinedTask]]


def known_in(
    document: dict[str, Any], definition: GraphDefinition, is_known: Callable[[DefinedTask], bool]
) -> dict[int, tuple[Any, DefinedTask]]:
    """Give the known tasks of a definition, of all levels, by the objects that say them."""
    found: dict[int, tuple[Any, DefinedTask]] = {}
    for each, task in zip(document.get("tasks", ()), definition.tasks, strict=True):
        if is_known(task):
            found[id(each)] = each, task
        elif task.graph is not None:
            found |= known_in(each["graph"], task.graph, is_known)
    return found


def reread(document: dict[str, Any], known: Known) -> GraphDefinition:
    """Read a changed JSON object; raises DefinitionError with one sentence, as for a file.

    Known tasks are taken as they are, the very same objects, so that whoever compares this
    drawing with the one before, or examines it, sees at once what is new.
    """
    tasks = document.get("tasks", [])
    if len(tasks) > MAX_TASKS:
        raise DefinitionError(f"The definition has more than {MAX_TASKS} tasks.")
    if len(document.get("dataflows", [])) > MAX_DATAFLOWS:
        raise DefinitionError(f"The definition has more than {MAX_DATAFLOWS} dataflows.")
    fresh = [_outside(each) for each in tasks if id(each) not in known]
    try:
        text = dump({**document, "v": 1, "tasks": fresh})
    except ValueFault as fault:
        raise DefinitionError(fault.sentence) from fault
    read = GraphDefinition.from_document(read_document(text))
    new = iter(read.tasks)
    return replace(
        read,
        tasks=tuple(
            known[id(each)][1] if id(each) in known else _with_inside(next(new), each, known)
            for each in tasks
        ),
    )


def _outside(task: Any) -> Any:
    return {name: each for name, each in task.items() if name != "graph"}


def _with_inside(task: DefinedTask, document: dict[str, Any], known: Known) -> DefinedTask:
    graph = document.get("graph")
    return task if graph is None else replace(task, graph=reread(graph, known))
