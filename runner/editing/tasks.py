"""Acts on tasks: add, remove, name, set, disable, insert, take out and join, put in order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.editing.draft import Draft, joined, parted
from runner.editing.edit import At, Edit, End, InLevel, Name, Path, Title, free_id, title_of
from runner.editing.joining import fits, joined_to_ends, ports_of
from runner.editing.placing import beside
from runner.errors import DefinitionError
from runner.graph.checking import examine
from runner.graph.definition import DefinedTask, GraphDefinition, GraphPort, given_in
from runner.graph.registry import TaskRegistry

#: What types that hold a graph begin with, so that something can be drawn inside at once.
_BEGINNINGS: Mapping[str, tuple[Mapping[str, Any], tuple[GraphPort, ...]]] = {
    "flow.graph": ({}, ()),
    "flow.map": ({"over": ["item"]}, (GraphPort(name="item"),)),
    "flow.reduce": (
        {"over": ["item"]},
        (GraphPort(name="item"), GraphPort(name="so_far")),
    ),
    "flow.while": ({}, (GraphPort(name="value"),)),
    "flow.fallback": ({}, ()),
    "flow.first_of": ({}, ()),
}


class AddTask(InLevel):
    """Add a task; with `source` or `target` it is joined to that port by the first that fits."""

    op: Literal["add"] = "add"
    type: Name
    title: Title = ""
    at: At | None = None
    source: End = ""
    target: End = ""

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Add it under an id of its own."""
        task = new_task(draft.level(self.level), self.type, self.title, registry)
        added = draft.changed(self.level, lambda level: level.with_task(task))
        if (self.source or self.target) and ports_of(added.level(self.level), task, registry):
            added = added.changed(
                self.level,
                lambda level: joined_to_ends(level, task.id, registry, self.source, self.target),
            )
        return placed(added, joined(self.level, task.id), self.at)

    def words(self, draft: Draft) -> str:
        """Name it after the type."""
        del draft
        return f"Add {self.title or self.type}"


class RemoveTasks(InLevel):
    """Remove tasks with their dataflows."""

    op: Literal["remove"] = "remove"
    ids: Annotated[list[Name], Field(min_length=1, max_length=10_000)]

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take them out, and off the sheet."""
        del registry
        level = draft.level(self.level)
        for task_id in self.ids:
            level.task(task_id)
        gone = frozenset(self.ids)
        return draft.changed(self.level, lambda level: without_tasks(level, gone)).tidied()

    def words(self, draft: Draft) -> str:
        """Name the task, or say how many."""
        if len(self.ids) == 1:
            return f"Remove {title_of(draft, joined(self.level, self.ids[0]))}"
        return f"Remove {len(self.ids)} tasks"


class SetTitle(Edit):
    """Give a task another title; its id stays."""

    op: Literal["title"] = "title"
    path: Path
    title: Title

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the title."""
        del registry
        return _with_task(draft, self.path, title=" ".join(self.title.split()))

    def words(self, draft: Draft) -> str:
        """Say the old and the new title."""
        return f"Rename {title_of(draft, self.path)} to {self.title or parted(self.path)[1]}"


class SetDisabled(Edit):
    """Disable tasks, or enable them again."""

    op: Literal["disable"] = "disable"
    paths: Annotated[list[Path], Field(min_length=1, max_length=10_000)]
    disabled: bool = True

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the mark."""
        del registry
        for path in self.paths:
            draft = _with_task(draft, path, disabled=self.disabled)
        return draft

    def words(self, draft: Draft) -> str:
        """Name the task, or say how many."""
        one = title_of(draft, self.paths[0]) if len(self.paths) == 1 else f"{len(self.paths)} tasks"
        return f"{'Disable' if self.disabled else 'Enable'} {one}"


class SetValue(Edit):
    """Set, or take back, one setting, one input, or one field of the policy.

    The value is written as in a definition: `{"$expression": "len(text)"}` is an expression.
    """

    op: Literal["set"] = "set"
    path: Path
    section: Literal["config", "inputs", "policy"]
    name: Name
    value: Any = None
    unset: bool = False

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change the section."""
        del registry
        values = dict(getattr(draft.task(self.path), self.section))
        values.pop(self.name, None)
        if not self.unset:
            values |= given_in({self.name: self.value})
        return _with_task(draft, self.path, **{self.section: values})

    def words(self, draft: Draft) -> str:
        """Say what is set."""
        act = "Take back" if self.unset else "Set"
        return f"{act} {self.name} of {title_of(draft, self.path)}"


class SetTask(Edit):
    """Say all about a task at once, as a form does; sections that are not given stay.

    Values are written as in a definition, expressions and tagged values included.
    """

    op: Literal["task"] = "task"
    path: Path
    title: Title | None = None
    disabled: bool | None = None
    config: dict[Name, Any] | None = None
    inputs: dict[Name, Any] | None = None
    policy: dict[Name, Any] | None = None

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Change what is given."""
        del registry
        given = {
            "title": None if self.title is None else " ".join(self.title.split()),
            "disabled": self.disabled,
            "config": _read(self.config),
            "inputs": _read(self.inputs),
            "policy": _read(self.policy),
        }
        return _with_task(
            draft, self.path, **{name: each for name, each in given.items() if each is not None}
        )

    def words(self, draft: Draft) -> str:
        """Name the task."""
        return f"Change {title_of(draft, self.path)}"


class InsertTask(InLevel):
    """Put a new task, or one without dataflows, into a dataflow."""

    op: Literal["insert"] = "insert"
    source: End
    target: End
    type: Name = ""
    id: Name = ""
    at: At | None = None
    must_fit = True

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Take the dataflow away and lead it through the task."""
        level = draft.level(self.level).without_dataflow(self.source, self.target)
        if self.id:
            task = level.task(self.id)
        else:
            task = new_task(level, self.type, "", registry)
            level = level.with_task(task)
        level = joined_to_ends(level, task.id, registry, self.source, "")
        level = joined_to_ends(level, task.id, registry, "", self.target)
        return placed(
            draft.changed(self.level, lambda _: level), joined(self.level, task.id), self.at
        )

    def words(self, draft: Draft) -> str:
        """Say what is put where."""
        del draft
        return f"Insert {self.id or self.type} between {self.source} and {self.target}"


class BridgeTask(InLevel):
    """Remove a task and lead what flowed into it to where its outputs flowed, where that fits."""

    op: Literal["bridge"] = "bridge"
    id: Name

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Join each reader to the first source that fits."""
        level = draft.level(self.level)
        level.task(self.id)
        sources = [each.source for each in level.dataflows if each.target_end[0] == self.id]
        targets = [each.target for each in level.dataflows if each.source_end[0] == self.id]
        rest = without_tasks(level, frozenset({self.id}))
        checked = examine(rest, registry)
        for target in dict.fromkeys(targets):
            fitting = [source for source in dict.fromkeys(sources) if fits(checked, source, target)]
            if fitting:
                rest = rest.with_dataflow(fitting[0], target)
        return draft.changed(self.level, lambda _: rest).tidied()

    def words(self, draft: Draft) -> str:
        """Name the task."""
        return f"Take {title_of(draft, joined(self.level, self.id))} out and join its ends"


class OrderTasks(InLevel):
    """Put the tasks of a level in another order: alternatives are tried in it."""

    op: Literal["order"] = "order"
    ids: Annotated[list[Name], Field(max_length=10_000)]

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Sort the tasks."""
        del registry
        level = draft.level(self.level)
        if sorted(self.ids) != sorted(task.id for task in level.tasks):
            raise DefinitionError("The order must name each task of the level once.")
        tasks = tuple(level.task(task_id) for task_id in self.ids)
        return draft.changed(self.level, lambda level: replace(level, tasks=tasks))

    def words(self, draft: Draft) -> str:
        """Say whose tasks."""
        inside = title_of(draft, self.level) if self.level else draft.definition.label
        return f"Put the tasks of {inside} in order"


# ── what several of them need ───────────────────────────────────────────────────────────────────


def new_task(level: GraphDefinition, kind: str, title: str, registry: TaskRegistry) -> DefinedTask:
    """Make a task with a free id; raises UnknownTaskType."""
    known = registry.get(kind)
    config, inputs = _BEGINNINGS.get(kind, ({}, None))
    graph = None if inputs is None else GraphDefinition(name=kind.rpartition(".")[2], inputs=inputs)
    task_id = free_id(level, kind.rpartition(".")[2])
    return DefinedTask(
        id=task_id, type=known.name, title=title or known.title, config=config, graph=graph
    )


def placed(draft: Draft, path: str, at: At | None) -> Draft:
    """Put a task somewhere on the sheet; without a place it comes to stand beside its neighbour."""
    spot = beside(draft, *parted(path)) if at is None else (round(at[0]), round(at[1]))
    return draft.on(positions={**draft.sheet.positions, path: spot})


def without_tasks(level: GraphDefinition, gone: frozenset[str]) -> GraphDefinition:
    """Take tasks out, with their dataflows and the graph outputs that came from them."""
    return replace(
        level,
        tasks=tuple(each for each in level.tasks if each.id not in gone),
        dataflows=tuple(
            each
            for each in level.dataflows
            if each.source.partition(".")[0] not in gone
            and each.target.partition(".")[0] not in gone
        ),
        outputs=tuple(each for each in level.outputs if each.source.partition(".")[0] not in gone),
    )


def _read(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if given is None else given_in(given)


def _with_task(draft: Draft, path: str, **changes: Any) -> Draft:
    level, task_id = parted(path)
    return draft.changed(level, lambda graph: graph.with_changed_task(task_id, **changes))
