"""What a page says about one task of a run: a row of the tree, a box of the graph (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.run.status import LOOKS, Look
from workflows.models.kept import HANDLED
from workflows.outline import BRANCH, FALLBACK, FIRST_OF, WHILE, Level, Outline, Place, slug_of

ENDED_WELL = frozenset({"completed", "cached"})
SETTLED = ENDED_WELL | {"skipped"}
FAILED = frozenset({"failed", "upstream-failed"})
MOVING = frozenset({"running", "streaming", "retrying", "cancelling"})
UNKNOWN = Look(word="unknown", icon="i-pending", glyph="?", colour="dim")
#: What an awaiting task or run waits for, by reason.
AWAITED: Mapping[str, str] = {
    "input": "waits for an answer",
    "approval": "waits for an approval",
    "time": "waits for a time",
    "token": "waits for a credential",
    "decision": "waits for a decision",
    "version": "waits for a confirmed version",
}

_WORST_FIRST = (
    "failed",
    "upstream-failed",
    "interrupted",
    "awaiting",
    "retrying",
    "running",
    "streaming",
    "cancelling",
    "queued",
    "pending",
    "cancelled",
    "skipped",
    "cached",
    "completed",
)
RANKS = {status: rank for rank, status in enumerate(_WORST_FIRST)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """How much one port has streamed so far, and its last words."""

    chunks: int = 0
    size: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many tasks have a status."""

    status: str
    number: int

    @property
    def word(self) -> str:
        """The status in words."""
        return look_of(self.status).word


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task of a run, with all that its row and its box say.

    `shape` says into what a control unfolded, or what it chose; `taken` names the outputs that a
    branch took, None as long as it has not decided and for any other task. `counts` are those of
    the tasks inside.
    """

    path: str
    title: str
    kind: str = "task"
    depth: int = 0
    number: int = 0
    status: str = "pending"
    attempt: int = 0
    started_at: datetime | None = None
    first_chunk_at: datetime | None = None
    ended_at: datetime | None = None
    fraction: float | None = None
    message: str = ""
    problem: str = ""
    reason: str = ""
    until: datetime | None = None
    stuck: bool = False
    shape: str = ""
    taken: frozenset[str] | None = None
    width: int | None = None
    done: int = 0
    total: int = 0
    counts: tuple[Count, ...] = ()
    streams: Mapping[str, Streamed] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The path as an element's id."""
        return slug_of(self.path)

    @property
    def look(self) -> Look:
        """The status as a word and a glyph."""
        return look_of(self.status)

    @property
    def is_group(self) -> bool:
        """Whether the row stands for several tasks."""
        return self.kind != "task"

    @property
    def is_handled(self) -> bool:
        """Whether it failed and something else deals with its error."""
        return self.status == "failed" and self.reason == HANDLED

    @property
    def is_closed(self) -> bool:
        """Whether what is inside comes page by page."""
        return self.kind in {"map", "workflow"}

    @property
    def counts_of_items(self) -> tuple[Count, ...]:
        """The counts of what has no rows of its own; what is inside of a compound has them."""
        return self.counts if self.is_closed else ()

    @property
    def is_moving(self) -> bool:
        """Whether its clock runs."""
        return self.status in MOVING and self.ended_at is None

    @property
    def chunks(self) -> int:
        """Chunks streamed, over all ports."""
        return sum(stream.chunks for stream in self.streams.values())

    @property
    def size(self) -> int:
        """Bytes streamed, over all ports."""
        return sum(stream.size for stream in self.streams.values())

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100; None when it does not say."""
        if self.is_group:
            return round(100 * self.done / self.total) if self.total else 0
        if self.fraction is None or self.status not in MOVING:
            return None
        return round(100 * self.fraction)

    @property
    def words(self) -> str:
        """The last thing it said: why it failed or waits, its last streamed words or message."""
        if self.problem:
            return self.problem.partition("\n")[0]
        if said := self.why:
            return said
        tails = [stream.tail for stream in self.streams.values() if stream.tail]
        return (tails[-1] if tails else "") or self.message

    @property
    def why(self) -> str:
        """Why it stands still, was left out, or did not need to run; empty for any other."""
        if self.status == "awaiting":
            return AWAITED.get(self.reason, "waits")
        if self.status == "cached":
            return "from the cache" if self.reason == "cache" else "kept from an earlier run"
        return self.reason if self.status in {"queued", "skipped"} else ""

    @property
    def measure(self) -> str:
        """How far it is, in a few signs."""
        if self.is_group:
            return f"{self.done}/{self.total}"
        if self.chunks:
            return f"≈ {self.chunks} {'chunk' if self.chunks == 1 else 'chunks'}"
        return "" if self.percent is None else f"{self.percent} %"

    @property
    def spoken(self) -> str:
        """The whole row in one phrase, for those who hear the page."""
        parts = [self.title, self.look.word]
        if self.measure:
            parts.append(self.measure.removeprefix("≈ "))
        return ", ".join(parts)


def look_of(status: str) -> Look:
    """Name a status; an unknown one is shown as such."""
    return LOOKS.get(status, UNKNOWN)


def shape_of(place: Place, width: int | None, decision: Any) -> str:
    """Say into what a control unfolded or what it chose, in a few signs; empty for any other."""
    if place.type == BRANCH:
        return f"→ {', '.join(map(str, decision)) or 'none'}" if isinstance(decision, list) else ""
    if place.type == FALLBACK:
        return f"alternative {decision + 1}" if isinstance(decision, int) and decision else ""
    if place.type == FIRST_OF:
        # First it says how many race, then which one won.
        return "" if decision in {None, width} else f"won by {_named(place, decision)}"
    if width is None or place.kind != "map":
        return ""
    if place.type == WHILE:
        return f"{width} {'turn' if width == 1 else 'turns'}"
    return f"×{width}"


def _named(place: Place, index: Any) -> str:
    places = place.body.places if place.body else ()
    known = isinstance(index, int) and 0 <= index < len(places)
    return places[index].title if known else str(index)


def status_of_group(counts: Mapping[str, int], *, total: int) -> str:
    """Say where a group stands whose own row has not been written yet."""
    present = [status for status, number in counts.items() if number]
    if not present:
        return "pending"
    if MOVING & set(present):
        return "running"
    waiting = total > sum(counts.values())
    worst = min(present, key=lambda status: RANKS.get(status, 0))
    return "running" if waiting and worst in ENDED_WELL else worst


def counted(counts: Mapping[str, int]) -> tuple[Count, ...]:
    """Put counts in the order in which a person wants to hear them."""
    ordered = sorted(counts, key=lambda status: RANKS.get(status, 0))
    return tuple(Count(status=each, number=counts[each]) for each in ordered if counts[each])


def producer_of(outline: Outline, place: Place | None, path: str, port: str) -> tuple[str, str]:
    """Find the task that really makes what leaves `path.port`, through compounds.

    An empty path means the inputs of the run.
    """
    level = place.body if place else outline.level
    while True:
        found = outline.places.get(path)
        if not path:
            if place is None or level is None:
                return "", port
            path, port, place, level = _outside(outline, place, port)
        elif found is not None and found.kind == "compound" and found.body is not None:
            inner = [
                (flow.source, flow.source_port)
                for flow in found.body.flows
                if not flow.target and flow.target_port == port
            ]
            if not inner:
                return path, port
            place, level = found, found.body
            path, port = inner[0]
        else:
            return path, port


def _outside(
    outline: Outline, place: Place, port: str
) -> tuple[str, str, Place | None, Level | None]:
    """Step from a compound's input to what feeds it, one level up."""
    parent = outline.places.get(place.parent)
    level = parent.body if parent and parent.body else outline.level
    for flow in level.flows:
        if flow.target == place.path and flow.target_port == port:
            return flow.source, flow.source_port, parent, level
    return "", port, None, None
