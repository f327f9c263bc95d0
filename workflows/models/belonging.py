"""How people come into a team, change their role and leave it; each act is audited."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from runner.errors import DefinitionError
from workflows.models.audit import AuditEvent
from workflows.models.invitation import Invitation, digest_of, new_token
from workflows.models.leaving import cancel_runs
from workflows.models.run import Run
from workflows.models.team import Membership, Role, Team
from workflows.rights_bell import ring_for

LAST_OWNER = "A team needs an owner: make somebody else one first."
GONE = "This invitation was used, has expired or was taken back; ask for a new one."


def found(name: str, person: User) -> Team:
    """Make a team whose owner is the person who founds it.

    Raises DefinitionError when they belong to as many teams as anybody may.
    """
    if person.memberships.count() >= settings.TEAMS_A_PERSON:
        raise DefinitionError(f"Nobody can belong to more than {settings.TEAMS_A_PERSON} teams.")
    base = slugify(name)[:60] or "team"
    with transaction.atomic():
        taken = set(Team.objects.filter(slug__startswith=base).values_list("slug", flat=True))
        slug = next(each for each in _slugs(base) if each not in taken)
        team = Team.objects.create(name=name, slug=slug)
        Membership.objects.create(team=team, user=person, role=Role.OWNER)
        AuditEvent.objects.record(person, "founded", team, team)
    return team


def _slugs(base: str) -> list[str]:
    return [base, *(f"{base}-{number}" for number in range(2, 10_000))]


def rename(team: Team, name: str, person: User) -> None:
    """Call a team otherwise."""
    with transaction.atomic():
        Team.objects.filter(pk=team.pk).update(name=name)
        AuditEvent.objects.record(person, "renamed", team, team, f"now {name}")


def invite(team: Team, role: str, note: str, person: User) -> tuple[Invitation, str]:
    """Invite somebody; give the invitation and its token, which nobody can be told again.

    Raises DefinitionError when too many invitations are open already.
    """
    if team.invitations.open().count() >= settings.OPEN_INVITATIONS:
        raise DefinitionError(
            f"{settings.OPEN_INVITATIONS} invitations are open; take some back first."
        )
    token = new_token()
    with transaction.atomic():
        made = Invitation.objects.create(
            team=team,
            role=role,
            note=note,
            digest=digest_of(token),
            created_by=person,
            expires_at=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
        )
        AuditEvent.objects.record(person, "invited", team, note or "somebody", f"as {role}")
    return made, token


def invitation_of(token: str) -> Invitation | None:
    """Find the open invitation of a link; None for one that never was or is no more."""
    open_ones = Invitation.objects.open().select_related("team", "created_by")
    return open_ones.filter(digest=digest_of(token)).first()


def take_back(invitation: Invitation, person: User) -> None:
    """Let nobody in by this invitation any more."""
    with transaction.atomic():
        if Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
            AuditEvent.objects.record(person, "took back", invitation.team, invitation)


def join(invitation: Invitation, person: User) -> Membership:
    """Let a person in, once; somebody who belongs to the team already keeps the higher role.

    Raises DefinitionError when the invitation lets nobody in any more.
    """
    with transaction.atomic():
        used = {"used_at": timezone.now(), "used_by": person}
        if not Invitation.objects.open().filter(pk=invitation.pk).update(**used):
            raise DefinitionError(GONE)
        roles = list(Role)
        joined, is_new = Membership.objects.get_or_create(
            team=invitation.team, user=person, defaults={"role": invitation.role}
        )
        if not is_new and roles.index(Role(joined.role)) < roles.index(Role(invitation.role)):
            joined.role = invitation.role
            joined.save(update_fields=["role"])
        AuditEvent.objects.record(person, "joined", invitation.team, person, f"as {joined.role}")
    return joined


def change_role(membership: Membership, role: str, person: User) -> None:
    """Give a member another role; raises DefinitionError for the last owner."""
    with transaction.atomic():
        _keep_an_owner(membership, stays=role == Role.OWNER)
        Membership.objects.filter(pk=membership.pk).update(role=role)
        ring_for([membership.user_id])
        said = f"from {membership.role} to {role}"
        AuditEvent.objects.record(person, "changed the role of", membership.team, membership.user, said)  # fmt: skip


def remove(membership: Membership, person: User) -> int:
    """Take a person out of a team; give how many of their runs there are cancelled.

    Runs act with the authority of who started them, so none goes on without them.
    Raises DefinitionError for the last owner.
    """
    with transaction.atomic():
        _keep_an_owner(membership, stays=False)
        Membership.objects.filter(pk=membership.pk).delete()
        ring_for([membership.user_id])
        theirs = Run.objects.filter(team=membership.team, started_by=membership.user)
        cancelled = cancel_runs(theirs, person)
        AuditEvent.objects.record(person, "removed", membership.team, membership.user)
    return cancelled


def _keep_an_owner(membership: Membership, *, stays: bool) -> None:
    owners = Membership.objects.select_for_update().filter(
        team=membership.team, role=Role.OWNER, user__is_active=True
    )
    if not stays and [each.pk for each in owners] == [membership.pk]:
        raise DefinitionError(LAST_OWNER)
