"""Giving up: the commands that drop, lose and cancel tasks, and how far a failure spreads."""

from collections.abc import Iterable, Iterator

from runner.run import events as happened
from runner.run.commands import CancelTask, Command, DropTask, Record
from runner.run.moves import ACTIVE, OVER
from runner.run.task_state import TaskState


def drop(tasks: Iterable[TaskState], culprit: str) -> list[Command]:
    """Let tasks that are under way stop, to run again: what they read counts no longer."""
    return [DropTask(each.planned.path, culprit) for each in tasks]


def lose(tasks: Iterable[TaskState], culprit: str) -> list[Command]:
    """Give up tasks that cannot have what they need."""
    commands: list[Command] = []
    for each in tasks:
        path = each.planned.path
        if each.status in ACTIVE and not each.unfolds:
            commands.append(DropTask(path, culprit))
        if each.status not in OVER:
            commands.append(Record(happened.TaskUpstreamFailed(path, culprit)))
    return commands


def cancel(tasks: Iterable[TaskState]) -> list[Command]:
    """Stop tasks that are under way, and begin no others."""
    commands: list[Command] = []
    for each in tasks:
        if each.status in ACTIVE and each.control is None:
            commands.append(CancelTask(each.planned.path))
        elif each.status not in OVER:
            commands.append(Record(happened.TaskCancelled(each.planned.path, each.attempt)))
    return commands


def graphs_around(state: TaskState, *, fail_fast: bool) -> Iterator[tuple[str, bool]]:
    """Give the graphs that the failure of a task spreads to, from the innermost outwards.

    With each path, "" for the whole one, whether it fails fast; `fail_fast` says so of the whole
    one. What tries alternatives, or hands its error on, lets a failure spread no further.
    """
    group, scope = state.group, state.scope
    while group is not None or scope is not None:
        while group is not None:
            yield group.path, group.fail_fast
            group = group.parent
        if scope is None:
            break
        owner = scope.owner
        if owner.control is None or owner.races or owner.goes_again_after("failure"):
            return
        yield owner.planned.path, owner.control.fail_fast
        if owner.planned.handles_error:
            return
        group, scope = owner.group, owner.scope
    yield "", fail_fast
