"""Map: a graph run once for each item of a list."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from runner.errors import RunnerError
from runner.graph.control_body import BodyControl, demand_inputs, listed
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Port, Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task_graph import Constant, ItemOf, PlannedTask, Several, Source

if TYPE_CHECKING:
    from runner.graph.layout import Layout

ITEMS_AT_MOST = 10_000
_NOTHING = Constant("null")


@TaskRegistry.everywhere
class Map(BodyControl):
    """Run a graph for each item of a list, some at a time; results keep the items' order.

    The inner graph's inputs named in `over` take lists here, and go through them side by side;
    its other inputs are the same for every item. Each output is the list of the items' outputs.
    A list that is streamed gives its items as they come. With `stream` the outputs stream too,
    in item order; with `as_finished` as [index, value], in the order they are ready.
    """

    name = "flow.map"
    title = "Map"
    # Until the executor unfolds a map at the first chunk.
    starts_early: ClassVar[bool] = False

    class Config(Ports):
        """What to go over, and how many items run at the same time."""

        over: Annotated[list[str], Field(min_length=1, title="Over")]
        limit: Annotated[int, Field(ge=1, le=1000, title="At the same time")] = 8
        stream: Annotated[bool, Field(title="Stream results in item order")] = False
        as_finished: Annotated[bool, Field(title="Stream results as they finish")] = False

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check settings and body; raises ValueFault or DefinitionError."""
        super().__init__(config, definition, registry)
        self.over: tuple[str, ...] = tuple(self.config.over)
        self.limit = self.config.limit
        demand_inputs(self.over, self.checked, "map")
        self.may_skip = False  # what an item does not give is null in its place
        self.decides_on = frozenset(self.over)
        # Lists that go side by side have to be counted first.
        self.item_stream = self.over[0] if len(self.over) == 1 else ""
        self.hands_on = self.hands_on - self.decides_on
        self.inputs = {name: self._outer(port) for name, port in self.inputs.items()}
        self.outputs = {name: self._gathered(port) for name, port in self.outputs.items()}

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give how many items there are; raises RunnerError for lists of different lengths."""
        return width_of(self.title, self.over, values) if turn == 0 else None

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add the items from the first one that is not there yet."""
        for index in range(len(scopes), decision):
            given = dict(planned.sources)
            for port in self.over:
                given[port] = ItemOf(planned.path, port, index)
            layout.scope(planned, self.checked, given, name=f"{planned.path}[{index}]")

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give each output as the list of the items' outputs, null where there is none."""
        return {
            port: Several(tuple(each.get(port, _NOTHING) for each in scopes), aligned=True)
            for port in self.outputs
        }

    def _outer(self, port: Port) -> Port:
        if port.name in self.over:
            return replace(listed(port, self.title), required=True, default=None)
        return port

    def _gathered(self, port: Port) -> Port:
        gathered = listed(port, self.title)
        if not (self.config.stream or self.config.as_finished):
            return gathered
        as_finished = self.config.as_finished
        return replace(gathered, readiness="first-chunk", mode="append", indexed=as_finished)


def width_of(title: str, over: Sequence[str], values: Mapping[str, Any]) -> int:
    """Give the length that all lists have; raises RunnerError if they differ or are too long."""
    lengths = {port: len(values[port]) for port in over}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{port} has {count}" for port, count in lengths.items())
        raise RunnerError(f"The lists that {title} goes over differ in length: {said}.")
    width = max(lengths.values(), default=0)
    if width > ITEMS_AT_MOST:
        raise RunnerError(f"{title} would unfold into more than {ITEMS_AT_MOST} items.")
    return width
