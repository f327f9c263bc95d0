"""Restoring: a run's state from what was kept of its tasks."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from runner.errors import UnreadableCheckpoint
from runner.run import events as happened
from runner.run.checkpoint import COMPOUND, TaskCheckpoint
from runner.run.events import Event
from runner.run.moves import OVER
from runner.run.status import TaskStatus
from runner.run.task_state import TaskState

if TYPE_CHECKING:
    from runner.run.state import RunState

S = TaskStatus


def restore(
    run: "RunState",
    checkpoints: Iterable[TaskCheckpoint],
    attempts: Mapping[str, int],
    running: Iterable[str],
) -> None:
    """Put back what was kept: unfoldings, outermost first, then ends, in their order.

    Raises UnreadableCheckpoint for a task that the run's graph does not have.
    """
    kept = sorted(checkpoints, key=lambda each: each.path.count("/"))
    for each in kept:
        if each.path in run.tasks and (each.rounds or each.decisions):
            _unfold_again(run, run.tasks[each.path], each)
    for each in sorted(kept, key=lambda each: each.seq):
        # One without an end may be inside of what was unfolded along a stream, and is not yet again.
        if each.done:
            _end_again(run, each)
    _count_failures(run, kept)
    _close_what_was_tried(run)
    for path, attempt in attempts.items():
        if path in run.tasks:
            run.tasks[path].attempt = max(run.tasks[path].attempt, attempt)
        elif path in run.groups:
            run.groups[path].started = True
        else:
            run.wiring.attempts[path] = attempt
    for path in running:
        state = run.tasks.get(path)
        if state is not None and state.status is S.PENDING:
            state.status = S.INTERRUPTED


def _count_failures(run: "RunState", kept: Iterable[TaskCheckpoint]) -> None:
    """Let budgets be as far used up as they were: a crash gives nobody another attempt."""
    for each in kept:
        payer = run.tasks.get(each.path) or run.groups.get(each.path)
        if payer is not None:
            payer.failures = each.failures


def _unfold_again(run: "RunState", state: TaskState, kept: TaskCheckpoint) -> None:
    state.attempt = kept.attempt
    if not state.unfolds:
        if state.control is not None:
            state.rounds = list(kept.rounds)
        return
    state.status = S.RUNNING
    state.decided = state.grows
    run.tally.unfolds()
    for decision in kept.rounds:
        run.tally.add(len(run.scopes.unfold(state, decision).tasks))
    if "winner" in kept.decisions:
        state.decided = True
        state.choice = kept.decisions["winner"]


def _end_again(run: "RunState", kept: TaskCheckpoint) -> None:
    path, attempt = kept.path, kept.attempt
    if kept.ended == COMPOUND:
        if path in run.groups:
            run.groups[path].ended = True
        return
    state = run.tasks.get(path)
    if state is None and kept.ended:
        # It was inside of what was unfolded along a stream, and has no result to lose.
        return
    if state is None:
        raise UnreadableCheckpoint(f"{path} was kept, but this graph has no such task.")
    state.attempt = attempt
    if kept.ended:
        state.status = S.PENDING
        run.handle(_ENDS[S(kept.ended)](path, attempt))
        return
    state.status = S.RUNNING
    if kept.error is not None:
        run.handle(happened.TaskFailed(path, attempt, kept.error, handled=kept.handled))
        return
    run.handle(happened.TaskCompleted(path, attempt, not_taken=list(kept.not_taken)))
    if kept.cached:
        state.status = S.CACHED


_ENDS: Mapping[TaskStatus, Callable[[str, int], Event]] = {
    S.SKIPPED: lambda path, _attempt: happened.TaskSkipped(path),
    S.UPSTREAM_FAILED: lambda path, _attempt: happened.TaskUpstreamFailed(path, ""),
    S.CANCELLED: happened.TaskCancelled,
}


def _close_what_was_tried(run: "RunState") -> None:
    """What a race, or an alternative before the last, left unfinished does not begin again."""
    for state in list(run.tasks.values()):
        if state.unfolds and state.status in OVER:
            _close(run, run.scopes.inside(state))
        elif state.goes_again_after("failure") and state.scopes:
            _close(run, run.scopes.tasks_of(state.scopes[:-1]))
            for scope in state.scopes[:-1]:
                state.scopes_left -= scope.left > 0
                scope.left = 0


def _close(run: "RunState", tasks: Iterable[TaskState]) -> None:
    for each in tasks:
        if each.status not in OVER:
            each.status = S.CANCELLED
            run.tally.over(each, S.CANCELLED)
            run.closed.append(each)
