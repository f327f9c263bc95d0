"""The statuses of runs and tasks, and how each is named and drawn everywhere."""

from dataclasses import dataclass
from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    AWAITING = "awaiting"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"

    @property
    def is_over(self) -> bool:
        """Whether nothing moves any more unless a person asks for it."""
        return self in OVER


OVER = frozenset(
    {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.QUARANTINED}
)
RESUMABLE = frozenset({RunStatus.INTERRUPTED, RunStatus.FAILED, RunStatus.CANCELLED})


class TaskStatus(StrEnum):
    """Where one task of a run stands."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    STREAMING = "streaming"
    AWAITING = "awaiting"
    RETRYING = "retrying"
    COMPLETED = "completed"
    CACHED = "cached"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream-failed"
    INTERRUPTED = "interrupted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a status is said and drawn.

    `word` is for people, `icon` names a symbol of `templates/_icons.html`, and `glyph` and `colour`
    (a name of an ANSI colour) are for a terminal.
    """

    word: str
    icon: str
    glyph: str
    colour: str


#: The one table of how states look: pages, console and admin draw from it.
LOOKS: dict[str, Look] = {
    "pending": Look(word="pending", icon="i-pending", glyph="·", colour="dim"),
    "queued": Look(word="queued", icon="i-queued", glyph="…", colour="blue"),
    "running": Look(word="running", icon="i-running", glyph="▶", colour="blue"),
    "streaming": Look(word="streaming", icon="i-streaming", glyph="≈", colour="cyan"),
    "awaiting": Look(word="awaiting", icon="i-awaiting", glyph="?", colour="magenta"),
    "paused": Look(word="paused", icon="i-paused", glyph="?", colour="magenta"),
    "retrying": Look(word="retrying", icon="i-retrying", glyph="↻", colour="yellow"),
    "completed": Look(word="completed", icon="i-completed", glyph="✓", colour="green"),
    "cached": Look(word="cached", icon="i-cached", glyph="=", colour="green"),
    "failed": Look(word="failed", icon="i-failed", glyph="✗", colour="red"),
    "upstream-failed": Look(
        word="upstream failed", icon="i-upstream-failed", glyph="⊘", colour="red"
    ),
    "interrupted": Look(word="interrupted", icon="i-interrupted", glyph="!", colour="yellow"),
    "quarantined": Look(word="quarantined", icon="i-quarantined", glyph="!", colour="yellow"),
    "cancelling": Look(word="cancelling", icon="i-cancelling", glyph="◌", colour="yellow"),
    "cancelled": Look(word="cancelled", icon="i-cancelled", glyph="■", colour="yellow"),
    "skipped": Look(word="skipped", icon="i-skipped", glyph="–", colour="dim"),
}


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Its worker died, and it must not be started twice by itself.
    LOST = "lost"

    @property
    def is_open(self) -> bool:
        """Whether a worker has still to do with it."""
        return self in {JobState.WAITING, JobState.RUNNING}
