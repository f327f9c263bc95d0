"""What a rerun keeps of an earlier run and what it runs again: the matrix of engine 7.6 (pure)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runner.errors import PlanError
from runner.graph.compound import GraphAsTask
from runner.graph.definition import SUBGRAPH, DefinedTask, GraphDefinition
from runner.graph.task_graph import PlannedTask, TaskGraph, paths_in

_NAMED = 3


class RerunMode(StrEnum):
    """Where a rerun begins."""

    RESUME = "resume"
    FAILED = "failed"
    TASK = "task"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneOnStream:
    """A stream that a task goes on with: `chunk` is the number of the next one (engine 7.4)."""

    path: str
    port: str
    chunk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What would run and what would be kept, by path, in the order of the plan.

    `kept` are tasks whose results stay, `runs` all others; a map, loop or choice is one task. A
    rerun that makes no new run goes on with the old one, and with the `streams` of saved states.
    """

    kept: tuple[str, ...]
    runs: tuple[str, ...]
    new_run: bool = True
    streams: tuple[GoneOnStream, ...] = ()

    @property
    def brief(self) -> str:
        """Say in a few words what will happen."""
        where = "new run" if self.new_run else "goes on"
        return f"{where}: runs {len(self.runs)}, keeps {len(self.kept)}"

    @property
    def sentence(self) -> str:
        """Say to a person what will happen."""
        return " ".join([self._counts, *map(_said_stream, self.streams[:_NAMED])])

    @property
    def _counts(self) -> str:
        where = "A new run" if self.new_run else "The run goes on: it"
        if not self.runs:
            return f"{where} has nothing to run; {_counted(len(self.kept))} kept."
        named = ", ".join(self.runs[:_NAMED])
        more = len(self.runs) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        kept = f"{_counted(len(self.kept))} kept" if self.kept else "nothing is kept"
        return f"{where} runs {named}{rest}; {kept}."


def _said_stream(stream: GoneOnStream) -> str:
    return f"{stream.path} goes on with stream {stream.port} at chunk {stream.chunk}."


def _counted(number: int) -> str:
    return "1 task is" if number == 1 else f"{number} tasks are"


def rerun_of(
    old: TaskGraph | None,
    new: TaskGraph,
    *,
    mode: RerunMode,
    completed: Collection[str],
    chosen: str = "",
    edited: bool = False,
    workflows: frozenset[str] = frozenset(),
    types: frozenset[str] = frozenset(),
) -> Rerun:
    """Say what a rerun keeps and runs.

    `old` is the plan of the earlier run, with its inputs (None if it cannot be made any more),
    `new` that of the version and inputs to run; `completed` are the paths of the tasks that have
    results. `chosen` is where mode "task" begins;
    `edited` says that inputs or pinned workflows are others than before; `workflows` names the
    pinned workflows that do not do what they did (see `changed_workflows`), `types` the task types
    that have another version now.

    Raises PlanError when there is no task to begin at.
    """
    goes_on = mode in {RerunMode.RESUME, RerunMode.FAILED}
    if goes_on and not edited and old is not None and old.definition == new.definition:
        return _going_on(new, completed)
    begins = _beginning(new, chosen) if mode is RerunMode.TASK else frozenset()
    if mode is RerunMode.START or old is None:
        return Rerun(kept=(), runs=tuple(new.tasks))
    return _taking_over(_Comparison(old, new, workflows, types), new, completed, begins)


def _going_on(graph: TaskGraph, completed: Collection[str]) -> Rerun:
    kept = tuple(path for path in graph.tasks if path in completed)
    runs = tuple(path for path in graph.tasks if path not in completed)
    return Rerun(kept=kept, runs=runs, new_run=False)


def _beginning(graph: TaskGraph, chosen: str) -> frozenset[str]:
    """Find the planned tasks that a chosen path names: itself, those in it, the one around it."""
    outer = chosen.partition("[")[0]
    found = {path for path in graph.tasks if f"{path}/".startswith(f"{outer}/")}
    found |= {path for path in graph.tasks if outer.startswith(f"{path}/")}
    if not found:
        raise PlanError(f"There is no task '{chosen}' to run from.")
    return frozenset(found)


def _taking_over(
    comparison: "_Comparison",
    new: TaskGraph,
    completed: Collection[str],
    begins: frozenset[str],
) -> Rerun:
    kept: dict[str, None] = {}
    for path, planned in new.tasks.items():
        stands = path in completed and path not in begins and comparison.is_same(path)
        if stands and all(needed in kept for needed in _needed(planned)):
            kept[path] = None
    return Rerun(kept=tuple(kept), runs=tuple(path for path in new.tasks if path not in kept))


def _needed(planned: PlannedTask) -> Iterator[str]:
    """Name the tasks that decide what this one gets, and whether it runs at all."""
    yield from planned.dependencies
    yield from paths_in(planned.gates)


class _Comparison:
    """Two plans side by side: which tasks would do the same as before."""

    def __init__(
        self, old: TaskGraph, new: TaskGraph, workflows: frozenset[str], types: frozenset[str]
    ) -> None:
        self._old, self._new, self._workflows, self._types = old, new, workflows, types
        self._were = _defined(old.definition)
        self._are = _defined(new.definition)

    def is_same(self, path: str) -> bool:
        """Whether a task has the type, settings and sources that it had, and all inside of it."""
        before, now = self._old.tasks.get(path), self._new.tasks[path]
        if before is None or path not in self._were:
            return False
        now_drawn = self._are[path]
        return (
            dict(before.sources) == dict(now.sources)
            and dict(before.settings) == dict(now.settings)
            and _substance(self._were[path].to_document()) == _substance(now_drawn.to_document())
            and self._workflows.isdisjoint(_workflows_of(now_drawn))
            and self._types.isdisjoint(_types_of(now_drawn))
        )


def _defined(definition: GraphDefinition, prefix: str = "") -> dict[str, DefinedTask]:
    """Give every drawn task by its path in the plan."""
    found = {}
    for each in definition.tasks:
        path = f"{prefix}{each.id}"
        found[path] = each
        if each.type == GraphAsTask.name and each.graph is not None:
            found |= _defined(each.graph, f"{path}/")
    return found


def _substance(task: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a drawn task does, without what people call it or how often it is tried."""
    plain = {name: value for name, value in task.items() if name not in {"title", "policy"}}
    if "graph" in task:
        plain["graph"] = _substance_of_graph(task["graph"])
    return plain


def _substance_of_graph(graph: Mapping[str, Any]) -> dict[str, Any]:
    plain = _without_words(graph)
    plain["tasks"] = [_substance(each) for each in graph.get("tasks", ())]
    for ends in ("inputs", "outputs"):
        plain[ends] = [_without_words(each) for each in graph.get(ends, ())]
    return plain


def _without_words(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"title", "help"}}


# ── types, and workflows within workflows ───────────────────────────────────────────────────────


def changed_workflows(
    old: Mapping[str, str], new: Mapping[str, str], types: Collection[str] = ()
) -> frozenset[str]:
    """Name the pinned workflows (JSON definitions by name) that do not do what they did.

    One that uses a changed one, or a task type among `types`, has changed too.
    """
    definitions = {name: GraphDefinition.from_json(new[name]) for name in new}
    changed = {name for name in new if old.get(name) != new[name]}
    changed |= {name for name in new if set(types).intersection(_types_in(definitions[name]))}
    uses = {name: set(workflows_in(definitions[name])) for name in new}
    while reached := {name for name in uses if uses[name] & changed} - changed:
        changed |= reached
    return frozenset(changed)


def workflows_in(definition: GraphDefinition) -> Iterator[str]:
    """Name the workflows that a definition runs as sub-graphs, at any depth of its own tasks."""
    for each in definition.tasks:
        yield from _workflows_of(each)


def _types_in(definition: GraphDefinition) -> Iterator[str]:
    for each in definition.tasks:
        yield from _types_of(each)


def _types_of(defined: DefinedTask) -> Iterator[str]:
    yield defined.type
    if defined.graph is not None:
        yield from _types_in(defined.graph)


def _workflows_of(defined: DefinedTask) -> Iterator[str]:
    name = defined.config.get("workflow")
    if defined.type == SUBGRAPH and isinstance(name, str):
        yield name
    if defined.graph is not None:
        yield from workflows_in(defined.graph)
