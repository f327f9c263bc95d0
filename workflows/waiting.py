"""What waits for a person: answers, approvals, decisions and credentials that they may give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from runner.graph.registry import default_registry
from runner.run.status import RunStatus, TaskStatus
from workflows.deadlines import after_deadline
from workflows.models import Right, Run, TaskRun
from workflows.models.asking import NOT_BY_STARTER
from workflows.models.team import Person
from workflows.outline import outline_for
from workflows.rows import AWAITED

#: The reasons for which a task waits that only a person can take away.
OF_PEOPLE = ("input", "approval", "decision", "token")
#: Where a run still takes an answer.
UNDER_WAY = (RunStatus.RUNNING, RunStatus.AWAITING, RunStatus.PAUSED, RunStatus.INTERRUPTED)
#: A count beyond this is not worth a query that takes longer.
COUNTED = 99
_ACTS: Mapping[str, str] = {
    "input": "Answer",
    "approval": "Review",
    "decision": "Decide",
    "token": "Renew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits for a person: where it stands in its run, and where to deal with it.

    `until` is when it goes on without one, `then` the way it takes.
    """

    run: Run
    title: str
    why: str
    address: str
    act: str
    act_address: str
    path: str = ""
    until: datetime | None = None
    then: str = ""


def waiting_for(person: Person, limit: int) -> list[Waiting]:
    """Give what waits for a person, the oldest first, at most so many."""
    tasks = tasks_waiting_for(person).select_related("run__version__workflow", "run__started_by")
    tasks = tasks.order_by("run__created_at", "pk")[:limit]
    found = [_task(each) for each in tasks]
    versions = undecided_for(person).select_related("version__workflow", "started_by")
    found += [_version(each) for each in versions.order_by("created_at")[: limit - len(found)]]
    return found


def count_waiting(person: Person) -> int:
    """Count what waits for a person, no further than to one more than is told."""
    cap = COUNTED + 1
    tasks = len(tasks_waiting_for(person).values_list("pk")[:cap])
    return min(cap, tasks + len(undecided_for(person).values_list("pk")[:cap]))


def tasks_waiting_for(person: Person) -> QuerySet[TaskRun]:
    """Give the tasks that wait for something that this person may give.

    A credential is for who started the run to renew, and some questions are for everybody else.
    """
    of_others = Q(reason="token") & ~Q(run__started_by=person.pk)
    not_by_starter = Q(run__started_by=person.pk, detail__startswith=NOT_BY_STARTER)
    return TaskRun.objects.filter(
        status=TaskStatus.AWAITING,
        reason__in=OF_PEOPLE,
        run__in=_runs(person).filter(status__in=UNDER_WAY),
    ).exclude(of_others | not_by_starter)


def undecided_for(person: Person) -> QuerySet[Run]:
    """Give the runs that wait for this person's word on changed task types."""
    return _runs(person).filter(status=RunStatus.AWAITING, reason="version")


def _runs(person: Person) -> QuerySet[Run]:
    return Run.objects.visible_to(person, Right.RUN)


def _task(task: TaskRun) -> Waiting:
    return Waiting(
        run=task.run,
        title=_title_in(task.detail) or task.path.rpartition("/")[2],
        why=AWAITED[task.reason],
        address=_address(task.run, task=task.path),
        act=_ACTS[task.reason],
        act_address=_act_address(task),
        path=task.path,
        until=task.until,
        then=after_deadline(outline_for(task.run), task.path) if task.until else "",
    )


def _act_address(task: TaskRun) -> str:
    if task.reason == "token":
        return renewal_address(task)
    name = "run-decide" if task.reason == "decision" else "run-answer"
    return f"{reverse(name, args=[task.run_id, task.path])}?from=waiting"


def renewal_address(task: TaskRun) -> str:
    """Give the page where the credential that a task waits for is renewed: only the text is left to say."""
    name = str(_said_in(task.detail).get("credential", ""))
    place = outline_for(task.run).place_of(task.path)
    registry = default_registry()
    needs = registry.get(place.type).needs if place and place.type in registry else ()
    need = next((each for each in needs if each.name == name), None)
    asked = {"name": name, "from": "waiting"}
    if need:
        asked |= {"hosts": " ".join(need.hosts), "scopes": " ".join(need.scopes)}
    return f"{reverse('credential-list')}?{urlencode(asked)}#keep"


def renewal_of(run: Run, path: str, person: Person) -> dict[str, str]:
    """Give the page where a person renews what a task waits for; empty if it is not theirs to do."""
    waits = {"status": TaskStatus.AWAITING, "reason": "token"}
    task = (
        run.task_runs.filter(path=path, **waits).first() if run.started_by_id == person.pk else None
    )
    return {"renewal": renewal_address(task)} if task else {}


def _version(run: Run) -> Waiting:
    return Waiting(
        run=run,
        title="Task types have changed",
        why=AWAITED["version"],
        address=_address(run),
        act="Decide",
        act_address=_address(run),
    )


def _said_in(detail: str) -> Mapping[str, Any]:
    said: Any = json.loads(detail) if detail else {}
    return said if isinstance(said, dict) else {}


def _title_in(detail: str) -> str:
    said = _said_in(detail)
    return str(said.get("title") or said.get("credential") or "")


def _address(run: Run, **query: str) -> str:
    page = reverse("run-show", args=[run.pk])
    return f"{page}?{urlencode(query)}" if query else page
