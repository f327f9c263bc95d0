"""Admission: whether a claimed run goes on with the task types that are installed now (P11)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from runner.execution.store import Batch, Entry, Request, RunStore, StoredRun
from runner.graph.registry import TaskRegistry
from runner.graph.type_versions import TypeChange, changes_since, signature_of
from runner.run import events
from runner.run.events import Event, TaskError
from runner.run.status import RunStatus

VERSION = "version"
_WHAT_TO_DO = (
    "The run waits until somebody decides: `manage.py decide_versions ID take` lets it go on with "
    "the installed ones, `fail` ends it."
)


async def admit(
    stored: StoredRun,
    store: RunStore,
    registry: TaskRegistry,
    on_commit: Callable[[str, int], None],
) -> StoredRun | None:
    """Give the run as it may go on; None for one that must be let go.

    That one awaits a decision, or is over by one; its log says so. Raises what
    `RunStore.commit` does.
    """
    # A run that has not begun takes what is installed when it does.
    changes = list(changes_since(stored.types, registry)) if stored.seq else []
    if not changes:
        return stored
    requests = await store.requests([stored.run])
    event = _answer(stored, changes, requests, registry)
    await store.commit(_batch(stored, event, requests))
    on_commit(stored.run, stored.seq + 1)
    if not isinstance(event, events.VersionsTaken):
        return None
    return replace(stored, seq=stored.seq + 1, types=event.types)


def _answer(
    stored: StoredRun,
    changes: list[TypeChange],
    requests: list[Request],
    registry: TaskRegistry,
) -> Event:
    sentences = [each.sentence for each in changes]
    asked = next((each for each in requests if _settles(each)), None)
    if stored.status is RunStatus.CANCELLING or (asked and asked.kind == "cancel"):
        return events.RunCancelled()
    action = asked.payload.get("action") if asked else ""
    if asked and action == "fail":
        message = " ".join([f"{asked.actor} decided that it failed.", *sentences])
        error = TaskError(type="DecidedToFail", message=message)
        return events.RunFailed(error, "")
    wanted = all(each.compatible for each in changes) or action == "take"
    if wanted and all(each.now for each in changes):
        actor = asked.actor if asked and action == "take" else ""
        return events.VersionsTaken(_now(stored.types, registry), sentences, actor)
    return events.RunAwaiting(VERSION, " ".join([*sentences, _WHAT_TO_DO]))


def _settles(request: Request) -> bool:
    """Whether a request is for the whole run, and not for one of its tasks."""
    of_versions = request.kind == "decide" and "path" not in request.payload
    return of_versions or request.kind == "cancel"


def _now(types: Mapping[str, str], registry: TaskRegistry) -> dict[str, str]:
    return {name: signature_of(registry.get(name)) for name in types}


def _batch(stored: StoredRun, event: Event, requests: list[Request]) -> Batch:
    """Keep what was answered, and close what was asked; what else was asked is for the executor."""
    goes_on = isinstance(event, events.VersionsTaken)
    decided = [each.id for each in requests if not goes_on or _settles(each)]
    return Batch(
        run=stored.run,
        epoch=stored.epoch,
        before=stored.seq,
        entries=(Entry(stored.seq + 1, datetime.now(UTC), event),),
        handled=tuple(decided),
        progress=stored.progress,
    )
