"""Fetch what a person asked for, or say that there is no such thing: one way in for all."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.crypto import constant_time_compare

from workflows.models import Right, Run, Team, Workflow
from workflows.models.team import Person


def _or_404[**P, T](find: Callable[P, T | None]) -> Callable[P, T]:
    @wraps(find)
    def found(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = find(*args, **kwargs)
        except (ValueError, ValidationError):
            result = None
        if result is None:
            raise Http404
        return result

    return found


@_or_404
def team_for(person: Person, slug: str, right: Right | str = Right.VIEW) -> Team | None:
    """The team, if the person has this right in it; else Http404."""
    return Team.objects.visible_to(person, Right(right)).filter(slug=slug).first()


@_or_404
def workflow_for(
    person: Person, key: UUID | str, right: Right | str = Right.VIEW
) -> Workflow | None:
    """The workflow, if the person has this right on it; else Http404."""
    visible = Workflow.objects.visible_to(person, Right(right)).select_related("team")
    return visible.filter(pk=key).first()


@_or_404
def run_for(person: Person, key: UUID | str, right: Right | str = Right.VIEW) -> Run | None:
    """The run, if the person has this right on it; else Http404."""
    visible = Run.objects.visible_to(person, Right(right))
    return visible.select_related("version__workflow", "team", "started_by").filter(pk=key).first()


@_or_404
def shareable_run_for(person: Person, key: UUID | str) -> Run | None:
    """The run, if the person may share it with others; else Http404."""
    shareable = Run.objects.shareable_by(person)
    return (
        shareable.select_related("version__workflow", "team", "started_by").filter(pk=key).first()
    )


def may_share(person: Person, run: Run) -> bool:
    """Whether the person may share the run with others."""
    return Run.objects.shareable_by(person).filter(pk=run.pk).exists()


def may(person: Person, target: Run | Team | Workflow, right: Right | str) -> bool:
    """Whether the person has this right: which buttons a page shows."""
    kind = type(target)
    return kind.objects.visible_to(person, Right(right)).filter(pk=target.pk).exists()


def still_sees(session: Any, user_id: Any, run_id: UUID | str) -> bool:
    """Whether a person who watches a run may go on; asks the database, not what the socket knows."""
    person = _signed_in(session, user_id)
    return bool(person and Run.objects.visible_to(person).filter(pk=run_id).exists())


def still_edits(session: Any, user_id: Any, workflow_id: UUID | str) -> bool:
    """Whether a person who has a draft open may go on; asks the database likewise."""
    person = _signed_in(session, user_id)
    workflows = Workflow.objects.visible_to(person, Right.EDIT) if person else None
    return workflows is not None and workflows.filter(pk=workflow_id).exists()


def _signed_in(session: Any, user_id: Any) -> User | None:
    """Find who a session belongs to; None once it ended, or their password is another one."""
    key = getattr(session, "session_key", None)
    if key is not None and not session.exists(key):
        return None
    person = User.objects.filter(pk=user_id).first()
    hashed = session.get(HASH_SESSION_KEY, "") if session is not None else ""
    if person and hashed and not constant_time_compare(hashed, person.get_session_auth_hash()):
        return None
    return person
