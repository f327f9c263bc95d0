"""What people did that others may have to answer for: written once, never changed."""

from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_SUBJECT = 200
NEVER = "Audit events are never changed."
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
        raise TypeError(NEVER)

    def bulk_update(self, *_rows: Any, **_options: Any) -> NoReturn:
        """Refuse as well."""
        raise TypeError(NEVER)

    def delete(self) -> NoReturn:
        """Refuse: they go when they are old, and not before."""
        raise TypeError(NEVER)

    def forget_before(self, moment: datetime, most: int) -> int:
        """Remove what is older than a moment, the oldest first, at most so many; give how many."""
        old = self.filter(at__lt=moment).order_by("at").values_list("pk", flat=True)[:most]
        return super(AuditEventQuerySet, self.model.objects.filter(pk__in=list(old))).delete()[0]


class AuditEvent(models.Model):
    """One act of a person; it names them also after they are gone.

    The database refuses changes, too (migration 0020): whoever lets SQLite make this table anew has
    to hang that trigger again.
    """

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
            raise TypeError(NEVER)
        super().save(**options)

    def delete(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refuse."""
        raise TypeError(NEVER)
