"""How a compound ends: as the worst of its tasks did."""

from runner.run import events as happened
from runner.run.events import Event
from runner.run.status import TaskStatus
from runner.run.task_state import Group

S = TaskStatus
_ORDER = (
    S.COMPLETED, S.CACHED, S.SKIPPED, S.CANCELLED, S.UPSTREAM_FAILED, S.FAILED,
)  # fmt: skip


def worse(one: TaskStatus, other: TaskStatus) -> TaskStatus:
    """Give the worse of two ends."""
    return max(one, other, key=_ORDER.index)


def end_of(group: Group) -> Event:
    """Give the event of a compound whose tasks are all over."""
    path = group.path
    if group.error is not None:
        return happened.TaskFailed(path, 1, group.error)
    if group.worst is S.UPSTREAM_FAILED:
        return happened.TaskUpstreamFailed(path, "")
    if group.worst is S.CANCELLED:
        return happened.TaskCancelled(path, 1)
    if group.worst is S.SKIPPED and not group.started:
        return happened.TaskSkipped(path, "nothing in it was taken")
    return happened.TaskCompleted(path, 1)
