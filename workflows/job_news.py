"""What is new of jobs, for the owners of their runs; sync."""

import json
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

from django.db.models import Q

from runner.execution.jobs import Message, News
from runner.run.status import JobState
from workflows.job_reasons import Reasons
from workflows.large_values import whole
from workflows.models import Job, JobEvent

JOBS_AT_ONCE = 50
MESSAGES_AT_ONCE = 2000

#: What was read of each job: its epoch, and the number of the last message.
type Read = Mapping[int, tuple[int, int]]


def news_of(read: Read, reasons: Reasons) -> list[News]:
    """Give what is new of these jobs, those that wait with the reason; nothing of the others."""
    found = []
    asked = list(read)
    for start in range(0, len(asked), JOBS_AT_ONCE):
        some = asked[start : start + JOBS_AT_ONCE]
        jobs = list(Job.objects.filter(pk__in=some).select_related("run").defer("spec"))
        messages = _messages(jobs, read)
        found += [_news(job, messages.get(job.pk, []), read, reasons) for job in jobs]
    return [each for each in found if each is not None]


def _messages(jobs: Iterable[Job], read: Read) -> dict[int, list[tuple[int, Message]]]:
    wanted = [
        Q(job=job.pk, epoch=job.epoch, n__gt=_position(job, read))
        for job in jobs
        if job.said > _position(job, read)
    ]
    if not wanted:
        return {}
    rows = JobEvent.objects.filter(reduce(or_, wanted)).order_by("job", "n")
    found: dict[int, list[tuple[int, Message]]] = {}
    for job, n, text in rows.values_list("job", "n", "message")[:MESSAGES_AT_ONCE]:
        found.setdefault(job, []).append((n, json.loads(text)))
    return found


def _position(job: Job, read: Read) -> int:
    epoch, n = read[job.pk]
    return n if epoch == job.epoch else 0


def _news(
    job: Job, messages: list[tuple[int, Message]], read: Read, reasons: Reasons
) -> News | None:
    """Give the news of one job; None if there is none."""
    last = messages[-1][0] if messages else _position(job, read)
    state = JobState(job.state)
    is_over = not state.is_open and last >= job.said
    why = reasons.of(job) if state is JobState.WAITING else ""
    is_begun = state is JobState.RUNNING and read[job.pk][0] != job.epoch
    if not (messages or is_over or why or is_begun):
        return None
    return News(
        job=job.pk,
        epoch=job.epoch,
        state=state,
        why=why,
        messages=tuple(message for _, message in messages),
        last=last,
        outcome=_outcome(job) if is_over else None,
    )


def _outcome(job: Job) -> Message:
    found: Message = json.loads(whole(str(job.run.team_id), job.outcome))
    return found
