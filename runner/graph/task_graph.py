"""TaskGraph: the frozen, validated graph that the system runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runner.graph.dataflow import ERROR_PORT
from runner.graph.definition import GraphDefinition
from runner.graph.policy import Policy
from runner.graph.ports import ERROR, Port
from runner.graph.task import Task

__all__ = [
    "ERROR_PORT", "Computed", "Constant", "ItemOf", "Otherwise", "OutputOf", "PlannedCompound",
    "PlannedScope", "PlannedTask", "Several", "Source", "TaskGraph", "Unfolding", "paths_in", "producers",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Constant:
    """An encoded value that is known before the run."""

    text: str


@dataclass(frozen=True, slots=True)
class OutputOf:
    """What a planned task gives at an output port; at ERROR_PORT, what went wrong with it."""

    path: str
    port: str


@dataclass(frozen=True, slots=True)
class ItemOf:
    """The item at `index` of the list that the control at `path` takes at an input port."""

    path: str
    port: str
    index: int


@dataclass(frozen=True, slots=True)
class Several:
    """A list with one element for each source, in drawn order.

    A source that is not taken is dropped; with `aligned` it is null in its place.
    """

    sources: tuple["Source", ...]
    aligned: bool = False


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What `source` brings if it is taken; else an encoded value: a default, or one given by hand.

    A plan says so only where a source may be not taken.
    """

    source: "OutputOf | Several"
    text: str


@dataclass(frozen=True, slots=True)
class Computed:
    """What an expression gives for the values behind `names`; None for those not taken."""

    expression: str
    names: tuple[tuple[str, "Source"], ...]

    @property
    def sources(self) -> tuple["Source", ...]:
        """The sources behind the names."""
        return tuple(source for _, source in self.names)


Source = Constant | OutputOf | ItemOf | Several | Otherwise | Computed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedTask:
    """One task of a run: where its inputs come from, and what it may read early.

    `sources` has every input port that has a value, defaults included; `settings` those settings
    that are worked out, by name. `first_chunk` names the
    stream inputs that may start at the first chunk; `elastic` those of them that never hold
    their producer back, because the streams may meet again. `dependencies` are the paths of
    tasks whose outputs it takes; an item of a map depends on no task for what the map hands out.

    `gates` are required inputs of the compounds around it: it waits until they are known to be
    taken, and is skipped if one is not. `decides_on` names the inputs that a control must have
    in full before it decides; through the others it lets values pass. `handles_error` says that
    somebody takes what its port `[error]` gives. `depth` counts the sub-graphs around it.
    """

    path: str
    task: Task
    sources: Mapping[str, Source]
    first_chunk: frozenset[str] = frozenset()
    elastic: frozenset[str] = frozenset()
    parent: str | None = None
    title: str = ""
    dependencies: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    gates: tuple[OutputOf, ...] = ()
    decides_on: frozenset[str] = frozenset()
    handles_error: bool = False
    depth: int = 0
    settings: Mapping[str, Computed] = field(default_factory=dict)

    @property
    def computes(self) -> bool:
        """Whether expressions have to be evaluated before its body begins."""
        return bool(self.settings) or Computed in map(type, self.sources.values())

    @property
    def asks_when_lost(self) -> bool:
        """Whether a person decides about it when its process is lost; a job is found again."""
        return self.task.effect == "once" and not self.policy.is_queued

    @property
    def takes(self) -> Iterable[Source]:
        """All that it reads: the sources of its inputs, and those of its settings."""
        return (*self.sources.values(), *self.settings.values())

    def output(self, port: str) -> Port:
        """Find an output port, ERROR_PORT included; raises KeyError."""
        return ERROR if port == ERROR_PORT else self.task.outputs[port]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedCompound:
    """A graph that looks like one task; its inner tasks have its path as parent."""

    path: str
    parent: str | None
    title: str
    outputs: Mapping[str, Source]
    policy: Policy = field(default_factory=Policy)
    fail_fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskGraph:
    """What a run carries out; `tasks` come in topological order, the same order every time.

    `skipped` are the paths of disabled tasks and of those that cannot run without them. A
    `trial` runs a part of the graph: without the tasks `left_out`, and with the given outputs of
    those that are `pinned`.
    """

    tasks: Mapping[str, PlannedTask]
    compounds: Mapping[str, PlannedCompound]
    outputs: Mapping[str, Source]
    definition: GraphDefinition
    dependants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    fail_fast: bool = False
    trial: bool = False
    pinned: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedScope:
    """One item, turn or alternative of a control, by the path that its tasks' paths begin with.

    `outputs` are the sources of what it gives, by port; a port that is not there is not taken.
    `paths` are those of all its tasks, in topological order.
    """

    name: str
    outputs: Mapping[str, Source]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unfolding:
    """The tasks that a decision of a control adds to a run, and the scopes they belong to.

    `dependants` covers the unfolding's own tasks only; they may also depend on tasks outside.
    """

    tasks: Mapping[str, PlannedTask]
    compounds: Mapping[str, PlannedCompound]
    dependants: Mapping[str, tuple[str, ...]]
    skipped: tuple[str, ...]
    scopes: tuple[PlannedScope, ...]


def paths_in(sources: Iterable[Source]) -> Iterator[str]:
    """Give the paths of the tasks that these sources wait for."""
    for source in sources:
        if isinstance(source, OutputOf):
            yield source.path
        elif isinstance(source, Several | Computed):
            yield from paths_in(source.sources)
        elif isinstance(source, Otherwise):
            yield from paths_in((source.source,))


def producers(sources: Iterable[Source]) -> Iterator[OutputOf]:
    """Give every output that these sources read."""
    for source in sources:
        if isinstance(source, OutputOf):
            yield source
        elif isinstance(source, Several | Computed):
            yield from producers(source.sources)
        elif isinstance(source, Otherwise):
            yield from producers((source.source,))
