"""Policy: how often a task is tried, how long it may take, and what it shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any

from runner.errors import ValueFault

MOST_ATTEMPTS = 10
LONGEST_SECONDS = 366 * 24 * 3600.0
_LONGEST_NAME = 64
_MOST_PRIORITY = 100
#: The place that is the job queue.
QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """After the first attempt: how many more, and how many seconds between them.

    The n-th delay is `delay * factor**(n - 1)`, at most `cap`; with `jitter` a part of it.
    `errors` names the exception types that are worth another attempt, with all that are derived
    from them; empty means all that may be retried.
    """

    attempts: int = 1
    delay: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    jitter: bool = True
    errors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every field; raises ValueFault with a sentence."""
        attempts = self.attempts
        if not _is_whole(attempts) or not 1 <= attempts <= MOST_ATTEMPTS:
            raise ValueFault(f"A task has 1 to {MOST_ATTEMPTS} attempts, not {attempts!r}.")
        _demand("The delay before a retry", self.delay, _is_duration, "seconds, 0 or more")
        _demand("The longest delay before a retry", self.cap, _is_duration, "seconds, 0 or more")
        _demand("The factor of a retry", self.factor, _is_factor, "a number from 1 to 100")
        _demand("The jitter of a retry", self.jitter, _is_flag, "true or false")
        _demand("The errors of a retry", self.errors, _is_names, "names of exception types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the engine promises for one task beside running it; times are seconds, None is forever.

    `timeout` bounds one attempt, `idle_timeout` the time without a chunk or progress. Tasks of
    one `group` share its slots in a run, and its limits in the job queue.

    `place` "queue" posts the task to the job queue instead of running it where its run is driven.
    There a higher `priority` (-100 to 100) goes first, no worker begins it before `run_after`
    seconds have passed, nor works on it after `deadline` seconds; jobs of one `dedupe` key that
    are the same (person, type, settings, inputs) are done once.
    """

    retry: Retry = field(default_factory=Retry)
    timeout: float | None = 3600.0
    idle_timeout: float | None = 600.0
    cache: bool = False
    group: str = ""
    place: str = ""
    priority: int = 0
    run_after: float = 0.0
    deadline: float | None = None
    dedupe: str = ""

    def __post_init__(self) -> None:
        """Check every field; raises ValueFault with a sentence."""
        _demand("A timeout", self.timeout, _is_limit, "seconds above 0, or null for none")
        _demand("An idle timeout", self.idle_timeout, _is_limit, "seconds above 0, or null")
        _demand("The cache of a task", self.cache, _is_flag, "true or false")
        _demand("A group", self.group, _is_name, f"text of up to {_LONGEST_NAME} characters")
        _demand("A place", self.place, _is_place, f'"{QUEUE}" for the job queue, or empty')
        _demand("A priority", self.priority, _is_priority, "a whole number from -100 to 100")
        _demand("The time before a job begins", self.run_after, _is_duration, "seconds, 0 or more")
        _demand("A deadline", self.deadline, _is_limit, "seconds above 0, or null for none")
        _demand("A dedupe key", self.dedupe, _is_name, f"text of up to {_LONGEST_NAME} characters")

    @property
    def is_queued(self) -> bool:
        """Whether a worker of the job queue runs the task."""
        return self.place == QUEUE

    def overridden(self, changes: Mapping[str, Any]) -> "Policy":
        """Give this policy with some fields changed, those of `retry` one by one.

        Raises ValueFault with a sentence for an unknown field or a value that makes no sense.
        """
        if not changes:
            return self
        _refuse_unknown("A policy", changes, Policy)
        changed = dict(changes)
        if "retry" in changed:
            changed["retry"] = _retry_overridden(self.retry, changed["retry"])
        return replace(self, **changed)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a JSON object; a field that is left out has its default; raises ValueFault."""
        return cls().overridden(document)

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object: the fields that differ from the defaults."""
        document = _differences(self, Policy())
        if "retry" in document:
            retry = document["retry"] = _differences(self.retry, Retry())
            if "errors" in retry:
                retry["errors"] = list(self.retry.errors)
        return document


def check_policy(policy: Policy, title: str, effect: str, needs: tuple[Any, ...]) -> None:
    """Raise ValueFault if a task of this effect and these needs cannot have the policy."""
    if policy.cache and (effect != "none" or needs):
        why = f"its effect is {effect}" if effect != "none" else "it needs credentials"
        raise ValueFault(f"{title} cannot be cached, because {why}; switch the cache off.")
    if effect == "once" and policy.retry.attempts > 1:
        raise ValueFault(f"{title} may run only once; leave it one attempt.")


def _retry_overridden(retry: Retry, changes: Any) -> Retry:
    if isinstance(changes, Retry):
        return changes
    if not isinstance(changes, Mapping):
        raise ValueFault(
            f"The retry of a policy is an object such as {{'attempts': 3}}, not {changes!r:.60}."
        )
    _refuse_unknown("A retry", changes, Retry)
    changed = dict(changes)
    if isinstance(changed.get("errors"), list):
        changed["errors"] = tuple(changed["errors"])
    return replace(retry, **changed)


def _fields_of(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _differences(value: Any, other: Any) -> dict[str, Any]:
    default = _fields_of(other)
    return {name: each for name, each in _fields_of(value).items() if each != default[name]}


def _refuse_unknown(what: str, changes: Mapping[str, Any], kind: Any) -> None:
    known = [each.name for each in fields(kind)]
    for name in changes:
        if name not in known:
            raise ValueFault(f"{what} has no '{name!s:.60}'; it has {', '.join(known)}.")


def _demand(what: str, value: Any, holds: Callable[[Any], bool], wanted: str) -> None:
    if not holds(value):
        raise ValueFault(f"{what} is {wanted}, not {value!r:.60}.")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and isfinite(value))


def _is_duration(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= LONGEST_SECONDS


def _is_factor(value: Any) -> bool:
    return _is_number(value) and 1 <= value <= 100


def _is_limit(value: Any) -> bool:
    return value is None or (_is_duration(value) and value > 0)


def _is_place(value: Any) -> bool:
    return isinstance(value, str) and value in {"", QUEUE}


def _is_priority(value: Any) -> bool:
    return _is_whole(value) and -_MOST_PRIORITY <= value <= _MOST_PRIORITY


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(_is_name(each) and each for each in value)
