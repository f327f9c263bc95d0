"""How a failure got to a task: from where it began, through retries, compounds and dataflows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from workflows.given import sources_of
from workflows.models import Run, RunEvent
from workflows.outline import Outline, outline_for
from workflows.task_events import told

#: More steps than these are not told; the first and the last of them are.
STEPS = 40
_KINDS = ("TaskRetrying", "TaskInterrupted", "TaskFailed", "TaskUpstreamFailed")
_LINKS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way: what happened to which task, or to the run where `path` is empty."""

    at: datetime
    path: str
    title: str
    status: str
    words: str


def error_of(run: Run, path: str) -> Mapping[str, Any] | None:
    """Give a task's error as data; None when it has none."""
    kept = run.task_runs.filter(path=path).exclude(error="").values_list("error", flat=True).first()
    if kept is None:
        return None
    try:
        document = json.loads(kept)
    except ValueError:
        return {"message": kept}
    return document if isinstance(document, dict) else {"message": kept}


def culprit_of(run: Run, path: str) -> str:
    """Name the task whose failure kept another from running; empty when none did."""
    blamed = run.events.filter(path=path, kind="TaskUpstreamFailed").order_by("-seq").first()
    return str(json.loads(blamed.payload).get("culprit", "")) if blamed else ""


def way_of(run: Run, path: str) -> tuple[Step, ...]:
    """Tell step by step how a failure got to a task, and on to the run."""
    origin = _origin(run, culprit_of(run, path) or path)
    outline = outline_for(run)
    on_the_way = {origin, *_around(origin), path, *_between(run, outline, origin, path)}
    of_these = Q(path__in=on_the_way, kind__in=_KINDS) | Q(kind="RunFailed")
    steps = [_step(outline, event) for event in run.events.filter(of_these).order_by("seq")]
    steps = list(_without_repeating(steps))
    half = STEPS // 2
    return tuple(steps if len(steps) <= STEPS else [*steps[:half], *steps[-half:]])


def _step(outline: Outline, event: RunEvent) -> Step:
    about, path = told(event), "" if event.kind == "RunFailed" else event.path
    place = outline.place_of(path)
    title = place.title if place else path or "The run"
    return Step(at=event.at, path=path, title=title, status=about.status, words=about.words)


def _without_repeating(steps: list[Step]) -> Iterator[Step]:
    """Say once what went wrong; what fails with it says so."""
    said: set[str] = set()
    for step in steps:
        yield replace(step, words="failed with it") if step.words in said else step
        said |= {step.words} if step.status == "failed" else set()


def _origin(run: Run, path: str) -> str:
    """Find the task whose error it is; a compound fails with that of a task inside of it."""
    return str((error_of(run, path) or {}).get("task") or path)


def _around(path: str) -> Iterator[str]:
    """Name what a task lies in: `each[3]` is an item, `each` the map."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        yield "/".join(parts[:number]).rpartition("[")[0] or "/".join(parts[:number])


def _between(run: Run, outline: Outline, origin: str, path: str) -> set[str]:
    """Name what could not run between a failure and a task, along the dataflows."""
    ends = {origin, *_around(origin)}
    lost = set(run.task_runs.filter(status="upstream-failed").values_list("path", flat=True)[:1000])
    found: set[str] = set()
    ahead = [path]
    for _ in range(_LINKS):
        if not ahead:
            break
        at = ahead.pop()
        place = outline.place_of(at)
        for source in sources_of(run, place, at) if place else ():
            if source.path in lost and source.path not in found | ends:
                found.add(source.path)
                ahead.append(source.path)
    return found
