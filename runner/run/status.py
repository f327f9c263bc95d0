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
    """How a status is said and drawn: a word for people and a glyph for a terminal."""

    word: str
    glyph: str


LOOKS: dict[str, Look] = {
    "pending": Look(word="pending", glyph="·"),
    "queued": Look(word="queued", glyph="…"),
    "running": Look(word="running", glyph="▶"),
    "streaming": Look(word="streaming", glyph="≈"),
    "awaiting": Look(word="awaiting", glyph="?"),
    "paused": Look(word="paused", glyph="?"),
    "retrying": Look(word="retrying", glyph="↻"),
    "completed": Look(word="completed", glyph="✓"),
    "cached": Look(word="cached", glyph="="),
    "failed": Look(word="failed", glyph="✗"),
    "upstream-failed": Look(word="upstream failed", glyph="⊘"),
    "interrupted": Look(word="interrupted", glyph="!"),
    "quarantined": Look(word="quarantined", glyph="!"),
    "cancelling": Look(word="cancelling", glyph="◌"),
    "cancelled": Look(word="cancelled", glyph="■"),
    "skipped": Look(word="skipped", glyph="–"),
}
