"""Giving up: the commands that drop, lose and cancel tasks."""

from collections.abc import Iterable

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
