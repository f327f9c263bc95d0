"""Workflows, teams and people that go: what is under way is cancelled first, what was done stays.

Rows that runs point to are kept, hidden, until the runs themselves are gone (P12).
"""

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.utils import timezone

from runner.errors import DefinitionError
from workflows.models.run import DRIVEN, Run, RunQuerySet
from workflows.models.team import Membership, Team
from workflows.models.workflow import Workflow
from workflows.rights_bell import ring_for


def remove_workflow(workflow: Workflow, person: AbstractBaseUser) -> int:
    """Take a workflow away from its team; give how many runs are cancelled for it.

    Raises DefinitionError for one that code still brings: it would come back.
    """
    if workflow.is_from_code and workflow.module:
        raise DefinitionError(f"{workflow} is written in {workflow.module}; remove it there.")
    with transaction.atomic():
        Workflow.objects.filter(pk=workflow.pk, removed_at=None).update(removed_at=timezone.now())
        ring_for(workflow.team.memberships.values_list("user", flat=True))
        return cancel_runs(Run.objects.filter(version__workflow=workflow), person)


def remove_team(team: Team, person: AbstractBaseUser) -> int:
    """Dissolve a team; give how many runs are cancelled for it."""
    with transaction.atomic():
        Team.objects.filter(pk=team.pk, removed_at=None).update(removed_at=timezone.now())
        ring_for(team.memberships.values_list("user", flat=True))
        return cancel_runs(Run.objects.filter(team=team), person)


def remove_person(leaving: User, person: AbstractBaseUser) -> int:
    """Let a person go: no team, no sign-in; give how many runs are cancelled.

    Their runs act with their authority, so none goes on without them.
    """
    with transaction.atomic():
        User.objects.filter(pk=leaving.pk).update(is_active=False, is_staff=False)
        Membership.objects.filter(user=leaving).delete()
        ring_for([leaving.pk])
        return cancel_runs(Run.objects.filter(started_by=leaving), person)


def cancel_runs(runs: RunQuerySet, person: AbstractBaseUser) -> int:
    """Ask those that are under way to stop; give how many took it."""
    return sum(run.request("cancel", person) for run in runs.filter(status__in=DRIVEN))
