"""Telling people by mail that something waits for them: once, after it is kept, and no values."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, mailers
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from runner.run.status import RunStatus, TaskStatus
from workflows.models import MailWish, Right, Role, Run, RunEvent, SentMail, TaskRun
from workflows.models.asking import NOT_BY_STARTER
from workflows.rows import AWAITED
from workflows.waiting import OF_PEOPLE, UNDER_WAY

logger = logging.getLogger(__name__)

#: So many questions are looked at together, the newest first.
AT_ONCE = 500
#: So many are named in one mail; the list on the page has all.
NAMED = 10
#: What ends one wait of a task, so that the next one is another question.
_ENDS = ("TaskAnswered", "TaskFailed", "TaskCompleted", "VersionsTaken")

type Key = tuple[UUID, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that waits: in which run, where (empty: its versions), for the how-manieth time."""

    run: Run
    path: str
    turn: int
    reason: str
    others_only: bool = False

    @property
    def key(self) -> Key:
        """What makes it the same question."""
        return self.run.pk, self.path, self.turn


def is_on() -> bool:
    """Whether this server sends mail at all."""
    return "default" in mailers


def tell_of_new(known: frozenset[Key]) -> frozenset[Key]:
    """Tell people of what waits and is not known; give what is known now.

    While the mail server is away nothing new is known, so that it is tried again.
    """
    waiting = {each.key: each for each in _waiting()}
    due = _due(each for key, each in waiting.items() if key not in known)
    if due:
        try:
            _deliver(due)
        except (OSError, SMTPException) as fault:
            logger.warning("the mail server is away, nobody was told: %s", type(fault).__name__)
            return known
    return frozenset(waiting)


def _waiting() -> Iterator[Question]:
    # Counted in the database: by the index of the events of one task.
    before = RunEvent.objects.filter(run=OuterRef("run"), path=OuterRef("path"), kind__in=_ENDS)
    turns = Coalesce(Subquery(_counted(before)), 0)
    waits = TaskRun.objects.filter(
        status=TaskStatus.AWAITING, reason__in=OF_PEOPLE, run__status__in=UNDER_WAY
    )
    tasks = waits.select_related("run__version__workflow").annotate(turns=turns)
    for each in tasks.order_by("-pk")[:AT_ONCE]:
        others = each.detail.startswith(NOT_BY_STARTER)
        yield Question(
            run=each.run, path=each.path, turn=each.turns, reason=each.reason, others_only=others
        )
    before = RunEvent.objects.filter(run=OuterRef("pk"), path="", kind__in=_ENDS)
    undecided = Run.objects.filter(status=RunStatus.AWAITING, reason="version")
    runs = undecided.select_related("version__workflow").annotate(
        turns=Coalesce(Subquery(_counted(before)), 0)
    )
    run: Any  # with what is counted beside it
    for run in runs.order_by("-created_at")[:AT_ONCE]:
        yield Question(run=run, path="", turn=run.turns, reason="version")


def _counted(events: QuerySet[RunEvent]) -> QuerySet[RunEvent, Any]:
    return events.order_by().values("run").annotate(count=Count("pk")).values("count")


def _due(questions: Iterable[Question]) -> dict[User, list[Question]]:
    """Find whom to tell of what."""
    due: dict[User, list[Question]] = defaultdict(list)
    for question in questions:
        for person in _people(question):
            due[person].append(question)
    return due


def _people(question: Question) -> QuerySet[User]:
    """Find who may give what is waited for, has an address, and wants to be told."""
    starter = Q(pk=question.run.started_by_id)
    people = User.objects.filter(
        is_active=True,
        memberships__team=question.run.team_id,
        memberships__role__in=Role.having(Right.RUN),
        memberships__team__removed_at=None,
    ).exclude(email="")
    people = people.exclude(mail_wish__about=MailWish.About.NOTHING)
    if question.reason == "token":
        return people.filter(starter)
    if question.others_only:
        return people.exclude(starter)
    return people.filter(starter | Q(mail_wish__about=MailWish.About.ALL))


def _deliver(due: dict[User, list[Question]]) -> None:
    """Send each person one mail; raises OSError or SMTPException while no server takes any."""
    server = mailers.default
    server.open()
    try:
        for person, questions in due.items():
            rows = _claimed(person, questions)
            if rows:
                _send(server, person, [each for each in questions if each.key in rows])
    finally:
        server.close()


def _claimed(person: User, questions: Iterable[Question]) -> set[Key]:
    """Write down what this mail tells, before it is sent; what was told before is left out."""
    claimed = set()
    with transaction.atomic():
        for each in questions:
            _, is_new = SentMail.objects.get_or_create(
                run=each.run, path=each.path, turn=each.turn, person=person
            )
            if is_new:
                claimed.add(each.key)
    return claimed


def _send(server: Any, person: User, questions: list[Question]) -> None:
    message = EmailMessage(*mail_of(questions), settings.DEFAULT_FROM_EMAIL, [person.email])
    try:
        server.send_messages([message])
    except (OSError, SMTPException) as fault:
        # Whether it arrived nobody knows: it is not sent again.
        logger.warning("a mail to person %s was not sent: %s", person.pk, type(fault).__name__)
        for each in questions:
            told = SentMail.objects.filter(run=each.run, path=each.path, turn=each.turn)
            told.filter(person=person).update(fault=type(fault).__name__)


def mail_of(questions: list[Question]) -> tuple[str, str]:
    """Give subject and text: what kind of thing waits, and where; no question, name or value."""
    one = len(questions) == 1
    subject = "Something waits for you" if one else f"{len(questions)} things wait for you"
    lines = [f"{_said(each)}\n{settings.SITE_URL}{_page(each)}\n" for each in questions[:NAMED]]
    if len(questions) > NAMED:
        lines.append(f"All of it: {settings.SITE_URL}{reverse('waiting-list')}\n")
    lines.append(f"Which mails you get: {settings.SITE_URL}{reverse('mail')}")
    return subject, "\n".join(lines)


def _said(question: Question) -> str:
    thing = "A task" if question.path else "A run"
    return f"{thing} of the workflow “{question.run.version.workflow}” {AWAITED[question.reason]}."


def _page(question: Question) -> str:
    if question.reason in {"input", "approval"}:
        return reverse("run-answer", args=[question.run.pk, question.path])
    if question.reason == "version":
        return reverse("run-show", args=[question.run.pk])
    return reverse("task-show", args=[question.run.pk, question.path])
