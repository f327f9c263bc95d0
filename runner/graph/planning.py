"""plan(definition, inputs, registry) -> TaskGraph; unfoldings during a run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.errors import DefinitionError, InputsError, PlanError, RunnerError, ValueFault
from runner.graph.checking import MAX_NESTING, examine
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.layout import Layout, Outer, Place, nowhere
from runner.graph.meeting import meeting_again, with_elastic
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task_graph import (
    Constant,
    OutputOf,
    PlannedTask,
    Source,
    TaskGraph,
    Unfolding,
)
from runner.graph.trial import Trial

__all__ = ["check_inputs", "dependants_of", "meeting_again", "plan", "unfold"]


def plan(
    definition: GraphDefinition,
    inputs: Mapping[str, Any],
    registry: TaskRegistry,
    *,
    only: Collection[str] = (),
    until: Collection[str] = (),
    pins: Mapping[str, Mapping[str, Any]] | None = None,
    items: Mapping[str, int] | None = None,
    draft: bool = False,
) -> TaskGraph:
    """Give the graph to run; raises PlanError, or InputsError for inputs that do not fit.

    A trial run runs `only` the tasks that are named, or those named in `until` with all that
    they need; tasks in `pins` do not run, their outputs are given by port; maps in `items` go
    through the item at that index only. Of a `draft` every run is a trial.
    """
    checked = examine(definition, registry)
    if checked.problems:
        raise PlanError.of(checked.problems)
    trial = (
        Trial(checked, only=only, until=until, pins=pins, items=items)
        if only or until or pins or items
        else None
    )
    faults = _faults(definition, inputs, trial)
    if faults:
        raise InputsError(faults)
    layout = Layout()
    graph = trial.graph if trial else checked
    outputs = layout.lay_out(graph, Place(), _given(checked.inputs, inputs), trial)
    tasks = with_elastic(layout.tasks)
    return TaskGraph(
        tasks=tasks,
        compounds=layout.compounds,
        outputs=outputs,
        definition=definition,
        dependants=dependants_of(tasks),
        skipped=tuple(layout.skipped),
        fail_fast=definition.fail_fast,
        trial=draft or trial is not None,
        pinned=trial.pinned if trial else (),
        left_out=trial.left_out if trial else (),
    )


def _faults(
    definition: GraphDefinition, inputs: Mapping[str, Any], trial: Trial | None
) -> dict[str, str]:
    """Say by input what does not fit; a trial run needs only what its tasks take."""
    faults = check_inputs(definition, inputs)
    return {
        name: sentence
        for name, sentence in faults.items()
        if trial is None or name in inputs or trial.needs_input(name)
    }


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
        if value is not None or (port.required and name in inputs):
            found[name] = Constant(port.encode(value))
        elif port.default is not None:
            found[name] = Constant(port.default)
    return found


def unfold(
    planned: PlannedTask,
    decision: Any,
    scopes: Sequence[Mapping[str, Source]] = (),
    outer: Outer = nowhere,
) -> Unfolding:
    """Give the tasks that a decision of a control adds: the same for the same decision, always.

    `scopes` are the outputs of the scopes it has so far; the new ones are given. `outer` finds
    the tasks outside that streams flow in from. Raises RunnerError for sub-graphs too deep.
    """
    control = planned.task
    if not isinstance(control, Control):
        raise DefinitionError(f"{planned.path} is no control and does not unfold.")
    depth = planned.depth + control.nests
    if depth > MAX_NESTING:
        raise RunnerError(
            f"{planned.title} nests workflows deeper than {MAX_NESTING} levels; "
            "a workflow that calls itself needs a way to end."
        )
    layout = Layout(outer, depth=depth, uncertain=_uncertain(planned, control, scopes))
    control.lay_out(layout, planned, decision, scopes)
    tasks = {path: _with_slack(each) for path, each in layout.tasks.items()}
    return Unfolding(
        tasks=tasks,
        compounds=layout.compounds,
        dependants=dependants_of(tasks),
        skipped=tuple(layout.skipped),
        scopes=tuple(layout.scopes),
    )


def _uncertain(
    planned: PlannedTask, control: Control, scopes: Sequence[Mapping[str, Source]]
) -> set[OutputOf]:
    """Give the outputs that its scopes begin with and that may be not taken.

    A control unfolds only once its required inputs are taken; one with a default says itself
    what else it takes.
    """
    ports = control.inputs
    found = [
        source
        for name, source in planned.sources.items()
        if not ports[name].required and ports[name].default is None
    ]
    if control.may_skip:
        found += [source for each in scopes[-1:] for source in each.values()]
    return {source for source in found if isinstance(source, OutputOf)}


def _with_slack(planned: PlannedTask) -> PlannedTask:
    """Let no stream that is read in an unfolding hold its producer back.

    Whether it may meet another one again depends on tasks that are not there yet.
    """
    return replace(planned, elastic=planned.first_chunk) if planned.first_chunk else planned


def dependants_of(tasks: Mapping[str, PlannedTask]) -> dict[str, tuple[str, ...]]:
    """Give the paths of the tasks that take each task's outputs."""
    found: dict[str, list[str]] = {path: [] for path in tasks}
    for path, planned in tasks.items():
        for needed in planned.dependencies:
            if needed in found:
                found[needed].append(path)
    return {path: tuple(each) for path, each in found.items()}
