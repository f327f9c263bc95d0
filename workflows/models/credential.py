"""Credentials: a person's tokens for tasks, sealed; their texts can be written and not read."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from runner.errors import RunnerError
from runner.run.status import TaskStatus
from workflows.models.audit import AuditEvent
from workflows.models.run import Run
from workflows.sealing import KeyRing, ring_in

LONGEST_NAME = 64
#: A shorter text would be half told by its last letters.
HINTED_FROM = 16
_HINT = 4


def key_ring() -> KeyRing:
    """Give the ring as it is now: another process may have turned it."""
    return ring_in(settings.CREDENTIAL_KEYS, settings.DATA_DIR)


class Credential(models.Model):
    """A named secret of one person, bound to hosts; `sealed` opens in this row only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="credentials"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    hosts = models.TextField(help_text="Exact host names, with a space between them.")
    scopes = models.TextField(blank=True, default="")
    sealed = models.TextField(editable=False)
    hint = models.CharField(max_length=_HINT, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "name"], name="one_credential_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def bound(self) -> str:
        """What its text is sealed for."""
        return f"credential {self.pk} of person {self.person_id}: {self.name}"

    @property
    def is_expired(self) -> bool:
        """Whether it is given to no task any more."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def reveal(self) -> str:
        """Give the text; raises Unsealable when no key of the ring opens it."""
        return key_ring().open(self.sealed, self.bound)


def keep_credential(
    person: User,
    name: str,
    text: str,
    *,
    hosts: Iterable[str],
    scopes: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> Credential:
    """Keep a new text under a name, in the place of the one before; runs that wait for it go on.

    Raises RunnerError when a person would have more credentials than the setting allows.
    """
    with transaction.atomic():
        known = person.credentials.filter(name=name).first()
        if known is None and person.credentials.count() >= settings.CREDENTIALS_A_PERSON:
            raise RunnerError(f"Nobody can keep more than {settings.CREDENTIALS_A_PERSON} of them.")
        kept = known or Credential(person=person, name=name)
        kept.hosts, kept.scopes = " ".join(hosts), " ".join(scopes)
        kept.expires_at, kept.changed_at = expires_at, timezone.now()
        kept.sealed = key_ring().seal(text, kept.bound)
        kept.hint = text[-_HINT:] if len(text) >= HINTED_FROM else ""
        kept.save()
        said = f"for {kept.hosts}"
        AuditEvent.objects.record(person, "set", None, f"credential {name}", said)
        for run in waiting_for_credentials(person):
            run.request("renew", person)
    return kept


def remove_credential(credential: Credential, person: User) -> None:
    """Forget a credential; a task that asks for it from now on waits."""
    with transaction.atomic():
        AuditEvent.objects.record(person, "removed", None, f"credential {credential.name}")
        credential.delete()


def waiting_for_credentials(person: User) -> models.QuerySet[Run]:
    """Give the runs a person started that wait for a credential."""
    waits = {"task_runs__status": TaskStatus.AWAITING, "task_runs__reason": "token"}
    return Run.objects.filter(started_by=person, **waits).distinct()
