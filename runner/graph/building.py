"""Graphs built in Python: a builder, and tasks joined in series or side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from runner.errors import DefinitionError
from runner.graph.compound import GraphAsTask
from runner.graph.control import Control
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS, Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.policy import Policy
from runner.graph.port_types import is_list, portable_name
from runner.graph.ports import ERROR, Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_ports import said
from runner.graph.values import decode

type Part = Task | type[Task]


class OutputPort:
    """An output port of a task in a graph under construction."""

    __slots__ = ("end", "port")

    def __init__(self, end: str, port: Port) -> None:
        self.end = end
        self.port = port


class AddedTask:
    """A task in a graph under construction; its output ports are attributes or keys.

    `error` is what went wrong with it; an output port of that name is a key only.
    """

    def __init__(self, task_id: str, task: Task) -> None:
        self.id = task_id
        self.task = task

    @property
    def error(self) -> OutputPort:
        """Its error port; whatever takes it handles the failure of the task."""
        return OutputPort(f"{self.id}.{ERROR_PORT}", ERROR)

    def __getitem__(self, port: str) -> OutputPort:
        """Give an output port by name."""
        if port == ERROR_PORT:
            return self.error
        if port not in self.task.outputs:
            raise DefinitionError(
                f"Task {self.id} has no output '{port}'; it has {said(self.task.outputs)}."
            )
        return OutputPort(f"{self.id}.{port}", self.task.outputs[port])

    def __getattr__(self, port: str) -> OutputPort:
        """Give an output port by name."""
        if port.startswith("__"):
            raise AttributeError(port)
        return self[port]


class GraphBuilder:
    """Builds a definition, and a registry that knows the task classes it uses.

    graph = GraphBuilder("shout")
    text = graph.input("text", "str", default="hello")
    loud = graph.add("upper", Upper, text=text)
    graph.output("loud", loud.result)
    plan(graph.definition, {}, graph.registry)
    """

    def __init__(
        self,
        name: str,
        *,
        title: str = "",
        help: str = "",  # noqa: A002 - the field of a definition is called so
        fail_fast: bool = False,
        registry: TaskRegistry | None = None,
    ) -> None:
        self.definition = GraphDefinition(name=name, title=title, help=help, fail_fast=fail_fast)
        self.registry = registry.copy() if registry is not None else TaskRegistry()

    def input(self, name: str, kind: str = "any", **fields: Any) -> OutputPort:
        """Add an input of the graph."""
        port = GraphPort(name=name, type=kind, **fields)
        self.definition = self.definition.with_input(port)
        return OutputPort(f"{GRAPH_INPUTS}.{name}", port.as_port(self.definition.label))

    def add(
        self,
        task_id: str,
        part: Part,
        /,
        *,
        policy: Policy | Mapping[str, Any] | None = None,
        **inputs: Any,
    ) -> AddedTask:
        """Add a task; an input is an output port, a list of output ports, an `expression`, or
        a value.

        `policy` says what differs from the policy of the task type, as in
        {"retry": {"attempts": 3}, "timeout": 60}.
        """
        task = part if isinstance(part, Task) else part()
        flows, given = _told_apart(inputs)
        defined = replace(
            _defined(task_id, task, given, self.registry), policy=_policy_document(policy)
        )
        self.definition = self.definition.with_task(defined)
        for name, source in flows:
            self.definition = self.definition.with_dataflow(source.end, f"{task_id}.{name}")
        return AddedTask(task_id, task)

    def draw(
        self, task_id: str, kind: str, /, *, graph: "GraphBuilder | None" = None, **fields: Any
    ) -> None:
        """Add a task by the name of its type, as a person draws it; `connect` joins it.

        `fields` are those of a DefinedTask: title, disabled, config, inputs, policy; `graph` is
        what is inside of it. The type may be unknown here.
        """
        inside = graph.definition if graph is not None else None
        defined = DefinedTask(id=task_id, type=kind, graph=inside, **fields)
        self.definition = self.definition.with_task(defined)

    def connect(self, source: str, target: str) -> None:
        """Join two ports, both written "task.port"; "$inputs.port" is an input of the graph.

        A port that takes several values may take one twice.
        """
        flow = Dataflow(source, target)
        self.definition = replace(self.definition, dataflows=(*self.definition.dataflows, flow))

    def output(
        self,
        name: str,
        source: OutputPort | str,
        *,
        title: str = "",
        help: str = "",  # noqa: A002 - the field of a definition is called so
    ) -> None:
        """Add an output of the graph, from a port or from "task.port"."""
        end = source if isinstance(source, str) else source.end
        added = self.definition.with_output(name, end)
        told = replace(added.outputs[-1], title=title, help=help)
        self.definition = replace(added, outputs=(*added.outputs[:-1], told))

    def as_task(self) -> GraphAsTask:
        """Give the graph as one task; raises DefinitionError if anything is wrong with it."""
        return GraphAsTask(self.definition, self.registry)


def _policy_document(policy: Policy | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(policy, Policy):
        return policy.to_document()
    return dict(policy or {})


def _told_apart(
    inputs: Mapping[str, Any],
) -> tuple[list[tuple[str, OutputPort]], dict[str, Any]]:
    flows: list[tuple[str, OutputPort]] = []
    given: dict[str, Any] = {}
    for name, value in inputs.items():
        several = value if isinstance(value, list) else [value]
        if several and all(isinstance(each, OutputPort) for each in several):
            flows += [(name, each) for each in several]
        else:
            given[name] = value
    return flows, given


def _defined(
    task_id: str, task: Task, inputs: Mapping[str, Any], registry: TaskRegistry
) -> DefinedTask:
    """Describe a task made in code, and see that the registry knows its type."""
    registry.register(type(task))
    graph = getattr(task, "definition", None)
    if isinstance(task, GraphAsTask | Control):
        registry.update(task.registry)
    return DefinedTask(
        id=task_id,
        type=task.name,
        title="" if task.title == type(task).title or graph else task.title,
        config=task.config.model_dump(exclude_defaults=True) | dict(task.expressions),
        inputs=dict(inputs),
        graph=graph,
    )


def as_graph(part: "Part | GraphBuilder") -> GraphAsTask:
    """Give a part as a graph: a builder's graph, or a task alone in one, its ports exposed."""
    if isinstance(part, GraphBuilder):
        return part.as_task()
    if isinstance(part, GraphAsTask):
        return part
    task = part if isinstance(part, Task) else part()
    return in_parallel([task], _base_id(task))


def as_alternatives(parts: Sequence[Part]) -> GraphAsTask:
    """Put tasks side by side that are no parts of one result: their graph has no outputs."""
    tasks = _with_ids(parts)
    return _assembled("alternatives", tasks, {task_id: {} for task_id, _ in tasks}, ())


# ── series and parallel ─────────────────────────────────────────────────────────────────────────


def in_series(parts: Sequence[Part], name: str) -> GraphAsTask:
    """Join tasks one after the other (see `series`)."""
    tasks = _with_ids(parts)
    joined: dict[str, dict[str, str]] = {task_id: {} for task_id, _ in tasks}
    for (from_id, source), (to_id, target) in pairwise(tasks):
        for output, port in _pairs(from_id, source, to_id, target):
            joined[to_id][port] = f"{from_id}.{output}"
    last_id, last = tasks[-1]
    outputs = [GraphOutput(name=port, source=f"{last_id}.{port}") for port in last.outputs]
    return _assembled(name, tasks, joined, outputs)


def in_parallel(parts: Sequence[Part], name: str) -> GraphAsTask:
    """Put tasks side by side (see `parallel`)."""
    tasks = _with_ids(parts)
    every = [(task_id, port) for task_id, task in tasks for port in task.outputs]
    names = [port for _, port in every]
    outputs = [
        GraphOutput(
            name=port if names.count(port) == 1 else _port_name(task_id, port),
            source=f"{task_id}.{port}",
        )
        for task_id, port in every
    ]
    return _assembled(name, tasks, {task_id: {} for task_id, _ in tasks}, outputs)


def _with_ids(parts: Sequence[Part]) -> list[tuple[str, Task]]:
    if not parts:
        raise DefinitionError("Give at least one task.")
    found: dict[str, Task] = {}
    for part in parts:
        task = part if isinstance(part, Task) else part()
        base = _base_id(task)
        repeats = (f"{base}_{count}" for count in range(2, len(parts) + 2))
        task_id = next(each for each in (base, *repeats) if each not in found)
        found[task_id] = task
    return list(found.items())


def _base_id(task: Task) -> str:
    name = task.definition.name if isinstance(task, GraphAsTask) else task.name
    return name.rpartition(".")[2][:60] or "task"


def _pairs(from_id: str, source: Task, to_id: str, target: Task) -> list[tuple[str, str]]:
    """Give the (output, input) pairs to join."""
    equal = [(port, port) for port in source.outputs if port in target.inputs]
    if equal:
        return equal
    inputs = list(target.inputs)
    needed = [port for port in inputs if target.inputs[port].required]
    only = inputs if len(inputs) == 1 else needed
    if len(source.outputs) == 1 and len(only) == 1:
        return [(next(iter(source.outputs)), only[0])]
    raise DefinitionError(
        f"It is not clear how {from_id} feeds {to_id}: {from_id} gives {said(source.outputs)}; "
        f"{to_id} takes {said(inputs)}. Name the ports alike, or draw the dataflows."
    )


def _assembled(
    name: str,
    tasks: Sequence[tuple[str, Task]],
    joined: Mapping[str, Mapping[str, str]],
    outputs: Iterable[GraphOutput],
) -> GraphAsTask:
    """Make the graph; inputs that nothing feeds become inputs of the graph."""
    registry = TaskRegistry()
    ports: dict[str, GraphPort] = {}
    dataflows: list[Dataflow] = []
    for task_id, task in tasks:
        for port in task.inputs.values():
            end = joined[task_id].get(port.name) or _exposed(ports, task_id, port)
            dataflows.append(Dataflow(end, f"{task_id}.{port.name}"))
    definition = GraphDefinition(
        name=name,
        inputs=tuple(ports.values()),
        outputs=tuple(outputs),
        tasks=tuple(_defined(task_id, task, {}, registry) for task_id, task in tasks),
        dataflows=tuple(dataflows),
    )
    return GraphAsTask(definition, registry)


def _exposed(ports: dict[str, GraphPort], task_id: str, port: Port) -> str:
    """Find or add the graph's input for a port, and give its end."""
    wanted = graph_port(port.name, port)
    if port.name in ports and ports[port.name] != wanted:
        wanted = graph_port(_port_name(task_id, port.name), port)
    ports[wanted.name] = wanted
    return f"{GRAPH_INPUTS}.{wanted.name}"


def graph_port(name: str, port: Port) -> GraphPort:
    """Give the input of a graph that takes what a task's input takes."""
    grows = port.reads_stream and port.type not in (str, Any) and not is_list(port.type)
    kind = portable_name(list[port.type] if grows else port.type)  # type: ignore[name-defined]
    numeric = kind in {"int", "float", "decimal"}
    return GraphPort(
        name=name,
        type=kind,
        default=None if port.default is None else decode(port.default),
        title=port.title,
        help=port.help,
        ui=port.ui,
        minimum=port.minimum if numeric else None,
        maximum=port.maximum if numeric else None,
        required=port.required,
    )


def _port_name(task_id: str, port: str) -> str:
    return f"{task_id}_{port}".replace("-", "_")
