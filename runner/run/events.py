"""What happened in a run: frozen, past tense; the owner of the run numbers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, dataclass_transform

SHORT_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    """A failure as data: what went wrong, where, in which attempt.

    `bases` names the classes that its type stands under, but not those all failures do.
    """

    type: str
    message: str
    trace: str = ""
    task: str = ""
    attempt: int = 1
    bases: tuple[str, ...] = ()

    @property
    def types(self) -> frozenset[str]:
        """All that it is, by name: its type, those above it, and the one above all failures."""
        return frozenset((self.type, *self.bases, "Exception"))

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object that `from_json` reads back; without `bases` if there are none."""
        document = {name: getattr(self, name) for name in _ERROR_FIELDS}
        bases = document.pop("bases")
        return {**document, "bases": list(bases)} if bases else document

    def short(self) -> "TaskError":
        """Give it without its trace, and no more of its message than a line has room for."""
        return replace(self, message=self.message[:SHORT_CHARACTERS], trace="")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TaskError":
        """Read what `to_json` wrote."""
        values = {name: document[name] for name in _ERROR_FIELDS if name in document}
        if "bases" in values:
            values["bases"] = tuple(values["bases"])
        return cls(**values)


_ERROR_FIELDS = tuple(each.name for each in fields(TaskError))


class Event:
    """One thing that happened; `kind` is its name in the log."""

    __slots__ = ()
    kind: ClassVar[str] = ""
    names: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        document = {name: getattr(self, name) for name in self.names}
        error = document.get("error")
        if error is not None:
            document["error"] = error.to_json()
        return document


_KINDS: dict[str, type[Event]] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def _event[E: Event](cls: type[E]) -> type[E]:
    made = dataclass(frozen=True, slots=True)(cls)
    made.kind = made.__name__
    made.names = tuple(each.name for each in fields(made))  # type: ignore[arg-type] # a dataclass
    _KINDS[made.kind] = made
    return made


def kinds() -> frozenset[str]:
    """Name all kinds of events that this version knows."""
    return frozenset(_KINDS)


def event_from_json(kind: str, document: Mapping[str, Any]) -> Event:
    """Read an event back from its kind and its fields.

    Raises KeyError for a kind this version does not know.
    """
    values = dict(document)
    if values.get("error") is not None:
        values["error"] = TaskError.from_json(values["error"])
    return _KINDS[kind](**values)


@_event
class RunStarted(Event):
    """The first executor of the run set to work."""


@_event
class RunResumed(Event):
    """Another executor goes on from the checkpoints.

    `reopened` if a person asked for it: then what failed is tried again. `status` is where the
    run stands then: running, or paused or cancelling as it was.
    """

    epoch: int
    reopened: bool = False
    status: str = "running"


@_event
class RunInterrupted(Event):
    """The run's process stops or died; the run can go on elsewhere."""

    reason: str


@_event
class VersionsTaken(Event):
    """The run goes on with task types that are not what they were; `types` has their signatures.

    They are declared to be compatible, unless `actor` decided it; `changes` says what changed.
    """

    types: dict[str, str]
    changes: list[str]
    actor: str = ""


@_event
class StorageReturned(Event):
    """For so many seconds nothing could be kept, and nothing further began."""

    seconds: float


@_event
class RunCancelling(Event):
    """Somebody asked for the run to stop."""

    actor: str


@_event
class RunPaused(Event):
    """Somebody asked that nothing further starts; what runs goes on to its end."""

    actor: str


@_event
class RunContinued(Event):
    """Somebody let a paused run go on."""

    actor: str


@_event
class RunAwaiting(Event):
    """Everything that still runs waits: for a person, a time, a token or a decision.

    `message` says more, where no task does: of versions, what has changed and what to do.
    """

    reason: str
    message: str = ""


@_event
class RunWoke(Event):
    """Something that was waited for came; the run goes on."""


@_event
class RunCompleted(Event):
    """All is done; `outputs` are encoded values by port, `handled` counts handled errors."""

    outputs: dict[str, str]
    handled: int = 0


@_event
class RunFailed(Event):
    """Nothing can move any more and a task failed; `path` is the first of them."""

    error: TaskError
    path: str


@_event
class RunCancelled(Event):
    """The run stopped as asked."""


@_event
class TaskQueued(Event):
    """A task could start but for the limit that `reason` names."""

    path: str
    reason: str


@_event
class TaskStarted(Event):
    """A task's body begins (or a compound's first task did)."""

    path: str
    attempt: int


@_event
class TaskProgressed(Event):
    """A body said how far it is; `fraction` is 0 to 1 and never falls in an attempt."""

    path: str
    attempt: int
    fraction: float
    message: str


@_event
class TaskLogged(Event):
    """A body wrote a line to its log; `level` is a name of the logging module."""

    path: str
    attempt: int
    level: str
    message: str


@_event
class StreamOpened(Event):
    """The first chunk of a port was pushed."""

    path: str
    port: str
    attempt: int


@_event
class ChunksStored(Event):
    """Chunks `first` to `last` are kept; `bytes` is their encoded size."""

    path: str
    port: str
    attempt: int
    first: int
    last: int
    bytes: int


@_event
class StreamClosed(Event):
    """No further chunk will come; `chunks` is how many there are."""

    path: str
    port: str
    attempt: int
    chunks: int


@_event
class StreamSuperseded(Event):
    """An attempt ended without result; its chunks no longer count."""

    path: str
    port: str
    attempt: int


@_event
class StreamResumed(Event):
    """A new attempt goes on with the first `chunks` chunks of an earlier one."""

    path: str
    port: str
    attempt: int
    chunks: int


@_event
class DataflowStreaming(Event):
    """A first chunk reached a dataflow that a dependant reads as a stream."""

    source: str
    port: str
    target: str
    into: str


@_event
class DataflowClosed(Event):
    """A streaming dataflow carried its last chunk."""

    source: str
    port: str
    target: str
    into: str


@_event
class TaskExpanded(Event):
    """A control task unfolded, for the `turn`-th time; `decision` says into what (as JSON).

    `attempt` 0: kept by a version that did not say which.
    """

    path: str
    turn: int
    decision: Any
    attempt: int = 0


@_event
class TaskDecided(Event):
    """A branch chose its way, a merge its source, or a race has a winner (as JSON)."""

    path: str
    decision: Any


@_event
class TaskAwaiting(Event):
    """A task waits for a person, a time, a token or a decision, and holds no slot.

    `reason` is input, approval, time, token, decision or version; `detail` is what to ask,
    `until` the UTC time in ISO format when it goes on by itself, if it does.
    """

    path: str
    attempt: int
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)
    until: str = ""


@_event
class TaskAnswered(Event):
    """What a task waited for came, from `actor` if it was a person."""

    path: str
    attempt: int
    reason: str
    actor: str = ""


@_event
class TaskRetrying(Event):
    """An attempt failed; the next one begins after `delay` seconds.

    `by` is the compound whose policy grants it; "" if the task's own does. One that a person
    grants, `actor`, is charged to no policy.
    """

    path: str
    attempt: int
    error: TaskError
    delay: float
    by: str = ""
    actor: str = ""


@_event
class RetryDue(Event):
    """The delay before a task's next attempt is over. Never kept in the log."""

    path: str
    attempt: int


@_event
class TaskDropped(Event):
    """What a task had read of `culprit` no longer counts: it will run again."""

    path: str
    attempt: int
    culprit: str


@_event
class DecisionMade(Event):
    """A body decided something that a resume must not decide differently; `value` is JSON."""

    path: str
    attempt: int
    name: str
    value: Any


@_event
class StateSaved(Event):
    """A body kept its state, `bytes` long, with its place in its streams."""

    path: str
    attempt: int
    bytes: int


@_event
class TaskStuck(Event):
    """A body ignores that it was stopped; its attempt was abandoned."""

    path: str
    attempt: int


@_event
class TaskReturned(Event):
    """A body ended well; the result counts once every stream it read has completed.

    Never kept in the log: what is kept is the end that follows. One that `failed` gives nothing
    to run ahead on.
    """

    path: str
    attempt: int
    failed: bool = False


@_event
class TaskCompleted(Event):
    """A task's result is final: encoded `outputs` by port, chunk counts of `streams`.

    `not_taken` names the ports that carry nothing, of a branch for example.
    """

    path: str
    attempt: int
    outputs: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    not_taken: list[str] = field(default_factory=list)


@_event
class TaskCached(Event):
    """A task did not run: its result was kept from `source`, the cache or another run."""

    path: str
    attempt: int
    outputs: dict[str, str] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    source: str = "cache"


@_event
class TaskFailed(Event):
    """A task's last attempt failed; `handled` if a dataflow takes its error."""

    path: str
    attempt: int
    error: TaskError
    handled: bool = False


@_event
class TaskUpstreamFailed(Event):
    """A task cannot have its inputs because `culprit` failed."""

    path: str
    culprit: str


@_event
class TaskCancelled(Event):
    """A task was stopped, or never begun, because the run was cancelled."""

    path: str
    attempt: int


@_event
class TaskInterrupted(Event):
    """A task was running when its process stopped or died; it will run again."""

    path: str
    attempt: int


@_event
class TaskSkipped(Event):
    """A task was left out, because of `reason`."""

    path: str
    reason: str = ""
