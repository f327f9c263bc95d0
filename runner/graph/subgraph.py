"""SubGraph: another workflow as one task; Enclosed: a graph that ends as a whole."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from runner.errors import RunnerError, ValueFault
from runner.graph.checking import CheckedGraph
from runner.graph.compound import GraphAsTask, outputs_of
from runner.graph.control import Control
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Port, Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_graph import PlannedTask, Source

if TYPE_CHECKING:
    from runner.graph.layout import Layout


class _Whole(Control):
    """A control that unfolds once, into one graph."""

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Unfold once."""
        del values
        return 0 if turn == 0 else None

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add the graph, under the paths it would have as a compound."""
        layout.scope(planned, self.graph_inside(), planned.sources, name=planned.path)

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give what the graph gives."""
        return scopes[-1]

    def graph_inside(self) -> CheckedGraph:
        """Give the graph it unfolds into."""
        raise NotImplementedError


class Enclosed(_Whole):
    """A graph used as a task whose failure is handled: it completes or fails as a whole.

    A plan makes it; nobody draws it.
    """

    name = "flow.enclosed"

    def __init__(self, graph: GraphAsTask) -> None:
        super().__init__(None, graph.registry)
        self.graph = graph
        self.title = graph.title  # type: ignore[misc]
        self.help = graph.help  # type: ignore[misc]
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self.hands_on, self.may_skip = graph.hands_on, graph.may_skip
        self.fail_fast = graph.definition.fail_fast

    def graph_inside(self) -> CheckedGraph:
        """Give the graph it unfolds into."""
        return self.graph.checked

    def inner_tasks(self) -> Mapping[str, Task]:
        """Give the tasks of the graph, by id."""
        return self.graph.checked.tasks


@TaskRegistry.everywhere
class SubGraph(_Whole):
    """Run another workflow as one task.

    The registry knows the workflows that may be named. Inside itself, where a workflow's own
    outputs are not known yet, they are any values.
    """

    name = "flow.subgraph"
    title = "Workflow"
    nests: ClassVar[int] = 1

    class Config(Ports):
        """Which workflow to run."""

        workflow: Annotated[str, Field(min_length=1, title="Workflow")]

    def __init__(self, config: Mapping[str, Any] | None, registry: TaskRegistry) -> None:
        """Find the workflow; raises ValueFault if it is not there or has problems of its own."""
        super().__init__(config, registry)
        self.workflow: str = self.config.workflow
        self.definition_inside = _workflow(self.workflow, registry)
        checked = registry.examined(self.workflow)
        self.title = self.definition_inside.label  # type: ignore[misc]
        self.fail_fast = self.definition_inside.fail_fast
        if checked is None:
            self._take_names()
        elif checked.problems:
            raise ValueFault(
                f"The workflow '{self.workflow}' cannot run: {checked.problems[0].sentence}"
            )
        else:
            self._take_ports(checked)

    @classmethod
    def build(
        cls, config: Mapping[str, Any], graph: GraphDefinition | None, registry: TaskRegistry
    ) -> Self:
        """Make the sub-graph that a definition asks for."""
        if graph is not None:
            raise ValueFault("A workflow used as a task has its graph already.")
        return cls(config, registry)

    def graph_inside(self) -> CheckedGraph:
        """Give the graph it unfolds into; raises RunnerError if it cannot run."""
        checked = self.registry.examined(self.workflow)
        if checked is None or checked.problems:
            raise RunnerError(f"The workflow '{self.workflow}' cannot run.")
        return checked

    def inner_tasks(self) -> Mapping[str, Task]:
        """Give the tasks of the workflow, by id; none where it is inside itself."""
        checked = self.registry.examined(self.workflow)
        return {} if checked is None else checked.tasks

    def _take_ports(self, checked: CheckedGraph) -> None:
        self.inputs, self.outputs = checked.inputs, outputs_of(checked)
        self.hands_on, self.may_skip = checked.stream_inputs, checked.may_skip

    def _take_names(self) -> None:
        """Take what is known of a workflow that is being looked at right now."""
        owner = self.definition_inside.label
        self.inputs = self.definition_inside.input_ports()
        self.outputs = {
            each.name: Port(name=each.name, type=Any, title=each.title, owner=owner)
            for each in self.definition_inside.outputs
        }
        self.hands_on, self.may_skip = frozenset(self.inputs), True


def _workflow(name: str, registry: TaskRegistry) -> GraphDefinition:
    found = registry.workflows.get(name)
    if found is None:
        near = get_close_matches(name[:80], registry.workflows, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ValueFault(f"There is no workflow '{name:.80}' that can be used here.{hint}")
    return found
