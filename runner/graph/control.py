"""Map: a graph run once for each item of a list."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import Field

from runner.errors import DefinitionError, ValueFault
from runner.graph.checking import CheckedGraph, demand
from runner.graph.compound import outputs_of
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Port, Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_ports import said


@TaskRegistry.everywhere
class Map(Task):
    """Run a graph for each item of a list, some at a time; results keep the items' order.

    The inner graph's inputs named in `over` take lists here, and go through them side by side;
    its other inputs are the same for every item. Each output is the list of the items' outputs.
    """

    name = "flow.map"
    title = "Map"
    effect = "none"

    class Config(Ports):
        """What to go over, and how many items run at the same time."""

        over: Annotated[list[str], Field(min_length=1, title="Over")]
        limit: Annotated[int, Field(ge=1, le=1000, title="At the same time")] = 8

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check settings and body; raises ValueFault or DefinitionError."""
        super().__init__(config)
        self.definition = definition
        self.checked: CheckedGraph = demand(definition, registry)
        self.over: tuple[str, ...] = tuple(self.config.over)
        self.limit: int = self.config.limit
        self._check_over()
        self.title = definition.title or type(self).title  # type: ignore[misc]
        self.inputs = {name: self._outer(port) for name, port in self.checked.inputs.items()}
        self.outputs = {
            name: _listed(port, self.title) for name, port in outputs_of(self.checked).items()
        }

    @classmethod
    def build(
        cls, config: Mapping[str, Any], graph: GraphDefinition | None, registry: TaskRegistry
    ) -> Self:
        """Make the map that a definition asks for."""
        if graph is None:
            raise ValueFault("A map needs the graph that it runs for each item.")
        return cls(config, graph, registry)

    def execute(self, inputs: Any, context: Any) -> Any:
        """Refuse: a map unfolds into the tasks of its items."""
        raise DefinitionError(f"{self.title} is a map; it unfolds and has no body of its own.")

    def _check_over(self) -> None:
        unknown = [name for name in self.over if name not in self.checked.inputs]
        if unknown:
            raise ValueFault(
                f"The map goes over '{unknown[0]}', but the inputs of its graph are "
                f"{said(self.checked.inputs)}."
            )

    def _outer(self, port: Port) -> Port:
        if port.name in self.over:
            return replace(_listed(port, self.title), required=True, default=None)
        return replace(port, owner=self.title)


def _listed(port: Port, owner: str) -> Port:
    """Give the port that holds a list of another port's values."""
    return replace(
        port,
        type=list[port.type],  # type: ignore[name-defined]
        owner=owner,
        readiness="final",
        mode=None,
        minimum=None,
        maximum=None,
    )
