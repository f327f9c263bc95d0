"""What people did that others may have to answer for: written once, never changed."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_SUBJECT = 200
LONGEST_DETAIL = 400


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Audit events: they are added and read, nothing else."""

    def record(self, person: Any, act: str, team: Any, subject: object, detail: str = "") -> None:
        """Say that a person did something to a subject of a team's.

        `act` is a verb in the past tense ("invited"), `detail` a few words without secrets.
        """
        self.create(
            person_id=person.pk,
            person_name=person.get_username(),
            act=act,
            team=team,
            subject=str(subject)[:LONGEST_SUBJECT],
            detail=detail[:LONGEST_DETAIL],
        )

    def update(self, **_fields: Any) -> NoReturn:
        """Refuse: what was done stays done."""
        raise TypeError("Audit events are never changed.")


class AuditEvent(models.Model):
    """One act of a person; it names them also after they are gone."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    person_name = models.CharField(max_length=150)
    act = models.CharField(max_length=40)
    team = models.ForeignKey("workflows.Team", on_delete=models.SET_NULL, null=True)
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    detail = models.CharField(max_length=LONGEST_DETAIL, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.person_name} {self.act} {self.subject}"

    def save(self, **options: Any) -> None:
        """Write it, once."""
        if self.pk is not None:
            raise TypeError("Audit events are never changed.")
        super().save(**options)
