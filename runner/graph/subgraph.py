"""SubGraph: another workflow as one task; Enclosed: a graph that ends as a whole."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.graph.compound import GraphAsTask
from runner.graph.control import Control
from runner.graph.task_graph import PlannedTask, Source

if TYPE_CHECKING:
    from runner.graph.layout import Layout


class Enclosed(Control):
    """A graph used as a task whose failure is handled: it completes or fails as a whole.

    It is made by a plan, never drawn; its scope is the graph, under the same paths as always.
    """

    name = "flow.enclosed"

    def __init__(self, graph: GraphAsTask) -> None:
        super().__init__(None, graph.registry)
        self.checked = graph.checked
        self.title = graph.title  # type: ignore[misc]
        self.help = graph.help  # type: ignore[misc]
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self.hands_on, self.may_skip = graph.hands_on, graph.may_skip
        self.fail_fast = graph.definition.fail_fast

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
        """Add the graph."""
        layout.scope(planned, self.checked, planned.sources, name=planned.path)

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give what the graph gives."""
        return scopes[-1]
