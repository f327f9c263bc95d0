"""Branch, Merge: which way a value goes; Fallback, FirstOf: whose result counts."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypedDict

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.conditions import check_condition, holds
from runner.graph.control import Again, Control
from runner.graph.control_body import BodyControl, final
from runner.graph.dataflow import GRAPH_INPUTS, PORT_PATTERN
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.ports import Port, Ports
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.task_graph import PlannedTask, Several, Source

if TYPE_CHECKING:
    from runner.graph.building import Part
    from runner.graph.layout import Layout


def _passed(name: str, source: Port, owner: str) -> Port:
    """Give the output port through which another port's values pass."""
    return replace(
        source, name=name, owner=owner, title=name.replace("_", " ").capitalize(), required=True,
        default=None, reads_stream=False, several_streams=False, minimum=None, maximum=None,
    )  # fmt: skip


_ANY = Port(name="value", type=Any)


class Case(TypedDict("_Case", {"name": str, "if": Any})):
    """One branch: the name of its port, and the condition under which the value goes there."""


class _Route(Control):
    """A control without a graph."""

    routes = True
    may_skip = True

    @classmethod
    def build(
        cls, config: Mapping[str, Any], graph: GraphDefinition | None, registry: TaskRegistry
    ) -> Self:
        """Make the control that a definition asks for."""
        if graph is not None:
            raise ValueFault(f"{cls.title} takes no graph of its own.")
        return cls(config, registry)

    def __init__(
        self, config: Mapping[str, Any] | None, registry: TaskRegistry | None = None
    ) -> None:
        """Check the settings; raises ValueFault with a sentence."""
        super().__init__(config, registry or TaskRegistry())

    def late(self) -> Self:
        """Give the route with outputs that are ready only at their end."""
        made = copy(self)
        made.outputs = {
            name: replace(port, readiness="final") for name, port in self.outputs.items()
        }
        return made


@TaskRegistry.everywhere
class Branch(_Route):
    """Let a value go on where a condition holds.

    Every branch is an output port. Ports that its conditions name are inputs beside `value`; a
    stream passes as it comes, unless a condition reads it.
    """

    name = "flow.branch"
    title = "Branch"

    class Config(Ports):
        """The branches in order, and how many of them may be taken."""

        branches: Annotated[list[Case], Field(min_length=1, title="Branches")]
        otherwise: Annotated[str | None, Field(title="Otherwise")] = None
        mode: Annotated[Literal["first", "all"], Field(title="Take")] = "first"

    def __init__(
        self, config: Mapping[str, Any] | None, registry: TaskRegistry | None = None
    ) -> None:
        """Check names and conditions; raises ValueFault with a sentence."""
        super().__init__(config, registry)
        self.cases: dict[str, Mapping[str, Any]] = {
            each["name"]: each["if"] for each in self.config.branches
        }
        self.decides_on = frozenset().union(
            *(check_condition(each) for each in self.cases.values())
        )
        self._ways = [each["name"] for each in self.config.branches]
        self._ways += [self.config.otherwise] if self.config.otherwise is not None else []
        self._check_names()
        asked = sorted(self.decides_on - {"value"})
        self.inputs = {"value": replace(_ANY, owner=self.title, title="Value", reads_stream=True)}
        self.inputs |= {name: replace(_passed(name, _ANY, self.title)) for name in asked}
        self.outputs = {name: _passed(name, _ANY, self.title) for name in self._ways}

    def _check_names(self) -> None:
        for name in self._ways:
            if not PORT_PATTERN.fullmatch(name):
                raise ValueFault(
                    f"'{name[:80]}' is no name for a branch; use letters, digits and underscores."
                )
            if self._ways.count(name) > 1:
                raise ValueFault(f"Two branches are called '{name}'; rename one.")

    def fed(self, ports: Mapping[str, Sequence[Port]]) -> Self:
        """Give every branch the type of the value."""
        if not ports.get("value"):
            return self
        (source,) = ports["value"]
        if "value" in self.decides_on:
            source = replace(source, readiness="final")
        made = copy(self)
        made.outputs = {name: _passed(name, source, self.title) for name in self.outputs}
        return made

    def decide(self, values: Mapping[str, Any], turn: int) -> list[str] | None:
        """Name the branches whose condition holds, the first one or all; else `otherwise`."""
        if turn:
            return None
        taken: list[str] = []
        for name, condition in self.cases.items():
            if holds(condition, values):
                taken.append(name)
                if self.config.mode == "first":
                    break
        return taken or [each for each in (self.config.otherwise,) if each is not None]

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give the value to the branches that are taken."""
        return dict.fromkeys(decisions[-1], planned.sources["value"])


@TaskRegistry.everywhere
class Merge(_Route):
    """Go on with the one dataflow that is taken; of several, with the first that was drawn."""

    name = "flow.merge"
    title = "Merge"
    may_skip = False  # only if all that flows in may be not taken

    def __init__(
        self, config: Mapping[str, Any] | None = None, registry: TaskRegistry | None = None
    ) -> None:
        """Check the settings; raises ValueFault with a sentence."""
        super().__init__(config, registry)
        values = replace(
            _ANY, name="values", title="Values", owner=self.title,
            reads_stream=True, several_streams=True,
        )  # fmt: skip
        self.inputs = {"values": values}
        self.outputs = {"value": _passed("value", _ANY, self.title)}

    def fed(self, ports: Mapping[str, Sequence[Port]]) -> Self:
        """Give the output the type that all have, and let it stream if those that stream agree."""
        sources = ports.get("values", ())
        if not sources:
            return self
        streams = [each for each in sources if each.streams]
        alike = all(each.type == sources[0].type for each in sources)
        passes = alike and bool(streams) and len({(e.mode, e.indexed) for e in streams}) == 1
        like = streams[0] if passes else final(sources[0], "")
        early = passes and all(each.readiness == "first-chunk" for each in streams)
        output = replace(
            like, type=like.type if alike else Any, readiness="first-chunk" if early else "final"
        )
        made = copy(self)
        made.outputs = {"value": _passed("value", output, self.title)}
        return made

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give the first dataflow that is taken; `values` says of each whether it is."""
        if turn:
            return None
        return next((index for index, taken in enumerate(values["values"]) if taken), None)

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give what the taken dataflow brings."""
        source = planned.sources["values"]
        return {"value": source.sources[decisions[-1]] if isinstance(source, Several) else source}


# ── alternatives ────────────────────────────────────────────────────────────────────────────────


class _Alternatives(BodyControl):
    """A control whose graph holds alternatives: tasks in order, with the same outputs."""

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        definition: GraphDefinition,
        registry: TaskRegistry,
    ) -> None:
        """Check the alternatives; raises ValueFault or DefinitionError."""
        super().__init__(config, definition, registry)
        self.alternatives: tuple[DefinedTask, ...] = tuple(
            each for each in definition.tasks if not each.disabled
        )
        self._check_alternatives()
        self.outputs = self._shared_outputs()

    @classmethod
    def of(cls, *alternatives: "Part", **config: Any) -> Self:
        """Make the control in code: Fallback.of(FetchHere, FetchThere)."""
        from runner.graph.building import as_alternatives  # noqa: PLC0415 - it knows controls

        graph = as_alternatives(alternatives)
        return cls(config, graph.definition, graph.registry)

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give the alternative to try now."""
        del values
        return turn if turn < len(self.alternatives) else None

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add one alternative."""
        layout.alternative(planned, self.checked, self.alternatives[decision], self.outputs)

    def settle(
        self,
        planned: PlannedTask,
        scopes: Sequence[Mapping[str, Source]],
        decisions: Sequence[Any],
    ) -> Mapping[str, Source]:
        """Give what the alternative of the last decision gives."""
        winner: int = decisions[-1]
        return scopes[winner]

    def _check_alternatives(self) -> None:
        kind = type(self).title
        if not self.alternatives:
            raise ValueFault(f"{kind} needs at least one alternative; put a task into its graph.")
        joined = [each for each in self.definition.dataflows if not each.touches(GRAPH_INPUTS)]
        if joined:
            raise ValueFault(
                f"The alternatives of {self.title} are not joined to each other; take the "
                f"dataflow from {joined[0].source} to {joined[0].target} away."
            )
        if self.definition.outputs:
            raise ValueFault(
                f"The outputs of {self.title} are those that all alternatives have; its graph "
                "names none."
            )

    def _shared_outputs(self) -> dict[str, Port]:
        """Give the ports that all alternatives have, with the same type."""
        first, *rest = [self.checked.tasks[each.id].outputs for each in self.alternatives]
        shared = {
            name: [port, *(each[name] for each in rest)]
            for name, port in first.items()
            if all(name in each and each[name].type == port.type for each in rest)
        }
        if first and not shared:
            raise ValueFault(
                f"The alternatives of {self.title} share no output; give them one of the same "
                "name and type."
            )
        return {name: self._shared(ports) for name, ports in shared.items()}

    def _shared(self, ports: Sequence[Port]) -> Port:
        return final(ports[0], self.title)


@TaskRegistry.everywhere
class Fallback(_Alternatives):
    """Try one alternative after the other until one completes; a cancel tries no more.

    An output that every alternative streams is a stream too; it begins anew with each of them.
    """

    name = "flow.fallback"
    title = "Fallback"
    again_after: ClassVar[Again] = "failure"

    def _shared(self, ports: Sequence[Port]) -> Port:
        if len({(each.mode, each.indexed) for each in ports}) > 1:
            return final(ports[0], self.title)
        early = all(each.readiness == "first-chunk" for each in ports)
        return replace(ports[0], owner=self.title, readiness="first-chunk" if early else "final")


@TaskRegistry.everywhere
class FirstOf(_Alternatives):
    """Run all alternatives at once; the first that completes wins, the others are cancelled."""

    name = "flow.first_of"
    title = "First of"
    races: ClassVar[bool] = True

    def _check_alternatives(self) -> None:
        super()._check_alternatives()
        for each in self.alternatives:
            once = next(_once_in(each.id, self.checked.tasks[each.id], frozenset()), None)
            if once is not None:
                raise ValueFault(
                    f"{once} may run only once, so it cannot race: {self.title} cancels all "
                    "alternatives but the first to complete."
                )

    def decide(self, values: Mapping[str, Any], turn: int) -> int | None:
        """Give how many alternatives there are; all start at once."""
        del values
        return len(self.alternatives) if turn == 0 else None

    def lay_out(
        self,
        layout: "Layout",
        planned: PlannedTask,
        decision: Any,
        scopes: Sequence[Mapping[str, Source]],
    ) -> None:
        """Add every alternative."""
        for each in self.alternatives[len(scopes) : decision]:
            layout.alternative(planned, self.checked, each, self.outputs)


def _once_in(path: str, task: Task, seen: frozenset[str]) -> Iterator[str]:
    """Give the paths of the tasks with the effect `once`, at any depth; a workflow counts once."""
    if task.effect == "once":
        yield path
    workflow = getattr(task, "workflow", "")
    if workflow in seen:
        return
    for name, inner in task.inner_tasks().items():
        yield from _once_in(f"{path}/{name}", inner, seen | {workflow} if workflow else seen)
