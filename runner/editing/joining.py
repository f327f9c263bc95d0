"""How a task is joined: which of its ports fits an end, also before it is set up."""

from collections.abc import Mapping

from runner.errors import DefinitionError, RunnerError
from runner.graph.checking import CheckedGraph, examine
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS, Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.ports import ERROR, Port, fit
from runner.graph.registry import TaskRegistry
from runner.graph.task import ports_of_class


def fits(checked: CheckedGraph, source: str, target: str) -> bool:
    """Whether a dataflow could be drawn between two ends, as far as their types go."""
    try:
        flow = Dataflow(source, target)
        given = checked.port_of(flow.source_end)
        wanted = checked.tasks[flow.target_end[0]].inputs[flow.target_end[1]]
    except (KeyError, RunnerError):
        return False
    return verdict(given, wanted) != "misfit"


def verdict(source: Port, target: Port) -> str:
    """Say whether a port fits another, as a whole or as one element of a list."""
    return fit(source, target).verdict


def ports_of(
    level: GraphDefinition, task: DefinedTask, registry: TaskRegistry
) -> tuple[Mapping[str, Port], Mapping[str, Port]] | None:
    """Give the inputs and outputs of a task in a level, also of one that is not set up yet.

    None for a type that says its ports only when it is set up.
    """
    made = examine(level, registry).tasks.get(task.id)
    if made is not None:
        return made.inputs, made.outputs
    try:
        ports = ports_of_class(registry.get(task.type))
    except RunnerError:
        return None
    return ports if any(ports) else None


def port_at(level: GraphDefinition, end: str, registry: TaskRegistry) -> Port | None:
    """Give the port that a value comes from; None where there is none."""
    task_id, name = Dataflow(end, end).source_end
    if task_id == GRAPH_INPUTS:
        return examine(level, registry).inputs.get(name)
    if name == ERROR_PORT:
        return ERROR
    found = next((each for each in level.tasks if each.id == task_id), None)
    ports = found and ports_of(level, found, registry)
    return ports[1].get(name) if ports else None


def takes(level: GraphDefinition, source: str, port: Port, registry: TaskRegistry) -> bool:
    """Whether a port takes what comes from an end, as far as their types go."""
    given = port_at(level, source, registry)
    return given is not None and verdict(given, port) != "misfit"


def joined_to_ends(
    level: GraphDefinition, task_id: str, registry: TaskRegistry, source: str, target: str
) -> GraphDefinition:
    """Join a task to a source, and to a target, by the first port that fits."""
    task = level.task(task_id)
    ports = ports_of(level, task, registry)
    if ports is None:
        raise DefinitionError(
            f"{task.type} cannot be used as it is; set it up before it is joined."
        )
    inputs, outputs = ports
    fed = {each.target for each in level.dataflows}
    title = task.title or task.id
    if source:
        for name in _required_first(inputs):
            end = f"{task_id}.{name}"
            if end not in fed and takes(level, source, inputs[name], registry):
                return level.with_dataflow(source, end)
        raise DefinitionError(f"{title} has no input that takes what {source} gives.")
    reader, into = Dataflow(target, target).target_end
    wanted = (ports_of(level, level.task(reader), registry) or ({}, {}))[0].get(into)
    for name, port in outputs.items():
        if wanted is not None and verdict(port, wanted) != "misfit":
            return level.with_dataflow(f"{task_id}.{name}", target)
    raise DefinitionError(f"{title} has no output that {target} takes.")


def _required_first(ports: Mapping[str, Port]) -> list[str]:
    return sorted(ports, key=lambda name: not ports[name].required)
