"""Map, Reduce, While: a graph run again and again, for each item or until a condition ends it."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from runner.errors import RunnerError, ValueFault
from runner.graph.conditions import check_condition, holds
from runner.graph.control import Again
from runner.graph.control_body import BodyControl, demand_inputs, final, listed
from runner.graph.definition import GraphDefinition
from runner.graph.port_types import compare, in_words
from runner.graph.ports import Port, Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task_graph import Constant, ItemOf, PlannedTask, Several, Source
from runner.graph.task_ports import said

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
    #: The one item that a trial run goes through; None for all of them.
    item: int | None = None

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
        self.inputs = {
            name: _over(port, self.title) if name in self.over else port
            for name, port in self.inputs.items()
        }
        self.outputs = {name: self._gathered(port) for name, port in self.outputs.items()}

    def with_item(self, item: int) -> Self:
        """Give the map as it goes through one item only: the one at this index, as its first."""
        alone = copy(self)
        alone.item = item
        alone.item_stream = ""  # the whole list says whether there is such an item
        return alone

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give how many items there are; raises RunnerError for lists of different lengths."""
        if turn:
            return None
        width = width_of(self.title, self.over, values)
        if self.item is None:
            return width
        if self.item >= width:
            count = f"{width} item{'' if width == 1 else 's'}"
            raise RunnerError(f"{self.title} has no item {self.item + 1}: its list has {count}.")
        return 1

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
                given[port] = ItemOf(planned.path, port, self.item or index)
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

    def _gathered(self, port: Port) -> Port:
        gathered = listed(port, self.title)
        if not (self.config.stream or self.config.as_finished):
            return gathered
        as_finished = self.config.as_finished
        return replace(gathered, readiness="first-chunk", mode="append", indexed=as_finished)


def _over(port: Port, owner: str) -> Port:
    """Give the port that takes a list where the body takes an item."""
    return replace(listed(port, owner), required=True, default=None)


@TaskRegistry.everywhere
class Reduce(BodyControl):
    """Run a graph for one item after the other, handing on what the one before gave.

    Every output of the graph is an input of the same name, too: what it starts with, then what
    the last item gave. Without items the outputs are what it started with.
    """

    name = "flow.reduce"
    title = "Reduce"

    class Config(Ports):
        """What to go over."""

        over: Annotated[list[str], Field(min_length=1, title="Over")]

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check settings and body; raises ValueFault or DefinitionError."""
        super().__init__(config, definition, registry)
        self.over: tuple[str, ...] = tuple(self.config.over)
        demand_inputs(self.over, self.checked, "reduce")
        _demand_carried(self)
        carried = next((name for name in self.over if name in self.outputs), None)
        if carried is not None:
            raise ValueFault(
                f"{self.title} goes over '{carried}' and hands it on too; give the item another "
                "name."
            )
        self.decides_on = frozenset(self.over)
        self.hands_on = self.hands_on - self.decides_on
        self.inputs = {
            name: _over(port, self.title) if name in self.over else port
            for name, port in self.inputs.items()
        }
        self.outputs = {name: final(port, self.title) for name, port in self.outputs.items()}

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give how many items there are; raises RunnerError for lists of different lengths."""
        return width_of(self.title, self.over, values) if turn == 0 else None

    def current(
        self, planned: PlannedTask, scopes: Sequence[Mapping[str, Source]]
    ) -> Mapping[str, Source]:
        """Give the inputs, what is handed on coming from the last item."""
        return _carried_on(self, planned, scopes)

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add the items from the first one that is not there yet, in a chain."""
        before = list(scopes[-1:])
        for index in range(len(scopes), decision):
            given = dict(self.current(planned, before))
            for port in self.over:
                given[port] = ItemOf(planned.path, port, index)
            name = f"{planned.path}[{index}]"
            before = [layout.scope(planned, self.checked, given, name=name)]

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give what the last item gave."""
        return _of_outputs(self, self.current(planned, scopes))


@TaskRegistry.everywhere
class While(BodyControl):
    """Run a graph again and again as long as a condition holds; it is tested first.

    Every output of the graph is an input of the same name, too: the state, which each turn takes
    from the one before. The condition reads inputs. More turns than `limit` are a failure.
    """

    name = "flow.while"
    title = "While"
    again_after: ClassVar[Again] = "success"

    class Config(Ports):
        """How long to go on, and how many turns are too many."""

        condition: Annotated[dict[str, Any], Field(title="As long as")]
        limit: Annotated[int, Field(ge=1, le=ITEMS_AT_MOST, title="Turns at most")] = 1000

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check settings, condition and body; raises ValueFault or DefinitionError."""
        super().__init__(config, definition, registry)
        _demand_carried(self)
        self.decides_on = check_condition(self.config.condition)
        unknown = sorted(self.decides_on - self.inputs.keys())
        if unknown:
            raise ValueFault(
                f"The condition of {self.title} reads '{unknown[0]}', but the inputs of its graph "
                f"are {said(self.inputs)}."
            )
        self.outputs = {name: final(port, self.title) for name, port in self.outputs.items()}

    def decide(self, values: Mapping[str, Any], turn: int) -> bool | None:
        """Give True for one more turn, None at the end; raises RunnerError beyond the limit."""
        if not holds(self.config.condition, values):
            return None
        if turn >= self.config.limit:
            raise RunnerError(
                f"{self.title} would go on after {turn} turns, which is its limit; "
                "see that its condition ends, or raise the limit."
            )
        return True

    def current(
        self, planned: PlannedTask, scopes: Sequence[Mapping[str, Source]]
    ) -> Mapping[str, Source]:
        """Give the inputs, the state coming from the last turn."""
        return _carried_on(self, planned, scopes)

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add one turn."""
        name = f"{planned.path}[{len(scopes)}]"
        layout.scope(planned, self.checked, self.current(planned, scopes), name=name)

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give the state after the last turn."""
        return _of_outputs(self, self.current(planned, scopes))


def _demand_carried(loop: BodyControl) -> None:
    """Raise ValueFault unless every output of a loop's graph can be its input the next time."""
    for name, port in loop.outputs.items():
        into = loop.inputs.get(name)
        if into is None:
            raise ValueFault(
                f"{loop.title} hands its output '{name}' on to the next turn, but its graph has "
                "no input of that name; add one."
            )
        if compare(port.type, into.type) == "misfit":
            raise ValueFault(
                f"{loop.title} hands '{name}' on to the next turn: its input wants "
                f"{in_words(into.type)}, but its output gives {in_words(port.type)}."
            )


def _carried_on(
    loop: BodyControl, planned: PlannedTask, scopes: Sequence[Mapping[str, Source]]
) -> Mapping[str, Source]:
    """Overlay the inputs with what the last turn gave; what it did not give is not there."""
    if not scopes:
        return planned.sources
    kept = {name: each for name, each in planned.sources.items() if name not in loop.outputs}
    return kept | dict(scopes[-1])


def _of_outputs(loop: BodyControl, sources: Mapping[str, Source]) -> Mapping[str, Source]:
    return {name: source for name, source in sources.items() if name in loop.outputs}


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
