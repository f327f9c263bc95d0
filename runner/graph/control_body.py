"""BodyControl: a control that runs a graph of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from runner.errors import ValueFault
from runner.graph.checking import CheckedGraph, demand
from runner.graph.compound import outputs_of
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_ports import said

if TYPE_CHECKING:
    from runner.graph.building import Part


class BodyControl(Control):
    """A control with a graph; its ports follow from the ports of that graph."""

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check settings and body; raises ValueFault or DefinitionError."""
        super().__init__(config, registry)
        self.definition = definition
        self.checked: CheckedGraph = demand(definition, registry)
        self.title = definition.title or type(self).title  # type: ignore[misc]
        self.hands_on = self.checked.stream_inputs
        self.may_skip = self.checked.may_skip
        self.fail_fast = definition.fail_fast
        self.inputs = {
            name: replace(port, owner=self.title) for name, port in self.checked.inputs.items()
        }
        self.outputs = outputs_of(self.checked)

    @classmethod
    def build(
        cls, config: Mapping[str, Any], graph: GraphDefinition | None, registry: TaskRegistry
    ) -> Self:
        """Make the control that a definition asks for."""
        if graph is None:
            raise ValueFault(f"A {cls.title.lower()} needs the graph that it runs.")
        return cls(config, graph, registry)

    def inner_tasks(self) -> Mapping[str, Task]:
        """Give the tasks of its graph, by id."""
        return self.checked.tasks

    @classmethod
    def of(cls, body: "Part", **config: Any) -> Self:
        """Make the control in code, from a task or a graph and its settings.

        Map.of(Summarise, over=["text"], limit=4)
        """
        from runner.graph.building import as_graph  # noqa: PLC0415 - building knows controls

        graph = as_graph(body)
        return cls(config, graph.definition, graph.registry)


def listed(port: Port, owner: str) -> Port:
    """Give the port that holds a list of another port's values."""
    return replace(
        final(port, owner),
        type=list[port.type],  # type: ignore[name-defined]
        minimum=None,
        maximum=None,
    )


def final(port: Port, owner: str) -> Port:
    """Give an output port as one that does not stream."""
    return replace(port, owner=owner, readiness="final", mode=None, indexed=False)


def demand_inputs(names: tuple[str, ...], checked: CheckedGraph, kind: str) -> None:
    """Raise ValueFault if a body lacks an input that its control goes over."""
    unknown = [name for name in names if name not in checked.inputs]
    if unknown:
        raise ValueFault(
            f"The {kind} goes over '{unknown[0]}', but the inputs of its graph are "
            f"{said(checked.inputs)}."
        )
