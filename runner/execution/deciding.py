"""What a person decides about a task that waits for it: that it goes on, or how it ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import ValueFault
from runner.execution.body import ERROR_CHARACTERS
from runner.execution.run_values import outputs_given
from runner.run import events
from runner.run.events import TaskError

if TYPE_CHECKING:
    from runner.execution.run_executor import RunExecutor


def settle_decision(
    executor: "RunExecutor", path: str, actor: str, decision: Mapping[str, Any]
) -> bool:
    """Carry out what a person decided about a task that must not start twice by itself.

    `decision` has the `action` retry, complete (with `outputs` by port) or fail (with a
    `message`). Gives false when the task waits for no decision; raises ValueFault, and
    changes nothing, for outputs that do not fit and for another action.
    """
    state = executor.state.tasks.get(path)
    if state is None or state.reason != "decision":
        return False
    action, attempt, mask = decision.get("action"), state.attempt, executor.desk.masker
    if action == "retry":
        try_again(executor, path, "decision", actor)
    elif action == "complete":
        given = outputs_given(state.planned, decision.get("outputs"))
        outputs = {port: mask.mask_json(text) for port, text in given.items()}
        executor.desk.supersede(path)
        executor.record(events.TaskAnswered(path, attempt, "decision", actor))
        executor.bodies.give(path, outputs)
        executor.record(events.TaskReturned(path, attempt))
    elif action == "fail":
        said = str(decision.get("message") or f"{actor} decided that it failed.")
        message = mask.mask(said)[:ERROR_CHARACTERS]
        error = TaskError(type="DecidedToFail", message=message, task=path, attempt=attempt)
        executor.record(events.TaskAnswered(path, attempt, "decision", actor))
        executor.record(events.TaskFailed(path, attempt, error, state.planned.handles_error))
    else:
        raise ValueFault("Decide to retry, to complete or to fail.")
    return True


def try_again(executor: "RunExecutor", path: str, reason: str, actor: str) -> None:
    """Let a task without a body that waited for `reason` have its next attempt."""
    attempt = executor.state.tasks[path].attempt
    error = TaskError(type="Again", message=f"{actor} let it go on.", task=path, attempt=attempt)
    executor.record(events.TaskAnswered(path, attempt, reason, actor))
    executor.record(events.TaskRetrying(path, attempt, error, 0.0, actor=actor))
