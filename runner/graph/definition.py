"""GraphDefinition: what a person drew; edits return a new one; JSON in and out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runner.errors import DefinitionError, Problem, ValueFault
from runner.graph import values
from runner.graph.dataflow import GRAPH_INPUTS, Dataflow, split_end
from runner.graph.expression import Expression, expression_in
from runner.graph.port_fields import bounded, one_of
from runner.graph.port_types import in_words, parse_type
from runner.graph.ports import Port
from runner.graph.reading import read_document

if TYPE_CHECKING:
    from runner.graph.registry import TaskRegistry

VERSION = 1
#: The type of a task that is another workflow.
SUBGRAPH = "flow.subgraph"
_PLAIN_FIELDS = ("name", "title", "help", "fail_fast")

__all__ = [
    "DefinedTask", "GraphDefinition", "GraphOutput", "GraphPort", "Problem", "given_in",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPort:
    """An input of a graph; with a default it may be left out, with `choices` it is one of them."""

    name: str
    type: str = "any"
    default: Any = None
    title: str = ""
    help: str = ""
    ui: str = ""
    minimum: float | None = None
    maximum: float | None = None
    required: bool = True
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A port with a default is not required, whatever was said; choices are kept in order."""
        object.__setattr__(self, "choices", tuple(self.choices))
        if self.default is not None:
            object.__setattr__(self, "required", False)

    def as_port(self, owner: str = "") -> Port:
        """Give the port that checks values; raises ValueFault for a bad type or default."""
        port = Port(
            name=self.name,
            type=self.value_type(),
            required=self.required,
            title=self.title or self.name.replace("_", " ").capitalize(),
            help=self.help,
            ui=self.ui,
            minimum=self.minimum,
            maximum=self.maximum,
            owner=owner,
        )
        return replace(port, default=None if self.default is None else port.encode(self.default))

    def value_type(self) -> Any:
        """Give the Python type, bounds and choices included; raises ValueFault for a bad one."""
        kind = parse_type(self.type)
        if self.choices:
            return one_of(self.name, kind, self.choices)
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if bounds and self.type not in {"int", "float", "decimal"}:
            raise ValueFault(f"Input {self.name} has bounds, but {in_words(kind)} is no number.")
        return bounded(kind, self.minimum, self.maximum)

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, empty fields left out."""
        default = {} if self.default is None else {"default": values.tagged(self.default)}
        optional = not self.required and self.default is None
        return (
            {"name": self.name, "type": self.type}
            | _filled(title=self.title, help=self.help)
            | default
            | _filled(
                ui=self.ui,
                minimum=values.tagged(self.minimum),
                maximum=values.tagged(self.maximum),
                required=False if optional else None,
                choices=list(self.choices) or None,
            )
        )

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "GraphPort":
        """Read a checked JSON object."""
        optional = "default" in document and document["default"] is None
        told = {
            "default": values.untagged(document.get("default")),
            "choices": tuple(document.get("choices", ())),
        }
        port = cls(**{**document, **told})
        return replace(port, required=False) if optional else port


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOutput:
    """An output of a graph, and the "task.port" it comes from."""

    name: str
    source: str
    title: str = ""
    help: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, empty fields left out."""
        return {"name": self.name, "from": self.source} | _filled(title=self.title, help=self.help)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "GraphOutput":
        """Read a checked JSON object."""
        rest = {name: text for name, text in document.items() if name != "from"}
        return cls(source=document["from"], **rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedTask:
    """A task as it was drawn: its type, settings, and values for inputs without a dataflow.

    A setting or such a value may be an Expression instead of a constant.
    `graph` is the inside of a compound task or the body of a control. `policy` has only what
    differs from the policy of the task type.
    """

    id: str
    type: str
    title: str = ""
    disabled: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    graph: "GraphDefinition | None" = None

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object, empty fields left out, settings and inputs in order of name."""
        return {"id": self.id, "type": self.type} | _filled(
            title=self.title,
            disabled=self.disabled or None,
            config=_written(self.config),
            inputs=_written(self.inputs),
            policy=_named_values(self.policy),
            graph=self.graph.to_document(nested=True) if self.graph else None,
        )

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "DefinedTask":
        """Read a checked JSON object."""
        graph = document.get("graph")
        return cls(
            **{
                **document,
                "config": given_in(document.get("config", {})),
                "inputs": given_in(document.get("inputs", {})),
                "policy": _untagged_values(document.get("policy", {})),
                "graph": None if graph is None else GraphDefinition.from_document(graph),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphDefinition:
    """Inputs, tasks, dataflows and outputs; every edit gives a new definition.

    With `fail_fast` the first failure that nobody handles cancels the rest of the graph.
    """

    name: str = "graph"
    title: str = ""
    help: str = ""
    fail_fast: bool = False
    inputs: tuple[GraphPort, ...] = ()
    outputs: tuple[GraphOutput, ...] = ()
    tasks: tuple[DefinedTask, ...] = ()
    dataflows: tuple[Dataflow, ...] = ()

    # ── JSON ────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_json(cls, text: str | bytes) -> "GraphDefinition":
        """Read a definition; raises DefinitionError with one sentence for all that is not one."""
        return cls.from_document(read_document(text))

    def to_json(self) -> str:
        """Write the definition: the same text for the same definition, byte for byte."""
        try:
            text = values.dump(self.to_document())
            if values.is_suspect(text):
                values.check_texts(self.to_document())
        except ValueFault as fault:
            raise DefinitionError(fault.sentence) from fault
        return text

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "GraphDefinition":
        """Read a checked JSON object."""
        known = {name: document[name] for name in _PLAIN_FIELDS if name in document}
        try:
            return cls(
                **known,
                inputs=tuple(GraphPort.from_document(each) for each in document["inputs"]),
                outputs=tuple(GraphOutput.from_document(each) for each in document["outputs"]),
                tasks=tuple(DefinedTask.from_document(each) for each in document["tasks"]),
                dataflows=tuple(
                    Dataflow(each["from"], each["to"]) for each in document["dataflows"]
                ),
            )
        except ValueFault as fault:
            raise DefinitionError(fault.sentence) from fault

    def to_document(self, *, nested: bool = False) -> dict[str, Any]:
        """Give the JSON object; only the outermost one carries the version."""
        version = {} if nested else {"v": VERSION}
        return (
            version
            | {"name": self.name}
            | _filled(
                title=self.title,
                help=self.help,
                fail_fast=self.fail_fast or None,
                inputs=[port.to_document() for port in self.inputs],
                outputs=[output.to_document() for output in self.outputs],
                tasks=[task.to_document() for task in self.tasks],
                dataflows=[{"from": each.source, "to": each.target} for each in self.dataflows],
            )
        )

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    @property
    def label(self) -> str:
        """The title, or the name where there is none."""
        return self.title or self.name

    def task(self, task_id: str) -> DefinedTask:
        """Find a task; raises DefinitionError."""
        for each in self.tasks:
            if each.id == task_id:
                return each
        raise DefinitionError(f"There is no task '{task_id}' in {self.label}.")

    def input_ports(self) -> dict[str, Port]:
        """Give the graph's inputs as ports, by name; raises ValueFault for a bad one."""
        return {port.name: port.as_port(self.label) for port in self.inputs}

    def check(self, registry: "TaskRegistry") -> list[Problem]:
        """List all that keeps this from being planned; empty if nothing does."""
        from runner.graph.checking import examine  # noqa: PLC0415 - checking knows definitions

        return examine(self, registry).problems

    # ── editing ─────────────────────────────────────────────────────────────────────────────────

    def with_task(self, task: DefinedTask) -> "GraphDefinition":
        """Add a task; raises DefinitionError if its id is taken."""
        _refuse_taken(task.id, (each.id for each in self.tasks), "a task")
        return replace(self, tasks=(*self.tasks, task))

    def with_changed_task(self, task_id: str, **changes: Any) -> "GraphDefinition":
        """Change fields of a task other than its id."""
        if "id" in changes:
            raise DefinitionError("A task keeps its id; give it another title.")
        changed = replace(self.task(task_id), **changes)
        tasks = tuple(changed if each.id == task_id else each for each in self.tasks)
        return replace(self, tasks=tasks)

    def without_task(self, task_id: str) -> "GraphDefinition":
        """Take a task out, with its dataflows and the graph outputs that came from it."""
        self.task(task_id)
        return replace(
            self,
            tasks=tuple(each for each in self.tasks if each.id != task_id),
            dataflows=tuple(each for each in self.dataflows if not each.touches(task_id)),
            outputs=tuple(
                each for each in self.outputs if each.source.partition(".")[0] != task_id
            ),
        )

    def with_dataflow(self, source: str, target: str) -> "GraphDefinition":
        """Join an output port to an input port, both written "task.port"."""
        self._find_source(source)
        task_id, _ = split_end(target)
        if task_id == GRAPH_INPUTS:
            raise DefinitionError(f"Nothing can flow into '{target}'; it is the graph's own input.")
        self.task(task_id)
        dataflow = Dataflow(source, target)
        if dataflow in self.dataflows:
            raise DefinitionError(f"The dataflow from {source} to {target} is there already.")
        return replace(self, dataflows=(*self.dataflows, dataflow))

    def without_dataflow(self, source: str, target: str) -> "GraphDefinition":
        """Take a dataflow out; raises DefinitionError if it is not there."""
        dataflow = Dataflow(source, target)
        if dataflow not in self.dataflows:
            raise DefinitionError(f"There is no dataflow from {source} to {target}.")
        return replace(self, dataflows=tuple(each for each in self.dataflows if each != dataflow))

    def with_input(self, port: GraphPort) -> "GraphDefinition":
        """Add an input of the graph."""
        _refuse_taken(port.name, (each.name for each in self.inputs), "an input")
        return replace(self, inputs=(*self.inputs, port))

    def without_input(self, name: str) -> "GraphDefinition":
        """Take an input of the graph out, with what flows from it."""
        end = f"{GRAPH_INPUTS}.{name}"
        self._find_source(end)
        return replace(
            self,
            inputs=tuple(each for each in self.inputs if each.name != name),
            dataflows=tuple(each for each in self.dataflows if each.source != end),
            outputs=tuple(each for each in self.outputs if each.source != end),
        )

    def with_output(self, name: str, source: str) -> "GraphDefinition":
        """Add an output of the graph, taken from "task.port"."""
        _refuse_taken(name, (each.name for each in self.outputs), "an output")
        self._find_source(source)
        return replace(self, outputs=(*self.outputs, GraphOutput(name=name, source=source)))

    def without_output(self, name: str) -> "GraphDefinition":
        """Take an output of the graph out."""
        if all(each.name != name for each in self.outputs):
            raise DefinitionError(f"There is no output '{name}' in {self.label}.")
        return replace(self, outputs=tuple(each for each in self.outputs if each.name != name))

    def _find_source(self, source: str) -> None:
        task_id, name = split_end(source)
        if task_id != GRAPH_INPUTS:
            self.task(task_id)
        elif all(each.name != name for each in self.inputs):
            raise DefinitionError(f"There is no input '{name}' in {self.label}.")


def _refuse_taken(name: str, taken: Iterable[str], kind: str) -> None:
    if name in set(taken):
        raise DefinitionError(f"There is {kind} '{name}' already; choose another name.")


def _filled(**fields: Any) -> dict[str, Any]:
    """Leave out what is empty; 0 and False stay."""
    return {name: each for name, each in fields.items() if each not in (None, "", [], {})}


def _named_values(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.tagged(named[name], 1) for name in sorted(named)}


def _written(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: given[name].to_document()
        if isinstance(given[name], Expression)
        else values.tagged(given[name], 1)
        for name in sorted(given)
    }


def given_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read settings or inputs as they stand in JSON; raises ValueFault.

    A constant that looks like an expression is written as a $dict.
    """
    return {name: expression_in(each) or values.untagged(each) for name, each in given.items()}


def _untagged_values(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.untagged(value) for name, value in named.items()}
