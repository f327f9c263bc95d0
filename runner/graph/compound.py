"""GraphAsTask, series, parallel: a graph that looks like one task."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from runner.errors import DefinitionError, ValueFault
from runner.graph.checking import CheckedGraph, demand
from runner.graph.definition import GraphDefinition
from runner.graph.policy import Policy
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task

if TYPE_CHECKING:
    from runner.graph.building import Part


@TaskRegistry.everywhere
class GraphAsTask(Task):
    """A graph that is used like one task; in a plan its inner tasks take its place."""

    name = "flow.graph"
    title = "Graph"
    policy = Policy(timeout=None, idle_timeout=None)

    def __init__(self, definition: GraphDefinition, registry: TaskRegistry) -> None:
        """Check the graph; raises DefinitionError with everything that is wrong with it."""
        super().__init__()
        self.definition = definition
        self.registry = registry
        self.checked: CheckedGraph = demand(definition, registry)
        self.title = definition.label  # type: ignore[misc]
        self.help = definition.help  # type: ignore[misc]
        self.inputs = self.checked.inputs
        self.outputs = outputs_of(self.checked)
        self.hands_on = self.checked.stream_inputs
        self.passes = self.checked.passes
        self.may_skip = self.checked.may_skip

    @classmethod
    def build(
        cls, config: Mapping[str, Any], graph: GraphDefinition | None, registry: TaskRegistry
    ) -> Self:
        """Make the compound that a definition asks for."""
        if graph is None:
            raise ValueFault("A graph used as a task needs its graph.")
        if config:
            raise ValueFault("A graph used as a task has no settings.")
        return cls(graph, registry)

    def inner_tasks(self) -> Mapping[str, Task]:
        """Give the tasks of the graph, by id."""
        return self.checked.tasks

    def execute(self, inputs: Any, context: Any) -> Any:
        """Refuse: the inner tasks are what runs."""
        raise DefinitionError(f"{self.title} is a graph; plan it and run its tasks.")


def outputs_of(checked: CheckedGraph) -> dict[str, Port]:
    """Give a graph's outputs as ports; type, readiness and mode come from inside."""
    label = checked.definition.label
    said = {output.name: output for output in checked.definition.outputs}
    found = {}
    for name, end in checked.outputs.items():
        inner = checked.port_of(end)
        found[name] = replace(
            inner,
            name=name,
            owner=label,
            title=said[name].title or inner.title,
            help=said[name].help or inner.help,
        )
    return found


def series(*tasks: "Part", name: str = "series") -> GraphAsTask:
    """Join tasks one after the other: equal port names, else the only ports, else refuse."""
    from runner.graph.building import in_series  # noqa: PLC0415 - building makes GraphAsTask

    return in_series(tasks, name)


def parallel(*tasks: "Part", name: str = "parallel") -> GraphAsTask:
    """Put tasks side by side.

    Inputs of the same name and type are shared. An output keeps its port's name if no other
    task has it, else it is called by task and port: "count_result".
    """
    from runner.graph.building import in_parallel  # noqa: PLC0415 - building makes GraphAsTask

    return in_parallel(tasks, name)
