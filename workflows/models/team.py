"""Teams, who belongs to them, and what a role may do."""

import uuid
from enum import StrEnum
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models

type Person = AbstractBaseUser | AnonymousUser


class Right(StrEnum):
    """What a person wants to do with something of a team's."""

    VIEW = "view"
    RUN = "run"
    EDIT = "edit"
    OWN = "own"


class Role(models.TextChoices):
    """What a person is in a team; each role may do what the one before it may."""

    VIEWER = "viewer"
    RUNNER = "runner"
    EDITOR = "editor"
    OWNER = "owner"

    @classmethod
    def having(cls, right: Right) -> list["Role"]:
        """The roles that have a right."""
        least = {
            Right.VIEW: cls.VIEWER,
            Right.RUN: cls.RUNNER,
            Right.EDIT: cls.EDITOR,
            Right.OWN: cls.OWNER,
        }
        roles = list(cls)
        return roles[roles.index(least[right]) :]


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams, as a person may see them."""

    def visible_to(self, person: Person, right: Right = Right.VIEW) -> Self:
        """The teams in which a person has a right."""
        if not person.is_active:
            return self.none()
        return self.filter(
            memberships__user=person.pk,
            memberships__role__in=Role.having(right),
            removed_at=None,
        )


class Team(models.Model):
    """People who share workflows and runs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = TeamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's place in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role, default=Role.RUNNER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team"),
            models.CheckConstraint(condition=models.Q(role__in=Role), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.team}"
