"""What an event changes in the rows that pages read: pure functions from event to values."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from runner.run import events as happened
from runner.run.events import Event, TaskError
from runner.run.status import RunStatus, TaskStatus

type Changes = dict[str, Any]

_NOBODY: Changes = {"owner": "", "lease_until": None}
_RUN: dict[type[Event], Callable[[Any, datetime], Changes]] = {
    happened.RunStarted: lambda _, at: {"status": RunStatus.RUNNING, "started_at": at},
    happened.RunResumed: lambda _event, _at: {
        "status": RunStatus.RUNNING,
        "ended_at": None,
        "error": "",
        "outputs": "{}",
    },
    happened.RunInterrupted: lambda _event, _at: {"status": RunStatus.INTERRUPTED},
    happened.RunCancelling: lambda _event, _at: {"status": RunStatus.CANCELLING},
    happened.RunCompleted: lambda event, at: {
        "status": RunStatus.COMPLETED,
        "ended_at": at,
        "outputs": object_text(event.outputs),
        **_NOBODY,
    },
    happened.RunFailed: lambda event, at: {
        "status": RunStatus.FAILED,
        "ended_at": at,
        "error": error_text(event.error),
        **_NOBODY,
    },
    happened.RunCancelled: lambda _, at: {
        "status": RunStatus.CANCELLED,
        "ended_at": at,
        **_NOBODY,
    },
}
_TASK: dict[type[Event], Callable[[Any, datetime], Changes]] = {
    happened.TaskStarted: lambda event, at: {
        "status": TaskStatus.RUNNING,
        "attempt": event.attempt,
        "started_at": at,
        "first_chunk_at": None,
        "ended_at": None,
        "fraction": 0.0,
        "message": "",
        "error": "",
    },
    happened.TaskProgressed: lambda event, _: {
        "fraction": event.fraction,
        "message": storable(event.message),
    },
    happened.StreamOpened: lambda _, at: {"status": TaskStatus.STREAMING, "first_chunk_at": at},
    happened.TaskExpanded: lambda event, _: {"width": event.decision},
    happened.TaskCompleted: lambda _, at: {
        "status": TaskStatus.COMPLETED,
        "ended_at": at,
        "fraction": 1.0,
    },
    happened.TaskFailed: lambda event, at: {
        "status": TaskStatus.FAILED,
        "ended_at": at,
        "error": error_text(event.error),
    },
    happened.TaskUpstreamFailed: lambda event, at: {
        "status": TaskStatus.UPSTREAM_FAILED,
        "ended_at": at,
        "message": f"needs {event.culprit}" if event.culprit else "",
    },
    happened.TaskCancelled: lambda _, at: {"status": TaskStatus.CANCELLED, "ended_at": at},
    happened.TaskInterrupted: lambda _, at: {"status": TaskStatus.INTERRUPTED, "ended_at": at},
    happened.TaskSkipped: lambda _, at: {"status": TaskStatus.SKIPPED, "ended_at": at},
}
#: What a task that did not finish is once its run goes on.
_RESUMED: Mapping[str, TaskStatus] = {
    TaskStatus.RUNNING: TaskStatus.INTERRUPTED,
    TaskStatus.STREAMING: TaskStatus.INTERRUPTED,
    TaskStatus.FAILED: TaskStatus.PENDING,
    TaskStatus.UPSTREAM_FAILED: TaskStatus.PENDING,
    TaskStatus.CANCELLED: TaskStatus.PENDING,
    TaskStatus.SKIPPED: TaskStatus.PENDING,
}


def run_changes(event: Event, at: datetime) -> Changes:
    """Give what an event changes in its run."""
    change = _RUN.get(type(event))
    return change(event, at) if change else {}


def task_changes(event: Event, at: datetime) -> Changes:
    """Give what an event changes in the task at its path."""
    change = _TASK.get(type(event))
    return change(event, at) if change else {}


def on_resume(status: str) -> Changes:
    """Give what a resume of the run changes in a task of this status."""
    then = _RESUMED.get(status)
    if then is None:
        return {}
    return {"status": then, "ended_at": None, "message": "", "error": ""}


def path_of(event: Event) -> str:
    """Name the task an event is about; a dataflow's is the one it leads to."""
    return storable(getattr(event, "path", "") or getattr(event, "target", ""))


def payload_of(event: Event) -> str:
    """Give an event's fields as JSON text."""
    return json.dumps(event.to_json(), separators=(",", ":"))


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
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
