"""TaskGraph: the frozen, validated graph that the system runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runner.graph.definition import GraphDefinition
from runner.graph.task import Task


@dataclass(frozen=True, slots=True)
class Constant:
    """An encoded value that is known before the run."""

    text: str


@dataclass(frozen=True, slots=True)
class OutputOf:
    """What a planned task gives at an output port."""

    path: str
    port: str


@dataclass(frozen=True, slots=True)
class ItemOf:
    """The item at `index` of the list that the map at `path` takes at an input port."""

    path: str
    port: str
    index: int


@dataclass(frozen=True, slots=True)
class Several:
    """A list with one element for each source, in drawn order."""

    sources: tuple["Source", ...]


Source = Constant | OutputOf | ItemOf | Several


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedTask:
    """One task of a run: where its inputs come from, and what it may read early.

    `sources` has every input port that has a value, defaults included. `first_chunk` names the
    stream inputs that may start at the first chunk; `elastic` those of them that never hold
    their producer back, because the streams may meet again. `dependencies` are the paths of
    tasks whose outputs it takes; an item of a map depends on no task for what the map hands out.
    """

    path: str
    task: Task
    sources: Mapping[str, Source]
    first_chunk: frozenset[str] = frozenset()
    elastic: frozenset[str] = frozenset()
    parent: str | None = None
    title: str = ""
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedCompound:
    """A graph that looks like one task; its inner tasks have its path as parent."""

    path: str
    parent: str | None
    title: str
    outputs: Mapping[str, Source]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskGraph:
    """What a run carries out; `tasks` come in topological order, the same order every time.

    `skipped` are the paths of disabled tasks and of those that cannot run without them.
    """

    tasks: Mapping[str, PlannedTask]
    compounds: Mapping[str, PlannedCompound]
    outputs: Mapping[str, Source]
    definition: GraphDefinition
    dependants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expansion:
    """The tasks that a map unfolds into, and the sources of each item's outputs.

    `dependants` covers the expansion's own tasks only; what they depend on outside of it has
    ended, since the map itself waited for it.
    """

    tasks: Mapping[str, PlannedTask]
    items: tuple[Mapping[str, Source], ...]
    compounds: Mapping[str, PlannedCompound] = field(default_factory=dict)
    dependants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def paths_in(sources: Iterable[Source]) -> Iterator[str]:
    """Give the paths of the tasks that these sources wait for."""
    for source in sources:
        if isinstance(source, Several):
            yield from paths_in(source.sources)
        elif isinstance(source, OutputOf):
            yield source.path


def producers(sources: Iterable[Source]) -> Iterator[OutputOf]:
    """Give every output that these sources read."""
    for source in sources:
        if isinstance(source, OutputOf):
            yield source
        elif isinstance(source, Several):
            yield from producers(source.sources)
