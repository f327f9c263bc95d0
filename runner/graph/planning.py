"""plan(definition, inputs, registry) -> TaskGraph; expansions during a run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.errors import DefinitionError, InputsError, PlanError, ValueFault
from runner.graph.checking import CheckedGraph, examine, joins_as_element
from runner.graph.compound import GraphAsTask
from runner.graph.control import Map
from runner.graph.dataflow import GRAPH_INPUTS
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_graph import (
    Constant,
    Expansion,
    ItemOf,
    OutputOf,
    PlannedCompound,
    PlannedTask,
    Several,
    Source,
    TaskGraph,
    paths_in,
)

_NOTHING = Constant("null")


def plan(
    definition: GraphDefinition, inputs: Mapping[str, Any], registry: TaskRegistry
) -> TaskGraph:
    """Give the graph to run; raises PlanError, or InputsError for inputs that do not fit."""
    checked = examine(definition, registry)
    if checked.problems:
        raise PlanError.of(checked.problems)
    faults = check_inputs(definition, inputs)
    if faults:
        raise InputsError(faults)
    flat = _Flattening()
    outputs = flat.lay_out(checked, _Place(), _given(checked.inputs, inputs))
    tasks = _with_elastic(flat.tasks)
    return TaskGraph(
        tasks=tasks,
        compounds=flat.compounds,
        outputs=outputs,
        definition=definition,
        dependants=dependants_of(tasks),
        skipped=tuple(flat.skipped),
    )


def check_inputs(definition: GraphDefinition, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Say by input what does not fit; empty if everything does."""
    try:
        ports = definition.input_ports()
    except ValueFault as fault:
        raise PlanError(fault.sentence) from fault
    faults = {
        name: f"{definition.label} has no input '{name}'." for name in inputs if name not in ports
    }
    for name, port in ports.items():
        sentence = _input_fault(port, inputs)
        if sentence:
            faults[name] = sentence
    return faults


def _input_fault(port: Port, inputs: Mapping[str, Any]) -> str:
    value = inputs.get(port.name)
    if value is None and not port.required:
        return ""
    if port.name not in inputs:
        return f"{port.owner} needs its input {port.name}."
    try:
        port.encode(value)
    except ValueFault as fault:
        return fault.sentence
    return ""


def _given(ports: Mapping[str, Port], inputs: Mapping[str, Any]) -> dict[str, Source]:
    """Give each input as a constant: what was given, else the default; a missing one has none."""
    found: dict[str, Source] = {}
    for name, port in ports.items():
        value = inputs.get(name)
        if value is not None or port.required:
            found[name] = Constant(port.encode(value))
        elif port.default is not None:
            found[name] = Constant(port.default)
    return found


def expand(planned: PlannedTask, width: int) -> Expansion:
    """Unfold a map into the tasks of its items: the same tasks for the same width, always."""
    body = planned.task
    if not isinstance(body, Map):
        raise DefinitionError(f"{planned.path} is no map and does not unfold.")
    flat = _Flattening()
    items = tuple(_item(flat, planned, body, index) for index in range(width))
    tasks = _with_elastic(flat.tasks)
    return Expansion(
        tasks=tasks,
        items=items,
        compounds=flat.compounds,
        dependants=dependants_of(tasks),
        skipped=tuple(flat.skipped),
    )


def _item(flat: "_Flattening", planned: PlannedTask, body: Map, index: int) -> Mapping[str, Source]:
    given = dict(planned.sources)
    for port in body.over:
        given[port] = ItemOf(planned.path, port, index)
    place = _Place(prefix=f"{planned.path}[{index}]/", parent=planned.path)
    found = flat.lay_out(body.checked, place, given)
    return {port: found.get(port, _NOTHING) for port in body.outputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a graph is laid out: what its paths begin with, and the compound around it."""

    prefix: str = ""
    parent: str | None = None


@dataclass(slots=True)
class _Flattening:
    """Lays graphs out as one flat graph, compounds taken apart."""

    tasks: dict[str, PlannedTask] = field(default_factory=dict)
    compounds: dict[str, PlannedCompound] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def lay_out(
        self, checked: CheckedGraph, place: _Place, given: Mapping[str, Source]
    ) -> dict[str, Source]:
        """Add a graph's tasks and give the sources of its outputs."""
        known: dict[tuple[str, str], Source] = {
            (GRAPH_INPUTS, name): source for name, source in given.items()
        }
        for defined in checked.order:
            sources = _sources(checked, defined, known)
            path = place.prefix + defined.id
            if defined.disabled or _lacks_input(checked.tasks[defined.id], sources):
                self.skipped.append(path)
                continue
            outputs = self._add(checked.tasks[defined.id], defined, path, place.parent, sources)
            for port, source in outputs.items():
                known[defined.id, port] = source
        return {name: known[end] for name, end in checked.outputs.items() if end in known}

    def _add(
        self,
        task: Task,
        defined: DefinedTask,
        path: str,
        parent: str | None,
        sources: dict[str, Source],
    ) -> Mapping[str, Source]:
        title = defined.title or task.title
        if isinstance(task, GraphAsTask):
            # Its place among the compounds comes before those inside it.
            self.compounds[path] = PlannedCompound(
                path=path, parent=parent, title=title, outputs={}
            )
            outputs = self.lay_out(task.checked, _Place(prefix=f"{path}/", parent=path), sources)
            self.compounds[path] = replace(self.compounds[path], outputs=outputs)
            return outputs
        self.tasks[path] = PlannedTask(
            path=path,
            task=task,
            sources=sources,
            first_chunk=self._first_chunk(task, sources),
            parent=parent,
            title=title,
            dependencies=tuple(dict.fromkeys(paths_in(sources.values()))),
        )
        return {port: OutputOf(path, port) for port in task.outputs}

    def _first_chunk(self, task: Task, sources: Mapping[str, Source]) -> frozenset[str]:
        """Name the stream inputs that may start early: a task with an effect has none."""
        if task.effect != "none":
            return _NONE
        return frozenset(
            name
            for name, port in task.inputs.items()
            if port.reads_stream and self._flows_early(sources.get(name))
        )

    def _flows_early(self, source: Source | None) -> bool:
        if not isinstance(source, OutputOf):
            return False
        # A producer that is not here lies outside of an expansion, and has ended.
        producer = self.tasks.get(source.path)
        return bool(producer and producer.task.outputs[source.port].readiness == "first-chunk")


_NONE: frozenset[str] = frozenset()


def _sources(
    checked: CheckedGraph, defined: DefinedTask, known: Mapping[tuple[str, str], Source]
) -> dict[str, Source]:
    """Give the source of every input port that has one, in the order of the ports."""
    constants = checked.constants(defined)
    feeds = checked.feeds[defined.id]
    found: dict[str, Source] = {}
    for name, port in checked.tasks[defined.id].inputs.items():
        ends = [end for end in feeds.get(name, ()) if end in known]
        if ends:
            found[name] = _joined(checked, port, ends, known, len(feeds[name]))
        elif name in constants:
            found[name] = Constant(constants[name])
    return found


def _joined(
    checked: CheckedGraph,
    port: Port,
    ends: list[tuple[str, str]],
    known: Mapping[tuple[str, str], Source],
    drawn: int,
) -> Source:
    if drawn == 1 and not joins_as_element(checked.port_of(ends[0]), port):
        return known[ends[0]]
    return Several(tuple(known[end] for end in ends))


def _lacks_input(task: Task, sources: Mapping[str, Source]) -> bool:
    """Whether a disabled task upstream leaves a required input without a source."""
    return any(port.required and name not in sources for name, port in task.inputs.items())


def dependants_of(tasks: Mapping[str, PlannedTask]) -> dict[str, tuple[str, ...]]:
    """Give the paths of the tasks that take each task's outputs."""
    found: dict[str, list[str]] = {path: [] for path in tasks}
    for path, planned in tasks.items():
        for needed in planned.dependencies:
            if needed in found:
                found[needed].append(path)
    return {path: tuple(each) for path, each in found.items()}


# ── streams that may meet again ─────────────────────────────────────────────────────────────────


def _with_elastic(tasks: dict[str, PlannedTask]) -> dict[str, PlannedTask]:
    """Mark the stream inputs whose dataflows lie in the 2-core of the undirected stream graph."""
    for path, port in meeting_again(tasks.values()):
        planned = tasks[path]
        tasks[path] = replace(planned, elastic=planned.elastic | {port})
    return tasks


def meeting_again(tasks: Iterable[PlannedTask]) -> list[tuple[str, str]]:
    """Give the (path, port) ends of first-chunk dataflows that may meet again further down.

    Takes tasks with one such dataflow away, again and again; what remains may go in a ring.
    """
    ends: dict[str, set[tuple[str, str, str]]] = {}
    for planned in tasks:
        for port in planned.first_chunk:
            for producer in paths_in((planned.sources[port],)):
                dataflow = (producer, planned.path, port)
                ends.setdefault(producer, set()).add(dataflow)
                ends.setdefault(planned.path, set()).add(dataflow)
    lonely = [path for path, dataflows in ends.items() if len(dataflows) == 1]
    while lonely:
        for dataflow in ends.pop(lonely.pop(), set()):
            other = dataflow[0] if dataflow[0] in ends else dataflow[1]
            _take_away(ends, other, dataflow, lonely)
    remaining = {dataflow for dataflows in ends.values() for dataflow in dataflows}
    return sorted((into, port) for _, into, port in remaining)


def _take_away(
    ends: dict[str, set[tuple[str, str, str]]],
    path: str,
    dataflow: tuple[str, str, str],
    lonely: list[str],
) -> None:
    left = ends[path]
    left.discard(dataflow)
    if len(left) == 1:
        lonely.append(path)
    elif not left:
        ends.pop(path)
