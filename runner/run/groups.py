"""How compounds begin, with the first of their tasks, and end, as the worst of them did."""

from collections.abc import Iterable

from runner.run import events as happened
from runner.run.events import Event, TaskError
from runner.run.status import TaskStatus
from runner.run.task_state import Group

S = TaskStatus
_ORDER = (
    S.COMPLETED, S.CACHED, S.SKIPPED, S.CANCELLED, S.UPSTREAM_FAILED, S.FAILED,
)  # fmt: skip


def join(group: Group | None) -> None:
    """Count a task that is inside of a compound, and a compound with its first task in turn.

    One without any task is over from the beginning, and nobody waits for it.
    """
    while group is not None:
        group.left += 1
        if group.left > 1:
            return
        group = group.parent


def begun(group: Group | None) -> list[Event]:
    """Give the starts of the compounds round a task that begins, the innermost first."""
    events: list[Event] = []
    while group is not None and not group.started:
        group.started = True
        events.append(happened.TaskStarted(group.path, 1))
        group = group.parent
    return events


def unsaid(groups: Iterable[Group]) -> list[Event]:
    """Give the ends of compounds whose tasks are over and that nobody said, the innermost first.

    They have no tasks at all, or the process died before it said so. `groups` has each after the
    one around it.
    """
    found = [_end_of(group) for group in groups if not group.left and not group.ended]
    return found[::-1]


def over(
    group: Group | None, status: TaskStatus, error: TaskError | None, *, skipped: bool
) -> list[Event]:
    """Count a task that is over; give the ends of the compounds that are over with it.

    A task that failed and whose error is handled counts as left out, but was not `skipped`.
    """
    events: list[Event] = []
    while group is not None:
        group.left -= 1
        group.skipped = group.skipped and skipped
        group.error = group.error or (error if status is S.FAILED else None)
        group.worst = max(group.worst, status, key=_ORDER.index)
        if group.left:
            break
        events.append(_end_of(group))
        status, error, skipped = group.worst, group.error, group.skipped
        group = group.parent
    return events


def _end_of(group: Group) -> Event:
    path = group.path
    if group.error is not None:
        return happened.TaskFailed(path, 1, group.error)
    if group.worst is S.UPSTREAM_FAILED:
        return happened.TaskUpstreamFailed(path, "")
    if group.worst is S.CANCELLED:
        return happened.TaskCancelled(path, 1)
    if group.worst is S.SKIPPED and group.skipped:
        return happened.TaskSkipped(path, "nothing in it was taken")
    return happened.TaskCompleted(path, 1)
