"""What waits for a person: answers, approvals, decisions and credentials that they may give."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from runner.run.status import RunStatus, TaskStatus
from workflows.models import Right, Run, TaskRun
from workflows.models.team import Person
from workflows.rows import AWAITED

#: The reasons for which a task waits that only a person can take away.
OF_PEOPLE = ("input", "approval", "decision", "token")
#: Where a run still takes an answer.
UNDER_WAY = (RunStatus.RUNNING, RunStatus.AWAITING, RunStatus.PAUSED, RunStatus.INTERRUPTED)
#: A count beyond this is not worth a query that takes longer.
COUNTED = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits for a person; `until` is when it goes on without one."""

    run: Run
    title: str
    why: str
    address: str
    path: str = ""
    until: datetime | None = None


def waiting_for(person: Person, limit: int) -> list[Waiting]:
    """Give what waits for a person, the oldest first, at most so many."""
    tasks = _tasks(person).select_related("run__version__workflow", "run__started_by")
    tasks = tasks.order_by("run__created_at", "pk")[:limit]
    found = [_task(each) for each in tasks]
    versions = _undecided(person).select_related("version__workflow", "started_by")
    found += [_version(each) for each in versions.order_by("created_at")[: limit - len(found)]]
    return found


def count_waiting(person: Person) -> int:
    """Count what waits for a person, no further than to one more than is told."""
    cap = COUNTED + 1
    tasks = len(_tasks(person).values_list("pk")[:cap])
    return min(cap, tasks + len(_undecided(person).values_list("pk")[:cap]))


def _runs(person: Person) -> QuerySet[Run]:
    return Run.objects.visible_to(person, Right.RUN)


def _tasks(person: Person) -> QuerySet[TaskRun]:
    return TaskRun.objects.filter(
        status=TaskStatus.AWAITING,
        reason__in=OF_PEOPLE,
        run__in=_runs(person).filter(status__in=UNDER_WAY),
    )


def _undecided(person: Person) -> QuerySet[Run]:
    return _runs(person).filter(status=RunStatus.AWAITING, reason="version")


def _task(task: TaskRun) -> Waiting:
    return Waiting(
        run=task.run,
        title=_title_in(task.detail) or task.path.rpartition("/")[2],
        why=AWAITED[task.reason],
        address=_address(task.run, task=task.path),
        path=task.path,
        until=task.until,
    )


def _version(run: Run) -> Waiting:
    return Waiting(
        run=run,
        title="Task types have changed",
        why=AWAITED["version"],
        address=_address(run),
    )


def _title_in(detail: str) -> str:
    question: Any = json.loads(detail) if detail else None
    return str(question.get("title") or "") if isinstance(question, dict) else ""


def _address(run: Run, **query: str) -> str:
    page = reverse("run-show", args=[run.pk])
    return f"{page}?{urlencode(query)}" if query else page
