"""What an event changes in the rows that pages read: pure functions from event to values."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from runner.run import events as happened
from runner.run.events import Event, TaskError
from runner.run.status import RunStatus, TaskStatus
from workflows.models.kept import HANDLED
from workflows.models.run import REASON

type Changes = dict[str, Any]

_NOBODY: Changes = {"owner": "", "lease_until": None}
_NOT_WAITING: Changes = {"reason": "", "detail": "", "until": None}
_ATTEMPT: Changes = {
    "started_at": None,
    "first_chunk_at": None,
    "ended_at": None,
    "fraction": 0.0,
    "message": "",
    "error": "",
    "stuck": False,
    **_NOT_WAITING,
}


def _running(_event: Event, _at: datetime) -> Changes:
    return {"status": RunStatus.RUNNING, "reason": ""}


def _awaited(event: happened.RunAwaiting) -> str:
    """Give what stops the run until somebody decides; nothing where a task says it."""
    return error_text(TaskError(type="Awaiting", message=event.message)) if event.message else ""


_RUN: dict[type[Event], Callable[[Any, datetime], Changes]] = {
    happened.RunStarted: lambda _, at: {"status": RunStatus.RUNNING, "started_at": at},
    happened.RunResumed: lambda event, at: {
        **_running(event, at),
        "status": event.status,
        "ended_at": None,
        "error": "",
        "outputs": "{}",
        "handled": 0,
    },
    happened.RunInterrupted: lambda _event, _at: {"status": RunStatus.INTERRUPTED},
    happened.RunCancelling: lambda _event, _at: {"status": RunStatus.CANCELLING, "reason": ""},
    happened.RunPaused: lambda _event, _at: {"status": RunStatus.PAUSED, "reason": ""},
    happened.RunContinued: _running,
    happened.RunAwaiting: lambda event, _: {
        "status": RunStatus.AWAITING,
        "reason": short(event.reason),
        "error": _awaited(event),
    },
    happened.VersionsTaken: lambda event, _: {"types": _json(event.types), "error": ""},
    happened.RunWoke: _running,
    happened.RunCompleted: lambda event, at: {
        "status": RunStatus.COMPLETED,
        "ended_at": at,
        "outputs": object_text(event.outputs),
        "handled": event.handled,
        "reason": "",
        **_NOBODY,
    },
    happened.RunFailed: lambda event, at: {
        "status": RunStatus.FAILED,
        "ended_at": at,
        "error": error_text(event.error),
        "reason": "",
        **_NOBODY,
    },
    happened.RunCancelled: lambda _, at: {
        "status": RunStatus.CANCELLED,
        "ended_at": at,
        "reason": "",
        **_NOBODY,
    },
}


def _ended(status: TaskStatus, at: datetime, **more: Any) -> Changes:
    return {"status": status, "ended_at": at, **_NOT_WAITING, **more}


_TASK: dict[type[Event], Callable[[Any, datetime], Changes]] = {
    happened.TaskQueued: lambda event, _: {
        "status": TaskStatus.QUEUED,
        "reason": short(event.reason),
    },
    happened.TaskStarted: lambda event, at: {
        **_ATTEMPT,
        "status": TaskStatus.RUNNING,
        "attempt": event.attempt,
        "started_at": at,
    },
    happened.TaskProgressed: lambda event, _: {
        "fraction": event.fraction,
        "message": storable(event.message),
    },
    happened.StreamOpened: lambda _, at: {"status": TaskStatus.STREAMING, "first_chunk_at": at},
    happened.TaskExpanded: lambda event, _: {
        "width": _scopes(event),
        "decision": _json(event.decision),
    },
    happened.TaskDecided: lambda event, _: {"decision": _json(event.decision)},
    happened.TaskAwaiting: lambda event, _: {
        "status": TaskStatus.AWAITING,
        "attempt": event.attempt,
        "reason": short(event.reason),
        "detail": _json(event.detail),
        "until": datetime.fromisoformat(event.until) if event.until else None,
    },
    happened.TaskAnswered: lambda _event, _at: {"status": TaskStatus.RUNNING, **_NOT_WAITING},
    happened.TaskRetrying: lambda event, at: {
        "status": TaskStatus.RETRYING,
        "attempt": event.attempt,
        "error": error_text(event.error),
        "until": at + timedelta(seconds=event.delay),
    },
    happened.TaskDropped: lambda _event, _at: {
        **_ATTEMPT,
        "status": TaskStatus.PENDING,
        "width": None,
        "decision": "",
    },
    happened.TaskStuck: lambda _event, _at: {"stuck": True},
    happened.TaskCompleted: lambda _, at: _ended(TaskStatus.COMPLETED, at, fraction=1.0, error=""),
    happened.TaskCached: lambda event, at: _ended(
        TaskStatus.CACHED, at, fraction=1.0, error="", reason=short(event.source)
    ),
    happened.TaskFailed: lambda event, at: _ended(
        TaskStatus.FAILED,
        at,
        error=error_text(event.error),
        reason=HANDLED if event.handled else "",
    ),
    happened.TaskUpstreamFailed: lambda event, at: _ended(
        TaskStatus.UPSTREAM_FAILED, at, message=f"needs {event.culprit}" if event.culprit else ""
    ),
    happened.TaskCancelled: lambda _, at: _ended(TaskStatus.CANCELLED, at),
    happened.TaskInterrupted: lambda _, at: _ended(TaskStatus.INTERRUPTED, at),
    happened.TaskSkipped: lambda event, at: _ended(
        TaskStatus.SKIPPED, at, reason=short(event.reason)
    ),
}
#: What a task that did not finish is once its run goes on.
_RESUMED: Mapping[str, TaskStatus] = {
    TaskStatus.QUEUED: TaskStatus.PENDING,
    TaskStatus.RUNNING: TaskStatus.INTERRUPTED,
    TaskStatus.STREAMING: TaskStatus.INTERRUPTED,
    TaskStatus.RETRYING: TaskStatus.INTERRUPTED,
    TaskStatus.FAILED: TaskStatus.PENDING,
    TaskStatus.UPSTREAM_FAILED: TaskStatus.PENDING,
    TaskStatus.CANCELLED: TaskStatus.PENDING,
    TaskStatus.SKIPPED: TaskStatus.PENDING,
}
#: What stays as it is, unless a person asked to try again what failed.
_DECIDED = frozenset({TaskStatus.FAILED, TaskStatus.UPSTREAM_FAILED, TaskStatus.SKIPPED})


def run_changes(event: Event, at: datetime) -> Changes:
    """Give what an event changes in its run."""
    change = _RUN.get(type(event))
    return change(event, at) if change else {}


def task_changes(event: Event, at: datetime) -> Changes:
    """Give what an event changes in the task at its path."""
    change = _TASK.get(type(event))
    return change(event, at) if change else {}


def on_resume(status: str, *, reopened: bool = True) -> Changes:
    """Give what a resume of the run changes in a task of this status.

    Nothing in one that awaits: what it waits for may come while its process is gone.
    """
    then = _RESUMED.get(status)
    if then is None or (status in _DECIDED and not reopened):
        return {}
    return {
        "status": then,
        "ended_at": None,
        "message": "",
        "error": "",
        "stuck": False,
        **_NOT_WAITING,
    }


def _scopes(event: happened.TaskExpanded) -> int:
    """Count what a control task has unfolded into so far: a width at once, or turn after turn."""
    width = 0 if event.decision is True or not isinstance(event.decision, int) else event.decision
    if event.turn == 0 and event.decision is not True:
        return width
    # A map over a stream says its width anew with each item.
    return max(event.turn + 1, width)


def path_of(event: Event) -> str:
    """Name the task an event is about; a dataflow's is the one it leads to."""
    return storable(getattr(event, "path", "") or getattr(event, "target", ""))


def is_inside(path: str, control: str) -> bool:
    """Whether a path is one of those that a control task unfolds into."""
    return path.startswith((f"{control}[", f"{control}/"))


def error_text(error: TaskError) -> str:
    """Give an error as JSON text."""
    return json.dumps(error.to_json(), separators=(",", ":"))


def object_text(values: Mapping[str, str]) -> str:
    """Put encoded values together to one encoded object by port."""
    return "{" + ",".join(f"{json.dumps(port)}:{text}" for port, text in values.items()) + "}"


def array_text(items: tuple[str, ...]) -> str:
    """Put encoded values together to one JSON array."""
    return "[" + ",".join(items) + "]"


def array_items(text: str) -> tuple[str, ...]:
    """Cut a JSON array into its encoded values, each exactly as it was written."""
    scan = json.JSONDecoder().raw_decode
    found, position = [], 1
    while text[position] != "]":
        _, end = scan(text, position)
        found.append(text[position:end])
        position = end + 1 if text[end] == "," else end
    return tuple(found)


def storable(text: str) -> str:
    """Replace what no database keeps: lone surrogates and NUL."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def short(text: str) -> str:
    """Cut a reason to what its column holds."""
    return storable(text)[:REASON]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
