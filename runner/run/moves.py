"""The table of legal moves: which event may come in which status, and where it leads."""

from runner.run import events as happened
from runner.run.events import Event
from runner.run.status import TaskStatus

S = TaskStatus
IDLE = frozenset({S.PENDING, S.INTERRUPTED})
LIVE = frozenset({S.RUNNING, S.STREAMING})
ACTIVE = LIVE | {S.QUEUED, S.AWAITING, S.RETRYING}
BUSY = ACTIVE - {S.AWAITING}
OVER = frozenset({S.COMPLETED, S.CACHED, S.FAILED, S.UPSTREAM_FAILED, S.CANCELLED, S.SKIPPED})
#: Ends that count as done.
GOOD = frozenset({S.COMPLETED, S.CACHED, S.SKIPPED})

type Move = tuple[frozenset[TaskStatus], TaskStatus | None]

#: event -> (statuses it may come in, status it leads to; None: it stays).
MOVES: dict[type[Event], Move] = {
    happened.TaskQueued: (IDLE | {S.RUNNING, S.QUEUED}, S.QUEUED),
    happened.TaskStarted: (IDLE | {S.QUEUED}, S.RUNNING),
    happened.TaskExpanded: (LIVE, None),
    happened.TaskDecided: (LIVE, None),
    happened.StreamOpened: (LIVE | {S.AWAITING}, S.STREAMING),
    happened.TaskAwaiting: (LIVE | IDLE | {S.AWAITING}, S.AWAITING),
    happened.TaskAnswered: (LIVE | {S.AWAITING}, S.RUNNING),
    happened.TaskReturned: (LIVE, None),
    happened.TaskRetrying: (LIVE | {S.AWAITING}, S.RETRYING),
    happened.RetryDue: (frozenset({S.RETRYING}), S.PENDING),
    happened.TaskCompleted: (LIVE, S.COMPLETED),
    happened.TaskCached: (LIVE | IDLE, S.CACHED),
    happened.TaskFailed: (LIVE | {S.AWAITING}, S.FAILED),
    happened.TaskInterrupted: (ACTIVE, S.INTERRUPTED),
    happened.TaskDropped: (ACTIVE, S.PENDING),
    happened.TaskUpstreamFailed: (LIVE | IDLE, S.UPSTREAM_FAILED),
    happened.TaskCancelled: (ACTIVE | IDLE, S.CANCELLED),
    happened.TaskSkipped: (IDLE, S.SKIPPED),
}
