"""What must be done next: frozen, imperative; each one's outcome is an event."""

from dataclasses import dataclass

from runner.run.events import Event, TaskError


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start the body of a task; a `durable` start waits until its event is committed."""

    path: str
    attempt: int
    durable: bool


@dataclass(frozen=True, slots=True)
class DecideTask:
    """Let a control task decide: unfold once more, choose a way, or settle."""

    path: str


@dataclass(frozen=True, slots=True)
class SettleTask:
    """Put a control task's outputs together and record its completion."""

    path: str


@dataclass(frozen=True, slots=True)
class PushItem:
    """Stream what item `index` of a map gave, as far as the order allows."""

    path: str
    index: int


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """Record the completion of a task whose body has returned."""

    path: str


@dataclass(frozen=True, slots=True)
class DropTask:
    """Stop a task's body and forget what it returned: what it read no longer counts."""

    path: str
    culprit: str


@dataclass(frozen=True, slots=True)
class RetryTask:
    """Let the next attempt of a task begin when its delay is over."""

    path: str
    delay: float


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Stop the body of a running task."""

    path: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record an event that follows from the one just handled."""

    event: Event


@dataclass(frozen=True, slots=True)
class FinishRun:
    """Nothing can move any more: record the run's end.

    `error` and `path` name the first failed task; `cancelled` wins over both.
    """

    cancelled: bool = False
    error: TaskError | None = None
    path: str = ""


type Command = (
    StartTask
    | DecideTask
    | SettleTask
    | PushItem
    | CompleteTask
    | DropTask
    | RetryTask
    | CancelTask
    | Record
    | FinishRun
)
