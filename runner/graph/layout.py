"""Layout: graphs laid out as one flat graph, compounds taken apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from runner.graph.checking import CheckedGraph, End, joins_as_element
from runner.graph.compound import GraphAsTask
from runner.graph.computing import computed, expressions_in
from runner.graph.control import Control
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS
from runner.graph.definition import DefinedTask
from runner.graph.policy import Policy
from runner.graph.port_types import is_list
from runner.graph.ports import Port
from runner.graph.subgraph import Enclosed
from runner.graph.task import Task
from runner.graph.task_graph import (
    Computed,
    Constant,
    Otherwise,
    OutputOf,
    PlannedCompound,
    PlannedScope,
    PlannedTask,
    Several,
    Source,
    paths_in,
)

type Outer = Callable[[str], PlannedTask | None]

_NONE: frozenset[str] = frozenset()


class Cut(Protocol):
    """What a trial run takes out of a graph."""

    def takes(self, task_id: str) -> Mapping[str, Source] | None:
        """Give the outputs of a task that does not run; None if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a graph is laid out: what its paths begin with, and the compounds around it."""

    prefix: str = ""
    parent: str | None = None
    gates: tuple[OutputOf, ...] = ()


def nowhere(path: str) -> PlannedTask | None:
    """Find no task outside."""
    del path
    return None


class Layout:
    """Collects the tasks of graphs, and knows which outputs may be not taken in the run.

    `outer` finds tasks outside of the layout, for the streams that flow in from there;
    `uncertain` are outputs outside that may be not taken.
    """

    def __init__(
        self, outer: Outer = nowhere, *, depth: int = 0, uncertain: Iterable[OutputOf] = ()
    ) -> None:
        self.tasks: dict[str, PlannedTask] = {}
        self.compounds: dict[str, PlannedCompound] = {}
        self.skipped: list[str] = []
        self.scopes: list[PlannedScope] = []
        self._outer = outer
        self._depth = depth
        self._uncertain: set[Source] = set(uncertain)
        self._paths: list[str] = []

    # ── graphs ──────────────────────────────────────────────────────────────────────────────────

    def lay_out(
        self,
        checked: CheckedGraph,
        place: Place,
        given: Mapping[str, Source],
        cut: Cut | None = None,
    ) -> dict[str, Source]:
        """Add a graph's tasks and give the sources of its outputs."""
        known = self._lay_out(checked, checked.order, place, given, cut)
        return {name: known[end] for name, end in checked.outputs.items() if end in known}

    def scope(
        self, planned: PlannedTask, checked: CheckedGraph, given: Mapping[str, Source], *, name: str
    ) -> Mapping[str, Source]:
        """Add a body of a control as one scope, and give the sources of its outputs."""
        start = len(self._paths)
        outputs = self.lay_out(checked, Place(prefix=f"{name}/", parent=planned.path), given)
        return self._close_scope(name, outputs, start)

    def alternative(
        self,
        planned: PlannedTask,
        checked: CheckedGraph,
        defined: DefinedTask,
        ports: Iterable[str],
    ) -> Mapping[str, Source]:
        """Add one task of a control's graph as a scope; `ports` are the outputs it is for."""
        start = len(self._paths)
        place = Place(prefix=f"{planned.path}/", parent=planned.path)
        known = self._lay_out(checked, (defined,), place, planned.sources, None)
        outputs = {port: known[defined.id, port] for port in ports if (defined.id, port) in known}
        return self._close_scope(place.prefix + defined.id, outputs, start)

    def _close_scope(
        self, name: str, outputs: dict[str, Source], start: int
    ) -> Mapping[str, Source]:
        paths = tuple(self._paths[start:])
        self.scopes.append(PlannedScope(name=name, outputs=outputs, paths=paths))
        return outputs

    def _lay_out(
        self,
        checked: CheckedGraph,
        order: Sequence[DefinedTask],
        place: Place,
        given: Mapping[str, Source],
        cut: Cut | None,
    ) -> dict[End, Source]:
        known: dict[End, Source] = {(GRAPH_INPUTS, name): source for name, source in given.items()}
        for defined in order:
            outputs = cut.takes(defined.id) if cut is not None else None
            if outputs is None:
                outputs = self._laid_out(checked, defined, place, known)
            for port, source in outputs.items():
                known[defined.id, port] = source
        return known

    def _laid_out(
        self,
        checked: CheckedGraph,
        defined: DefinedTask,
        place: Place,
        known: Mapping[End, Source],
    ) -> Mapping[str, Source]:
        """Add a task and give the sources of its outputs; none if it is skipped."""
        task = checked.tasks[defined.id]
        sources = _sources(checked, defined, known)
        if self._uncertain:
            self._add_defaults(checked.constants[defined.id], sources)
        inputs, readable = expressions_in(defined.inputs), {}
        if inputs or task.expressions:
            readable = _by_name(task, sources, known)
            sources |= {name: computed(each, readable) for name, each in inputs.items()}
        path = place.prefix + defined.id
        if defined.disabled or _lacks_input(task, sources):
            self.skipped.append(path)
            return {}
        handled = defined.id in checked.handled
        if isinstance(task, GraphAsTask):
            if not handled and not self._passes_uncertainly(task, sources):
                return self._add_compound(task, defined, path, place, sources)
            # What it gives depends on how it ends as a whole.
            task = Enclosed(task)
        settings = {name: computed(each, readable) for name, each in task.expressions.items()}
        return self._add_task(
            task, defined, path, place, sources, settings=settings, handled=handled
        )

    # ── tasks ───────────────────────────────────────────────────────────────────────────────────

    def _add_compound(
        self,
        task: GraphAsTask,
        defined: DefinedTask,
        path: str,
        place: Place,
        sources: dict[str, Source],
    ) -> Mapping[str, Source]:
        # Its place among the compounds comes before those inside it.
        self.compounds[path] = PlannedCompound(
            path=path,
            parent=place.parent,
            title=defined.title or task.title,
            outputs={},
            policy=_policy(task, defined),
            fail_fast=task.definition.fail_fast,
        )
        gates = place.gates + self._uncertain_inputs(task, sources)
        inside = Place(prefix=f"{path}/", parent=path, gates=gates)
        outputs = self.lay_out(task.checked, inside, sources)
        self.compounds[path] = replace(self.compounds[path], outputs=outputs)
        return outputs

    def _add_task(
        self,
        task: Task,
        defined: DefinedTask,
        path: str,
        place: Place,
        sources: dict[str, Source],
        *,
        settings: Mapping[str, Computed],
        handled: bool,
    ) -> Mapping[str, Source]:
        policy = _policy(task, defined)
        gates = place.gates
        decides_on = _NONE
        if isinstance(task, Control):
            task = self._as_fed(task, sources)
            early = self._passing_early(task, sources)
            task = task if early else task.late()
            decides_on = task.decides_on - early
            if not task.routes:
                gates += self._uncertain_inputs(task, sources, but=decides_on)
        else:
            early = self._first_chunk(task, sources, policy)
        planned = self.tasks[path] = PlannedTask(
            path=path,
            task=task,
            sources=sources,
            first_chunk=early,
            parent=place.parent,
            title=defined.title or task.title,
            dependencies=tuple(dict.fromkeys(paths_in((*sources.values(), *settings.values())))),
            policy=policy,
            gates=self._without_own(gates, task, sources) if gates else gates,
            decides_on=decides_on,
            handles_error=handled,
            depth=self._depth,
            settings=settings,
        )
        self._paths.append(path)
        outputs: dict[str, Source] = {port: OutputOf(path, port) for port in task.outputs}
        if self._may_be_skipped(planned):
            self._uncertain.update(outputs.values())
        if handled:
            outputs[ERROR_PORT] = OutputOf(path, ERROR_PORT)
            self._uncertain.add(outputs[ERROR_PORT])
        return outputs

    # ── first chunks ────────────────────────────────────────────────────────────────────────────

    def _first_chunk(
        self, task: Task, sources: Mapping[str, Source], policy: Policy
    ) -> frozenset[str]:
        """Name the stream inputs that may start early: a task with an effect has none."""
        if task.effect != "none" or policy.cache or policy.is_queued:
            return _NONE
        return frozenset(
            name
            for name, port in task.inputs.items()
            if port.reads_stream and self._flows_early(sources.get(name))
        )

    def _passing_early(self, control: Control, sources: Mapping[str, Source]) -> frozenset[str]:
        """Name the inputs of a control whose chunks go through it as they come."""
        return frozenset(
            name
            for name, source in sources.items()
            if (
                self._gives_items_early(source)
                if name == control.item_stream
                else name not in control.decides_on
                and (name in control.hands_on or control.inputs[name].reads_stream)
                and self._flows_early(source)
            )
        )

    def _flows_early(self, source: Source | None) -> bool:
        if isinstance(source, Several):
            return self._flow_early(source.sources)
        port = self._port(source)
        return port is not None and port.readiness == "first-chunk"

    def _flow_early(self, sources: Sequence[Source]) -> bool:
        """Whether at least one flows early, and no other streams without doing so."""
        ports = [port for each in sources if (port := self._port(each)) is not None]
        early = [port.readiness == "first-chunk" for port in ports if port.streams]
        return bool(early) and all(early)

    def _gives_items_early(self, source: Source) -> bool:
        port = self._port(source)
        return (
            port is not None
            and port.readiness == "first-chunk"
            and port.mode == "append"
            and not port.indexed
            and is_list(port.type)
        )

    def _port(self, source: Source | None) -> Port | None:
        """Find the output port behind a source."""
        if not isinstance(source, OutputOf):
            return None
        producer = self.tasks.get(source.path) or self._outer(source.path)
        return None if producer is None else producer.task.outputs.get(source.port)

    def _as_fed(self, control: Control, sources: Mapping[str, Source]) -> Control:
        if not control.routes:
            return control
        ports = {name: self._ports(source) for name, source in sources.items()}
        return control.fed({name: found for name, found in ports.items() if found})

    def _ports(self, source: Source) -> list[Port]:
        """Give the ports behind a source; none if one of them is not that of a task."""
        sources = source.sources if isinstance(source, Several) else (source,)
        found = [self._port(each) for each in sources]
        return [] if None in found else [each for each in found if each is not None]

    # ── what may be not taken ───────────────────────────────────────────────────────────────────

    def _may_be_skipped(self, planned: PlannedTask) -> bool:
        """Whether some of its outputs may be not taken, though nothing fails that is not handled."""
        if planned.handles_error or planned.gates or planned.task.may_skip:
            return True
        return bool(self._uncertain) and any(
            self._is_uncertain(source)
            for name, source in planned.sources.items()
            if planned.task.inputs[name].required
        )

    def _passes_uncertainly(self, task: GraphAsTask, sources: Mapping[str, Source]) -> bool:
        """Whether a compound that may be skipped would let an input through all the same."""
        return bool(task.passes and self._uncertain_inputs(task, sources))

    def _add_defaults(self, constants: Mapping[str, str], sources: dict[str, Source]) -> None:
        """Say what an input falls back to if what flows into it is not taken."""
        for name in constants.keys() & sources.keys():
            source = sources[name]
            if isinstance(source, OutputOf | Several) and self._is_uncertain(source):
                sources[name] = Otherwise(source, constants[name])

    def _is_uncertain(self, source: Source) -> bool:
        if isinstance(source, Several):
            return not source.aligned and all(map(self._is_uncertain, source.sources))
        return source in self._uncertain

    def _uncertain_inputs(
        self, task: Task, sources: Mapping[str, Source], but: frozenset[str] = _NONE
    ) -> tuple[OutputOf, ...]:
        """Give the sources of required inputs that may be not taken."""
        if not self._uncertain:
            return ()
        return tuple(
            source
            for name, source in sources.items()
            if isinstance(source, OutputOf)
            and source in self._uncertain
            and name not in but
            and task.inputs[name].required
        )

    def _without_own(
        self, gates: tuple[OutputOf, ...], task: Task, sources: Mapping[str, Source]
    ) -> tuple[OutputOf, ...]:
        """Leave out, and say once, what a task waits for anyway."""
        if isinstance(task, Control) and not task.routes:
            return tuple(dict.fromkeys(gates))
        own = {source for name, source in sources.items() if task.inputs[name].required}
        return tuple(each for each in dict.fromkeys(gates) if each not in own)


def _policy(task: Task, defined: DefinedTask) -> Policy:
    return task.policy.overridden(defined.policy) if defined.policy else task.policy


def _sources(
    checked: CheckedGraph, defined: DefinedTask, known: Mapping[End, Source]
) -> dict[str, Source]:
    """Give the source of every input port that has one, in the order of the ports."""
    constants = checked.constants[defined.id]
    feeds = checked.feeds[defined.id]
    found: dict[str, Source] = {}
    for name, port in checked.tasks[defined.id].inputs.items():
        ends = [end for end in feeds.get(name, ()) if end in known]
        if ends:
            found[name] = _joined(checked, port, ends, known, len(feeds[name]))
        elif name in constants:
            found[name] = Constant(constants[name])
    return found


def _by_name(
    task: Task, sources: Mapping[str, Source], known: Mapping[End, Source]
) -> dict[str, Source]:
    """Give what the names of an expression stand for: the task's inputs, then the graph's."""
    given = {name: source for (task_id, name), source in known.items() if task_id == GRAPH_INPUTS}
    return {name: each for name, each in given.items() if name not in task.inputs} | dict(sources)


def _joined(
    checked: CheckedGraph,
    port: Port,
    ends: list[End],
    known: Mapping[End, Source],
    drawn: int,
) -> Source:
    if drawn == 1 and not joins_as_element(checked.port_of(ends[0]), port):
        return known[ends[0]]
    return Several(tuple(known[end] for end in ends))


def _lacks_input(task: Task, sources: Mapping[str, Source]) -> bool:
    """Whether a disabled task upstream leaves a required input without a source."""
    return any(port.required and name not in sources for name, port in task.inputs.items())
