"""Invitations: a link that lets one person into a team, once."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.models.team import Role, Team

LONGEST_NOTE = 100


def digest_of(token: str) -> str:
    """Give what is kept of a link's token: enough to know it again, nothing to use it with."""
    return hashlib.sha256(token.encode()).hexdigest()


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations, as those who hold a link and those who gave it find them."""

    def open(self, now: datetime | None = None) -> Self:
        """Those that still let somebody in."""
        now = now or timezone.now()
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now, team__removed_at=None)


class Invitation(models.Model):
    """Who holds its token may join the team in a role; only the token's digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=16, choices=Role)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role), name="invitation_role"),
        ]

    def __str__(self) -> str:
        return f"{self.note or 'somebody'} as {self.role} of {self.team}"


def new_token() -> str:
    """Make a token of 256 random bits that goes into a link."""
    return secrets.token_urlsafe(32)
