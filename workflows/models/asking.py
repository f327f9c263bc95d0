"""What a person may ask of a run where it stands, and the sentence when they may not (pure)."""

from collections.abc import Collection, Mapping
from typing import Any

from runner.run.status import RESUMABLE, RunStatus

#: Where a run has tasks that can be answered, or will have.
_UNDER_WAY = frozenset(
    {RunStatus.RUNNING, RunStatus.AWAITING, RunStatus.PAUSED, RunStatus.INTERRUPTED}
)
_BEFORE_ITS_END = frozenset(each for each in RunStatus if not each.is_over)
#: Kind of request -> where it changes something, and what is said anywhere else.
ASKABLE: Mapping[str, tuple[Collection[RunStatus], str]] = {
    "cancel": (
        _BEFORE_ITS_END - {RunStatus.CANCELLING},
        "This run is over, or stopping already; there is nothing to cancel.",
    ),
    "resume": (
        RESUMABLE | {RunStatus.QUARANTINED},
        "This run goes on already, or has nothing left to do.",
    ),
    "pause": (
        _BEFORE_ITS_END - {RunStatus.CANCELLING, RunStatus.PAUSED},
        "This run is over, stopping or paused already; there is nothing to pause.",
    ),
    "continue": ({RunStatus.PAUSED}, "This run is not paused."),
    "answer": (_UNDER_WAY, "This run does not wait for an answer."),
    "decide": (_UNDER_WAY, "This run does not wait for a decision."),
    "renew": (_UNDER_WAY, "This run does not wait for a credential."),
}
KINDS = tuple(ASKABLE)
#: What a task must wait for, so that a request about it changes something.
_REASONS: Mapping[str, Collection[str]] = {
    "answer": frozenset({"input", "approval"}),
    "decide": frozenset({"decision"}),
}
#: What one person does for all: the first of them counts, and who comes later is told of it.
FIRST_COUNTS = frozenset(_REASONS)
#: How the detail of a task begins (JSON) that takes no answer of who started its run.
NOT_BY_STARTER = '{"others_only":true'
ACTIONS = frozenset({"retry", "complete", "fail"})
#: What may be decided about task types that are not what they were.
OF_VERSIONS = frozenset({"take", "fail"})


def refusal_of(kind: str, status: str, payload: Mapping[str, Any]) -> str:
    """Say why a request changes nothing in a run of this status; empty when it does."""
    statuses, sentence = ASKABLE[kind]
    if status not in statuses:
        return sentence
    if kind == "decide" and "path" not in payload and payload.get("action") in OF_VERSIONS:
        return ""
    if kind in _REASONS and not isinstance(payload.get("path"), str):
        return "The request names no task."
    if kind == "decide" and payload.get("action") not in ACTIONS:
        return f"A decision is one of {', '.join(sorted(ACTIONS))}."
    return ""


def task_refusal_of(kind: str, path: str, reason: str | None) -> str:
    """Say why a request about a task changes nothing; `reason` is what the task waits for."""
    wanted = _REASONS.get(kind, ())
    if not wanted or reason in wanted:
        return ""
    return f"Task {path} does not wait for {'a decision' if kind == 'decide' else 'an answer'}."


def early_sentence(kind: str, name: str, payload: Mapping[str, Any]) -> str:
    """Say who was quicker, and with what."""
    value = payload.get("value")
    if kind == "decide":
        verb = "decided"
    elif isinstance(value, Mapping) and "approved" in value:
        verb = "approved" if value["approved"] else "rejected"
    else:
        verb = "answered"
    return f"{name} has {verb} this already."
