"""All that can be wrong with a definition, found before a run and said in sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.errors import CycleError, DefinitionError, Problem, UnknownTaskType, ValueFault
from runner.graph.control import Control
from runner.graph.dataflow import (
    ERROR_PORT,
    GRAPH_INPUTS,
    ID_PATTERN,
    PORT_PATTERN,
    Dataflow,
    split_end,
)
from runner.graph.definition import SUBGRAPH, DefinedTask, GraphDefinition, GraphPort
from runner.graph.expression import Expression
from runner.graph.order import ordered
from runner.graph.policy import check_policy
from runner.graph.port_types import compare, is_list
from runner.graph.ports import ERROR, Port, fit, fit_element
from runner.graph.shape import bad_id, bad_name
from runner.graph.task import Task
from runner.graph.task_ports import said

if TYPE_CHECKING:
    from runner.graph.registry import TaskRegistry

MAX_NESTING = 32

type End = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedGraph:
    """A definition with its tasks made, in topological order, and all that was found wrong.

    `feeds` has the dataflows into each input port, in drawn order; `outputs` the ends that the
    graph's outputs come from; `constants` the encoded values and defaults of each task's inputs.
    `handled` are the tasks whose errors somebody takes;
    `stream_inputs` the inputs that something inside reads as streams; `passes` the outputs that
    are an input as it came; `may_skip` says that some output may be not taken, whatever comes in.
    """

    definition: GraphDefinition
    tasks: Mapping[str, Task]
    inputs: Mapping[str, Port]
    order: tuple[DefinedTask, ...]
    feeds: Mapping[str, Mapping[str, list[End]]]
    outputs: Mapping[str, End]
    problems: list[Problem]
    constants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    handled: frozenset[str] = frozenset()
    stream_inputs: frozenset[str] = frozenset()
    passes: frozenset[str] = frozenset()
    may_skip: bool = False

    def port_of(self, end: End) -> Port:
        """Find the port that a dataflow comes from; all are there if nothing is wrong."""
        task_id, name = end
        if name == ERROR_PORT:
            return ERROR
        return self.inputs[name] if task_id == GRAPH_INPUTS else self.tasks[task_id].outputs[name]


def examine(definition: GraphDefinition, registry: "TaskRegistry") -> CheckedGraph:
    """Make a definition's tasks and find all that is wrong with it."""
    memory = registry.remembered
    known = memory.graphs.get(definition) if memory else None
    if known is not None:
        return known
    try:
        check_nesting(definition)
    except DefinitionError as fault:
        return _unusable(definition, fault.problems)
    checked = _Examination(definition, registry).result()
    if memory and not any(_uses_workflows(each) for each in definition.tasks):
        memory.graphs.put(definition, checked, weight=1 + len(definition.tasks))
    return checked


def demand(definition: GraphDefinition, registry: "TaskRegistry") -> CheckedGraph:
    """Examine a definition; raises DefinitionError with everything that is wrong."""
    checked = examine(definition, registry)
    if checked.problems:
        raise DefinitionError.of(checked.problems)
    return checked


def check_nesting(definition: GraphDefinition) -> None:
    """Raise DefinitionError for graphs nested too deep; a graph inside itself is, too."""
    level = [definition]
    for _ in range(MAX_NESTING + 1):
        level = [task.graph for each in level for task in each.tasks if task.graph is not None]
        if not level:
            return
    raise DefinitionError(
        f"{definition.label} nests graphs deeper than {MAX_NESTING} levels, or contains itself."
    )


def _unusable(definition: GraphDefinition, problems: Iterable[Problem]) -> CheckedGraph:
    return CheckedGraph(
        definition=definition, tasks={}, inputs={}, order=(), feeds={}, outputs={},
        problems=list(problems),
    )  # fmt: skip


class _Examination:
    """Goes through one definition, step by step, and keeps what it finds."""

    def __init__(self, definition: GraphDefinition, registry: "TaskRegistry") -> None:
        self.definition = definition
        self.registry = registry
        self.problems: list[Problem] = []
        self.declared = {port.name for port in definition.inputs}
        self.inputs: dict[str, Port] = {}
        self.tasks: dict[str, Task] = {}
        self.defined = {each.id: each for each in definition.tasks}
        self.feeds: dict[str, dict[str, list[End]]] = {each: {} for each in self.defined}
        self.outputs: dict[str, End] = {}
        self.constants: dict[str, dict[str, str]] = {}
        self.circle: CycleError | None = None
        self.handled: set[str] = set()
        self.stream_inputs: set[str] = set()

    def result(self) -> CheckedGraph:
        """Take all steps and give what came of them."""
        self._check_inputs()
        self._make_tasks()
        for dataflow in self.definition.dataflows:
            self._check_dataflow(dataflow)
        order = self._order()
        self._let_routes_take_types(order)
        for task_id, task in self.tasks.items():
            self._check_feeds(self.defined[task_id], task)
        self._check_outputs()
        if self.circle is not None:
            self._say(self.circle.sentence, self.circle.cycle[0])
        return CheckedGraph(
            definition=self.definition,
            tasks=self.tasks,
            inputs=self.inputs,
            order=order,
            feeds=self.feeds,
            outputs=self.outputs,
            problems=self.problems,
            constants=self.constants,
            handled=frozenset(self.handled),
            stream_inputs=frozenset(self.stream_inputs),
            passes=frozenset(name for name, end in self.outputs.items() if self._passes(end)),
            may_skip=self._may_skip(),
        )

    def _passes(self, end: End) -> bool:
        """Whether what comes from here is an input as it came."""
        task_id, name = end
        return task_id == GRAPH_INPUTS or name in self.tasks[task_id].passes

    def _may_skip(self) -> bool:
        if self.handled or any(each.disabled for each in self.definition.tasks):
            return True
        return any(task.may_skip for task in self.tasks.values())

    def _say(self, sentence: str, task: str | None = None, port: str | None = None) -> None:
        self.problems.append(Problem(sentence, task, port))

    # ── ports of the graph ──────────────────────────────────────────────────────────────────────

    def _check_inputs(self) -> None:
        for port in self.definition.inputs:
            if port.name in self.inputs:
                self._say(f"Two inputs are called '{port.name}'; rename one.", port=port.name)
            elif not PORT_PATTERN.fullmatch(port.name):
                self._say(bad_name("input", port.name), port=port.name)
            else:
                self._make_input(port)

    def _make_input(self, port: GraphPort) -> None:
        try:
            self.inputs[port.name] = port.as_port(self.definition.label)
        except ValueFault as fault:
            self._say(fault.sentence, port=port.name)

    def _check_outputs(self) -> None:
        for output in self.definition.outputs:
            if output.name in self.outputs:
                self._say(f"Two outputs are called '{output.name}'; rename one.", port=output.name)
            elif not PORT_PATTERN.fullmatch(output.name):
                self._say(bad_name("output", output.name), port=output.name)
            elif end := self._source_end(output.source):
                self.outputs[output.name] = end

    # ── tasks ───────────────────────────────────────────────────────────────────────────────────

    def _make_tasks(self) -> None:
        seen: set[str] = set()
        for defined in self.definition.tasks:
            if defined.id in seen:
                self._say(f"Two tasks have the id '{defined.id}'; rename one.", defined.id)
            elif not ID_PATTERN.fullmatch(defined.id):
                self._say(bad_id(defined.id), defined.id)
            else:
                self._make_task(defined)
            seen.add(defined.id)

    def _make_task(self, defined: DefinedTask) -> None:
        memory = self.registry.remembered
        known = memory.tasks.get(defined) if memory else None
        if known is not None:
            self.tasks[defined.id], self.constants[defined.id] = known
            return
        before = len(self.problems)
        self._make_new_task(defined)
        if memory and len(self.problems) == before and not _looks_outside(defined):
            memory.tasks.put(defined, (self.tasks[defined.id], self.constants[defined.id]))

    def _make_new_task(self, defined: DefinedTask) -> None:
        try:
            kind = self.registry.get(defined.type)
            task = kind.build(defined.config, defined.graph, self.registry)
        except DefinitionError as fault:
            self.problems += [_inside(defined.id, each) for each in fault.problems]
        except (UnknownTaskType, ValueFault) as fault:
            self._say(f"Task {defined.id}: {fault.sentence}", defined.id)
        else:
            self.tasks[defined.id] = task
            self._check_constants(defined, task)
            self._check_expressions(defined, task)
            if defined.policy:
                self._check_policy(defined, task)

    def _check_policy(self, defined: DefinedTask, task: Task) -> None:
        title = _title(defined, task)
        try:
            policy = task.policy.overridden(defined.policy)
            check_policy(policy, title, task.effect, task.needs)
        except ValueFault as fault:
            self._say(f"Task {defined.id}: {fault.sentence}", defined.id)
        else:
            if policy.cache and isinstance(task, Control):
                self._say(f"{title} cannot be cached; cache the tasks inside it.", defined.id)
            if policy.is_queued and (isinstance(task, Control) or task.inner_tasks()):
                self._say(f"{title} has no body to post; post the tasks inside it.", defined.id)

    def _check_expressions(self, defined: DefinedTask, task: Task) -> None:
        from runner.graph.computing import expression_faults  # noqa: PLC0415 - it knows compounds

        for name, sentence in expression_faults(defined, task, self.inputs):
            self._say(sentence, defined.id, name)

    def _check_constants(self, defined: DefinedTask, task: Task) -> None:
        found = {
            name: port.default for name, port in task.inputs.items() if port.default is not None
        }
        self.constants[defined.id] = found
        for name, value in defined.inputs.items():
            port = task.inputs.get(name)
            if port is None:
                self._say(_no_port("input", name, defined, task.inputs), defined.id, name)
                continue
            if isinstance(value, Expression):
                found.pop(name, None)
                continue
            try:
                found[name] = port.encode(value)
            except ValueFault as fault:
                self._say(fault.sentence, defined.id, name)

    # ── dataflows ───────────────────────────────────────────────────────────────────────────────

    def _check_dataflow(self, dataflow: Dataflow) -> None:
        source = self._source_end(dataflow.source)
        target = self._target_end(dataflow.target)
        if source is not None and target is not None:
            task_id, name = target
            self.feeds[task_id].setdefault(name, []).append(source)

    def _source_end(self, text: str) -> End | None:
        """Read where a dataflow comes from; None, and a problem said, if it is nowhere."""
        begin, _, port = text.partition(".")
        if begin in self.tasks and port in self.tasks[begin].outputs:
            return begin, port
        end = self._split(text)
        if end is None:
            return None
        task_id, name = end
        if task_id == GRAPH_INPUTS:
            if name in self.declared:
                return end
            self._say(f"{self.definition.label} has no input '{name}'.", port=name)
            return None
        task = self.tasks.get(task_id)
        if task is not None and name == ERROR_PORT:
            self.handled.add(task_id)
            return end
        self._say_missing(end, "output", task.outputs if task else None)
        return None

    def _target_end(self, text: str) -> End | None:
        """Read where a dataflow goes to; None, and a problem said, if it is nowhere."""
        begin, _, port = text.partition(".")
        if begin in self.tasks and port in self.tasks[begin].inputs:
            return begin, port
        end = self._split(text)
        if end is None:
            return None
        task_id, name = end
        if task_id == GRAPH_INPUTS:
            self._say(f"Nothing can flow into '{text}'; it is the graph's own input.", port=name)
            return None
        task = self.tasks.get(task_id)
        self._say_missing(end, "input", task.inputs if task else None)
        return None

    def _split(self, text: str) -> End | None:
        try:
            return split_end(text)
        except DefinitionError as fault:
            self._say(fault.sentence)
            return None

    def _say_missing(self, end: End, kind: str, ports: Mapping[str, Port] | None) -> None:
        """Say that a task or port is not there; a task that could not be made has had its say."""
        task_id, name = end
        if ports is not None:
            self._say(_no_port(kind, name, self.defined[task_id], ports), task_id, name)
        elif task_id not in self.defined:
            self._say(f"There is no task '{task_id}' for '{task_id}.{name}'.")

    def _check_feeds(self, defined: DefinedTask, task: Task) -> None:
        feeds = self.feeds[defined.id]
        for name, port in task.inputs.items():
            ends = feeds.get(name, [])
            if len(ends) > 1 and not takes_several(port):
                self._say(_second_dataflow(defined, port, ends), defined.id, name)
            elif ends and isinstance(defined.inputs.get(name), Expression):
                self._say(_fed_twice(defined, task, name), defined.id, name)
            elif ends:
                self._check_fit(defined, task, port, ends)
            elif port.required and name not in defined.inputs:
                self._say(
                    f"{_title(defined, task)} needs its input {name}: "
                    "draw a dataflow to it or give a value.",
                    defined.id,
                    name,
                )

    def _check_fit(self, defined: DefinedTask, task: Task, port: Port, ends: list[End]) -> None:
        judge = fit if len(ends) == 1 else fit_element
        for end in ends:
            source = self._source_port(end)
            if source is None:
                continue
            found = judge(source, port)
            if found.verdict == "misfit":
                self._say(found.reason, defined.id, port.name)
                return
            if end[0] == GRAPH_INPUTS and (port.reads_stream or port.name in task.hands_on):
                self.stream_inputs.add(end[1])
            if end[0] == GRAPH_INPUTS and _may_be_missing(source, port, defined):
                self._say(
                    f"Input {source.name} may be left out and has no default, but "
                    f"port {port.name} of {port.owner} needs a value.",
                    defined.id,
                    port.name,
                )

    def _source_port(self, end: End) -> Port | None:
        task_id, name = end
        if task_id == GRAPH_INPUTS:
            return self.inputs.get(name)
        return ERROR if name == ERROR_PORT else self.tasks[task_id].outputs[name]

    # ── order ───────────────────────────────────────────────────────────────────────────────────

    def _order(self) -> tuple[DefinedTask, ...]:
        """Sort the tasks so that each comes after what it needs; none in a circle."""
        try:
            return tuple(self.defined[task_id] for task_id in ordered(self.feeds))
        except CycleError as fault:
            self.circle = fault
            return ()

    def _let_routes_take_types(self, order: Iterable[DefinedTask]) -> None:
        """Give the outputs of controls that only route the types of what flows in."""
        if not any(isinstance(task, Control) and task.routes for task in self.tasks.values()):
            return
        for defined in order:
            task = self.tasks.get(defined.id)
            if isinstance(task, Control) and task.routes:
                self.tasks[defined.id] = task.fed(self._ports_into(defined.id))

    def _ports_into(self, task_id: str) -> dict[str, list[Port]]:
        found = {
            name: [self._source_port(end) for end in ends]
            for name, ends in self.feeds[task_id].items()
        }
        return {
            name: [port for port in ports if port is not None]
            for name, ports in found.items()
            if None not in ports
        }


def takes_several(port: Port) -> bool:
    """Whether several dataflows may end at an input port."""
    return port.several_streams or (is_list(port.type) and not port.reads_stream)


def joins_as_element(source: Port, target: Port) -> bool:
    """Whether a lone dataflow gives one element of a list rather than the whole list."""
    if target.several_streams:
        return True
    return takes_several(target) and compare(source.type, target.type) == "misfit"


def _may_be_missing(source: Port, port: Port, defined: DefinedTask) -> bool:
    optional = not source.required and source.default is None
    return optional and port.required and port.name not in defined.inputs


def _inside(task_id: str, problem: Problem) -> Problem:
    path = f"{task_id}/{problem.task}" if problem.task else task_id
    return replace(problem, task=path)


def _title(defined: DefinedTask, task: Task) -> str:
    return defined.title or task.title or defined.id


def _looks_outside(defined: DefinedTask) -> bool:
    """Whether what is made of a task depends on the inputs of its graph, or on other workflows."""
    given = (*defined.config.values(), *defined.inputs.values())
    return any(isinstance(each, Expression) for each in given) or _uses_workflows(defined)


def _uses_workflows(defined: DefinedTask) -> bool:
    """Whether another workflow is used here or inside: it may be another one next time."""
    inside = defined.graph.tasks if defined.graph is not None else ()
    return defined.type == SUBGRAPH or any(_uses_workflows(each) for each in inside)


def _no_port(kind: str, name: str, defined: DefinedTask, ports: Mapping[str, Port]) -> str:
    return f"Task {defined.id} has no {kind} '{name}'; it has {said(ports)}."


def _fed_twice(defined: DefinedTask, task: Task, name: str) -> str:
    return (
        f"Input {name} of {_title(defined, task)} has an expression and a dataflow; take one away."
    )


def _second_dataflow(defined: DefinedTask, port: Port, ends: list[End]) -> str:
    sources = " and ".join(f"{task_id}.{name}" for task_id, name in ends)
    return (
        f"Port {port.name} of {defined.title or defined.id} takes one dataflow, "
        f"but {sources} flow into it; take one away."
    )
