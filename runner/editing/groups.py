"""Acts on compounds: make one of tasks, and take one apart again."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from runner.editing.draft import Draft, joined, parted
from runner.editing.edit import (
    Edit,
    InLevel,
    Name,
    Path,
    Title,
    free_id,
    free_name,
    plain_inside,
    title_of,
)
from runner.editing.tasks import (
    without_tasks,
)
from runner.errors import DefinitionError
from runner.graph.checking import CheckedGraph, examine
from runner.graph.dataflow import ERROR_PORT, GRAPH_INPUTS, Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.port_types import portable_name
from runner.graph.registry import TaskRegistry

COMPOUND = "flow.graph"


class Group(InLevel):
    """Make a compound task of some tasks of a level; its ports follow from the dataflows."""

    op: Literal["group"] = "group"
    ids: Annotated[list[Name], Field(min_length=1, max_length=10_000)]
    title: Title = "Group"

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Move the tasks inside, and lead through ports what crosses the border."""
        level = draft.level(self.level)
        for task_id in self.ids:
            level.task(task_id)
        group = _Grouping(level, frozenset(self.ids), examine(level, registry), self.title)
        made = draft.changed(self.level, lambda _: group.level())
        moved = {
            joined(self.level, each): joined(self.level, f"{group.id}/{each}") for each in self.ids
        }
        return _moved(made, draft, moved).tidied()

    def words(self, draft: Draft) -> str:
        """Say how many."""
        del draft
        return f"Make {self.title} of {len(self.ids)} task{'s' if len(self.ids) > 1 else ''}"


class Unpack(Edit):
    """Take a compound apart: what is inside comes to stand in its level."""

    op: Literal["unpack"] = "unpack"
    path: Path

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Join what flowed in and out directly."""
        del registry
        outer, task_id = parted(self.path)
        level = draft.level(outer)
        task = level.task(task_id)
        if task.type != COMPOUND:
            raise DefinitionError(f"{task.title or task.id} is no compound; it stays whole.")
        unpacked, names = _unpacked(level, task, plain_inside(task))
        made = draft.changed(outer, lambda _: unpacked)
        moved = {joined(self.path, old): joined(outer, new) for old, new in names.items()}
        return _moved(made, draft, moved).tidied()

    def words(self, draft: Draft) -> str:
        """Name the compound."""
        return f"Unpack {title_of(draft, self.path)}"


class _Grouping:
    """Works out a compound: the ports of its border, and both levels."""

    def __init__(
        self, level: GraphDefinition, ids: frozenset[str], checked: CheckedGraph, title: str
    ) -> None:
        self._level = level
        self._ids = ids
        self._checked = checked
        self._title = title
        self.id = free_id(level, title.lower(), taken=())
        self._inputs: dict[str, GraphPort] = {}
        self._outputs: dict[str, str] = {}
        _refuse_detour(level, ids)

    def level(self) -> GraphDefinition:
        """Give the level with the compound in place of the tasks."""
        inside, outside = [], []
        for flow in self._level.dataflows:
            within = flow.source_end[0] in self._ids, flow.target_end[0] in self._ids
            if all(within):
                inside.append(flow)
            elif within[1]:
                port = self._input(flow)
                inside.append(Dataflow(f"{GRAPH_INPUTS}.{port}", flow.target))
                outside.append(Dataflow(flow.source, f"{self.id}.{port}"))
            elif within[0]:
                outside.append(Dataflow(f"{self.id}.{self._output(flow.source)}", flow.target))
            else:
                outside.append(flow)
        outputs = tuple(self._led(output) for output in self._level.outputs)
        rest = without_tasks(self._level, self._ids)
        place = min(n for n, task in enumerate(self._level.tasks) if task.id in self._ids)
        tasks = [*rest.tasks]
        tasks.insert(place, self._compound(inside))
        return replace(
            rest, tasks=tuple(tasks), dataflows=tuple(dict.fromkeys(outside)), outputs=outputs
        )

    def _compound(self, dataflows: list[Dataflow]) -> DefinedTask:
        graph = GraphDefinition(
            name=self.id,
            inputs=tuple(self._inputs.values()),
            outputs=tuple(
                GraphOutput(name=name, source=source) for source, name in self._outputs.items()
            ),
            tasks=tuple(task for task in self._level.tasks if task.id in self._ids),
            dataflows=tuple(dict.fromkeys(dataflows)),
        )
        return DefinedTask(id=self.id, type=COMPOUND, title=self._title, graph=graph)

    def _led(self, output: GraphOutput) -> GraphOutput:
        if output.source.partition(".")[0] not in self._ids:
            return output
        return replace(output, source=f"{self.id}.{self._output(output.source)}")

    def _input(self, flow: Dataflow) -> str:
        """Name the port that stands for a source; one source has one port."""
        port = self._inputs.get(flow.source)
        if port is None:
            name = free_name(flow.target_end[1], (each.name for each in self._inputs.values()))
            port = self._inputs[flow.source] = GraphPort(name=name, type=self._type_of(flow))
        return port.name

    def _type_of(self, flow: Dataflow) -> str:
        try:
            return portable_name(self._checked.port_of(flow.source_end).type)
        except KeyError:
            return "any"

    def _output(self, source: str) -> str:
        if source.endswith(ERROR_PORT):
            raise DefinitionError(
                f"Whoever takes the error of {source.partition('.')[0]} must be in the group too."
            )
        if source not in self._outputs:
            wanted = source.partition(".")[2]
            self._outputs[source] = free_name(wanted, self._outputs.values())
        return self._outputs[source]


def _refuse_detour(level: GraphDefinition, ids: frozenset[str]) -> None:
    """Refuse a group that something outside would be before and after at once."""
    reached = _reached_from(level, {f.target_end[0] for f in level.dataflows
                                    if f.source_end[0] in ids and f.target_end[0] not in ids}, ids)  # fmt: skip
    for flow in level.dataflows:
        if flow.target_end[0] in ids and flow.source_end[0] in reached:
            between = level.task(flow.source_end[0])
            raise DefinitionError(
                f"{between.title or between.id} lies between these tasks; add it to the group."
            )


def _reached_from(
    level: GraphDefinition, starts: Iterable[str], ids: frozenset[str]
) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(starts)
    after: dict[str, list[str]] = {}
    for flow in level.dataflows:
        after.setdefault(flow.source_end[0], []).append(flow.target_end[0])
    while waiting:
        task_id = waiting.pop()
        if task_id not in found and task_id not in ids:
            found.add(task_id)
            waiting += after.get(task_id, [])
    return frozenset(found)


def _unpacked(
    level: GraphDefinition, task: DefinedTask, inside: GraphDefinition
) -> tuple[GraphDefinition, dict[str, str]]:
    """Give the level without the compound, and the new ids of what was inside."""
    names: dict[str, str] = {}
    rest = without_tasks(level, frozenset({task.id}))
    for each in inside.tasks:
        names[each.id] = free_id(rest, each.id, names.values())
    fed = {
        flow.target_end[1]: flow.source for flow in level.dataflows if flow.target_end[0] == task.id
    }
    gives = {output.name: _renamed(output.source, names, fed) for output in inside.outputs}
    inner = [
        Dataflow(source, _end(flow.target, names))
        for flow in inside.dataflows
        if (source := _renamed(flow.source, names, fed))
    ]
    read = list(_read(level, task.id, gives))
    outputs = tuple(
        replace(each, source=gives[each.source.partition(".")[2]])
        if each.source.partition(".")[0] == task.id
        else each
        for each in level.outputs
        if each.source.partition(".")[0] != task.id or gives.get(each.source.partition(".")[2])
    )
    tasks = [*rest.tasks]
    place = [each.id for each in level.tasks].index(task.id)
    tasks[place:place] = [
        _with_constants(replace(each, id=names[each.id]), each.id, inside, task)
        for each in inside.tasks
    ]
    dataflows = tuple(dict.fromkeys([*rest.dataflows, *inner, *read]))
    return replace(rest, tasks=tuple(tasks), dataflows=dataflows, outputs=outputs), names


def _read(level: GraphDefinition, task_id: str, gives: dict[str, str]) -> Iterator[Dataflow]:
    for flow in level.dataflows:
        source = gives.get(flow.source_end[1]) if flow.source_end[0] == task_id else None
        if source and flow.target_end[0] != task_id:
            yield Dataflow(source, flow.target)


def _renamed(source: str, names: dict[str, str], fed: dict[str, str]) -> str:
    """Say where something comes from once the border is gone; empty: from nowhere."""
    task_id, _, port = source.partition(".")
    return fed.get(port, "") if task_id == GRAPH_INPUTS else f"{names[task_id]}.{port}"


def _end(end: str, names: dict[str, str]) -> str:
    task_id, _, port = end.partition(".")
    return f"{names[task_id]}.{port}"


def _with_constants(
    task: DefinedTask, old_id: str, inside: GraphDefinition, compound: DefinedTask
) -> DefinedTask:
    """Keep for a task what was set at the border: a constant, or the default of an input."""
    defaults = {port.name: port.default for port in inside.inputs if port.default is not None}
    values = defaults | dict(compound.inputs)
    kept = {
        flow.target_end[1]: values[flow.source_end[1]]
        for flow in inside.dataflows
        if flow.target_end[0] == old_id
        and flow.source_end[0] == GRAPH_INPUTS
        and flow.source_end[1] in values
    }
    return replace(task, inputs=kept | dict(task.inputs)) if kept else task


def _moved(made: Draft, before: Draft, moved: dict[str, str]) -> Draft:
    """Let places on the sheet follow tasks whose paths are other ones now."""
    positions = dict(made.sheet.positions)
    for path, spot in before.sheet.positions.items():
        for old, new in moved.items():
            if path == old or path.startswith(f"{old}/"):
                positions.pop(path, None)
                positions[new + path[len(old) :]] = spot
    return made.on(positions=positions)
