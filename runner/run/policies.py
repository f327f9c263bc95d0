"""Policies: whether and when a failed task is tried again, and what a cached result is known by."""

import hashlib
from collections.abc import Iterator, Mapping

from runner.graph.policy import Retry
from runner.graph.task import Task
from runner.graph.values import dump
from runner.run.events import TaskError
from runner.run.task_state import TaskState

#: Trying again cannot help: the same inputs would be refused for the same reason. What is
#: derived from one of them is one of them.
NEVER_RETRIED = frozenset(
    {
        "ValueFault",
        "MissingCredential",
        "SizeLimit",
        "TaskAbandoned",
        "ValidationError",
        "DefinitionError",
        "ExpressionError",
        "Refused",
    }
)
RETRY_AFTER_AT_MOST = 600.0


def budgets(task: TaskState) -> Iterator[tuple[str, Retry, int]]:
    """Give who may grant a failed task another attempt: "" for itself, or a compound's path.

    With each its policy and the failures it has forgiven. An alternative that fails is the
    business of the control task that tries them.
    """
    yield "", task.planned.policy.retry, task.failures
    group, scope = task.group, task.scope
    while group is not None or scope is not None:
        while group is not None:
            yield group.path, group.policy.retry, group.failures
            group = group.parent
        if scope is None or scope.owner.races or scope.owner.goes_again_after("failure"):
            return
        owner = scope.owner
        yield owner.planned.path, owner.planned.policy.retry, owner.failures
        group, scope = owner.group, owner.scope


def retry_delay(
    retry: Retry,
    failures: int,
    error: TaskError,
    *,
    chance: float,
    retry_after: float | None = None,
) -> float | None:
    """Give the seconds to wait before the next attempt; None if there is none.

    `failures` are those that this policy has forgiven so far; `chance` is a random number from
    0 to 1. The delay grows by `factor` up to `cap`, and with `jitter` anything from 0 to that is
    taken: many tasks that failed together do not come back together ("full jitter", after M.
    Brooker, Exponential Backoff And Jitter, 2015). `retry_after` is what the other side asked
    for, in seconds; it is honoured up to ten minutes.
    """
    if failures + 1 >= retry.attempts or not NEVER_RETRIED.isdisjoint(error.types):
        return None
    if retry.errors and error.types.isdisjoint(retry.errors):
        return None
    if retry_after is not None:
        return min(max(0.0, retry_after), RETRY_AFTER_AT_MOST)
    delay = min(retry.cap, retry.delay * retry.factor**failures)
    return delay * chance if retry.jitter else delay


def cache_key(task: Task, inputs: Mapping[str, str], environment: str = "") -> str:
    """Give the key of a task's result: SHA-256 of type, version, settings and encoded inputs.

    `environment` stands for what else decides the result: versions of packages and of the
    workflows inside.
    """
    said = dump(
        {
            "type": task.name,
            "version": task.version,
            "config": task.config.model_dump(mode="json"),
            "inputs": dict(sorted(inputs.items())),
            "environment": environment,
        }
    )
    return hashlib.sha256(said.encode()).hexdigest()
