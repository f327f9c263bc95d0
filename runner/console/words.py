"""What a line or a row says about an event beside the status: reasons, delays, decisions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from runner.console.drawn import (
    BRANCH,
    FALLBACK,
    FIRST_OF,
    GOES_OVER_ITEMS,
    MAP,
    MERGE,
    WHILE,
    alternatives_of,
)
from runner.graph.definition import DefinedTask
from runner.graph.values import decode
from runner.run import events as happened

#: What would move a terminal's cursor or change its colours does not come from a task.
UNSAFE = {each: "\ufffd" for each in (*range(32), *range(127, 160)) if chr(each) not in "\n\t"}
AWAITED = {
    "input": "an answer",
    "approval": "an approval",
    "time": "a time",
    "token": "a credential",
    "decision": "a decision whether to start it again",
    "version": "a decision about its version",
}
LONGEST_VALUE = 60
_NOW_SECONDS = 0.05


def one_line(text: str) -> str:
    """Put a text on one line, without what a terminal would obey."""
    return " ".join(text.split()).translate(UNSAFE)


def said(text: str) -> str:
    """Show an encoded value: text as it is, anything else as JSON."""
    value = decode(text)
    return value if isinstance(value, str) else text


def count_of(number: int, thing: str) -> str:
    """Count things: "1 item", "2 items"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


# ── beside the status ───────────────────────────────────────────────────────────────────────────


def beside_status(event: happened.Event) -> str:
    """Give what follows the word of a status, its separator included; empty if nothing does."""
    words = _BESIDE.get(type(event))
    return words(event) if words is not None else ""


def _by(event: Any) -> str:
    return f" by {event.actor}" if event.actor else ""


def _attempt(event: happened.TaskStarted) -> str:
    return f", attempt {event.attempt}" if event.attempt > 1 else ""


def _reason(event: Any) -> str:
    return f": {event.reason}" if event.reason else ""


def _failure(event: happened.TaskFailed) -> str:
    return f"{', handled' if event.handled else ''}: {event.error.message}"


def _retry(event: happened.TaskRetrying) -> str:
    when = "at once" if event.delay < _NOW_SECONDS else f"in {event.delay:.1f} s"
    payer = f" (granted to {event.by})" if event.by else ""
    return f", attempt {event.attempt + 1} {when}{payer}: {event.error.message}"


def _awaited(event: happened.TaskAwaiting) -> str:
    about = event.detail.get("title") or event.detail.get("message") or ""
    until = _clock(event.until) if event.until else ""
    if event.reason == "time":
        return f" {until}"
    what = f" {AWAITED.get(event.reason, event.reason)}"
    return what + (f", until {until}" if until else "") + (f": {about}" if about else "")


def _clock(moment: str) -> str:
    here = datetime.fromisoformat(moment).astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S}"


def _dropped(event: happened.TaskDropped) -> str:
    if event.culprit == "pause":
        return ", held back by the pause"
    return f" again: what it read of {event.culprit} no longer counts"


def _answered(event: happened.TaskAnswered) -> str:
    if event.reason == "time":
        return " again"
    what = AWAITED.get(event.reason, event.reason).partition(" whether")[0]
    return f" again, after {what}{_by(event)}"


def _handled(event: happened.RunCompleted) -> str:
    return f", {count_of(event.handled, 'handled error')}" if event.handled else ""


_BESIDE: dict[type[happened.Event], Callable[[Any], str]] = {
    happened.RunResumed: lambda event: ", reopened" if event.reopened else ", resumed",
    happened.RunInterrupted: _reason,
    happened.VersionsTaken: lambda event: f" on: {' '.join(event.changes)}",
    happened.StorageReturned: lambda event: f" again: the storage was away for {event.seconds:g} s",
    happened.RunCancelling: _by,
    happened.RunPaused: _by,
    happened.RunContinued: lambda event: f" again, continued{_by(event)}",
    happened.RunAwaiting: lambda event: f" {AWAITED.get(event.reason, event.reason)}",
    happened.RunWoke: lambda _event: " again",
    happened.RunCompleted: _handled,
    happened.RunFailed: lambda event: f": {event.error.message}",
    happened.TaskQueued: _reason,
    happened.TaskStarted: _attempt,
    happened.StreamOpened: lambda event: f" {event.port}",
    happened.TaskAwaiting: _awaited,
    happened.TaskAnswered: _answered,
    happened.TaskRetrying: _retry,
    happened.TaskDropped: _dropped,
    happened.TaskCached: lambda event: (
        ", from another run" if event.source == "run" else ", from the cache"
    ),
    happened.TaskFailed: _failure,
    happened.TaskUpstreamFailed: lambda event: f" by {event.culprit}" if event.culprit else "",
    happened.TaskSkipped: _reason,
}


# ── decisions ───────────────────────────────────────────────────────────────────────────────────


def unfolded(event: happened.TaskExpanded, drawn: DefinedTask | None) -> str:
    """Say into what a control task unfolded: "has 2 items", "begins turn 3"."""
    kind = drawn.type if drawn is not None else ""
    if kind in GOES_OVER_ITEMS:
        return f"has {count_of(event.decision, 'item')}"
    if kind == WHILE:
        return f"begins turn {event.turn + 1}"
    if kind == FALLBACK:
        return f"tries {_named(alternatives_of(drawn), event.decision)}"
    if kind == FIRST_OF:
        return f"has {count_of(event.decision, 'alternative')}"
    return "unfolds"


def decided(event: happened.TaskDecided, drawn: DefinedTask | None) -> str:
    """Say how a control task decided: "takes yes", "is won by fast"."""
    kind, decision = drawn.type if drawn is not None else "", event.decision
    if kind == BRANCH:
        return f"takes {' and '.join(decision) or 'no branch'}"
    if kind == MERGE:
        return f"takes its dataflow {decision + 1}"
    if kind == FIRST_OF:
        return f"is won by {_named(alternatives_of(drawn), decision)}"
    if kind == MAP:
        return f"has {count_of(decision, 'item')} in all"
    return f"decided {decision}"


def _named(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"alternative {index + 1}"
