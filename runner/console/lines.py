"""One line a change: what a terminal that cannot redraw, a file or a pipe gets."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from runner.console.words import LONGEST_VALUE, UNSAFE, beside_status, decided, unfolded
from runner.execution.memory import STATUS_OF
from runner.execution.store import Entry
from runner.graph.definition import DefinedTask
from runner.graph.values import decode
from runner.run import events as happened
from runner.run.moves import MOVES
from runner.run.status import LOOKS

#: The status of a task after an event, where it changes it.
TASK_STATUS: dict[type[happened.Event], str] = {
    kind: status.value for kind, (_, status) in MOVES.items() if status is not None
}


def lines_of(entry: Entry, drawn: DefinedTask | None = None) -> Iterator[str]:
    """Give the lines of an event; `drawn` is the task it is about, as far as it was drawn."""
    event = entry.event
    path = getattr(event, "path", "")
    status = status_after(event)
    words = words_of(event, drawn)
    if status:
        name = path if type(event) in TASK_STATUS else "run"
        yield _stamped(entry, f"{LOOKS[status].glyph} {name} {words}")
    elif isinstance(event, happened.TaskExpanded | happened.TaskDecided):
        yield _stamped(entry, f"{LOOKS['running'].glyph} {path} {words}")
    elif words:
        yield _stamped(entry, f"  {path} {words}")


def status_after(event: happened.Event) -> str:
    """Give the status of the run or task after an event; empty where it changes none."""
    return STATUS_OF.get(type(event)) or TASK_STATUS.get(type(event)) or ""


def words_of(event: happened.Event, drawn: DefinedTask | None = None) -> str:
    """Say an event after the name of what it is about; empty for what only counts."""
    if status := status_after(event):
        return f"{LOOKS[status].word}{beside_status(event)}"
    if isinstance(event, happened.TaskExpanded):
        return unfolded(event, drawn)
    if isinstance(event, happened.TaskDecided):
        return decided(event, drawn)
    words = _ASIDE.get(type(event))
    return words(event) if words is not None else ""


def _decision(event: happened.DecisionMade) -> str:
    return f"decided {event.name}: {str(decode(event.value))[:LONGEST_VALUE]}"


_ASIDE: dict[type[happened.Event], Callable[[Any], str]] = {
    happened.TaskLogged: lambda event: f"{event.level}: {event.message}",
    happened.DecisionMade: _decision,
    happened.StateSaved: lambda event: f"saved its state, {event.bytes:,} B",
    happened.StreamResumed: lambda event: (
        f"goes on with {event.port} after {event.chunks:,} chunks"
    ),
    happened.StreamSuperseded: lambda event: f"begins {event.port} anew",
    happened.TaskStuck: lambda _event: "is stuck: it ignores that it was stopped",
}


def _stamped(entry: Entry, text: str) -> str:
    return f"{entry.at.astimezone():%H:%M:%S} {text.replace('\n', ' ').translate(UNSAFE)}"


def as_object(entry: Entry, items: Collection[str]) -> dict[str, Any]:
    """Give an event as a JSON object, with the chunks that it says are kept."""
    event = entry.event
    about = {"seq": entry.seq, "at": entry.at.isoformat(), "kind": event.kind}
    chunks = {"items": list(map(decode, items))} if items else {}
    return about | event.to_json() | chunks
