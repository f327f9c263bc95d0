"""Share links: who holds one may watch one run, as little of it as was allowed, for some time."""

import json
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from runner.errors import RunnerError
from workflows.models.audit import AuditEvent
from workflows.models.invitation import digest_of, new_token
from workflows.models.run import Run
from workflows.rights_bell import ring_for

LONGEST_NOTE = 100
LONGEST_PATH = 1000
#: No link lives longer, however it is asked for.
LONGEST_LIFE = timedelta(days=90)


class Audience(models.TextChoices):
    """Who may use a link."""

    ANYONE = "anyone", "Anyone with the link"
    TEAM = "team", "Members of the team who are signed in"


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    """Share links, as guests and members find them."""

    def open(self, now: datetime | None = None) -> Self:
        """Those that show something: neither over nor turned off, and their maker still belongs."""
        return self.filter(
            revoked_at=None,
            expires_at__gt=now or timezone.now(),
            run__team__removed_at=None,
            made_by__is_active=True,
            made_by__memberships__team=F("run__team"),
        )


class ShareLink(models.Model):
    """What guests may see of a run; its id stands in the address of their page.

    `task` is the path of the one task that is shown, empty for the whole run; `ports` a JSON list
    of [path, port], the outputs whose values are shown. `views` counts how often it was opened.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="share_links")
    task = models.CharField(max_length=LONGEST_PATH, blank=True, default="")
    ports = models.TextField(default="[]")
    audience = models.CharField(max_length=8, choices=Audience, default=Audience.ANYONE)
    password = models.CharField(max_length=128, blank=True, default="", editable=False)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, default="")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    views = models.PositiveIntegerField(default=0, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(audience__in=Audience), name="share_audience"),
        ]

    def __str__(self) -> str:
        return self.note or f"link {str(self.id)[:8]}"

    @property
    def port_pairs(self) -> frozenset[tuple[str, str]]:
        """The outputs that were allowed, as path and port."""
        return frozenset((str(path), str(port)) for path, port in json.loads(self.ports))

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()

    @property
    def is_for_team(self) -> bool:
        """Whether the link alone is not enough."""
        return self.audience == Audience.TEAM

    def is_opened_by(self, password: str) -> bool:
        """Whether a password is the link's; any is, if the link has none."""
        return not self.password or check_password(password, self.password)

    def count_view(self) -> None:
        """Note that somebody opened it."""
        seen = ShareLink.objects.filter(pk=self.pk)
        seen.update(views=F("views") + 1, used_at=timezone.now())


class ShareToken(models.Model):
    """What opens a share link, as its digest: a link may have several, each shown once."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"a token of {self.link}"


def share(
    run: Run,
    person: User,
    *,
    life: timedelta,
    task: str = "",
    ports: Collection[tuple[str, str]] = (),
    audience: str = Audience.ANYONE,
    password: str = "",
    note: str = "",
) -> tuple[ShareLink, str]:
    """Make a link to a run; give it and its token, which nobody can be told again.

    Raises RunnerError when the run has as many open links as it may, or for too long a life.
    """
    if not timedelta() < life <= LONGEST_LIFE:
        raise RunnerError(f"A link lives for up to {LONGEST_LIFE.days} days.")
    with transaction.atomic():
        if run.share_links.open().count() >= settings.SHARE_LINKS_A_RUN:
            raise RunnerError(
                f"This run has {settings.SHARE_LINKS_A_RUN} open links; revoke some first."
            )
        link = ShareLink.objects.create(
            run=run,
            task=task,
            ports=json.dumps(sorted(ports)),
            audience=audience,
            password=make_password(password) if password else "",
            note=note,
            made_by=person,
            expires_at=timezone.now() + life,
        )
        said = f"{link}: {_said(link)}, until {link.expires_at:%Y-%m-%d %H:%M}"
        AuditEvent.objects.record(person, "shared", run.team, run, said)
        return link, _token_of(link)


def share_again(link: ShareLink, person: User) -> str:
    """Give a link another token; those it has go on opening it.

    Raises RunnerError for a link that opens nothing any more, or has as many as it may.
    """
    with transaction.atomic():
        if not ShareLink.objects.open().filter(pk=link.pk).exists():
            raise RunnerError("This link is over; make a new one.")
        if link.tokens.count() >= settings.SHARE_TOKENS_A_LINK:
            raise RunnerError(
                f"This link was copied {settings.SHARE_TOKENS_A_LINK} times; make a new one."
            )
        AuditEvent.objects.record(person, "copied a link to", link.run.team, link.run, str(link))
        return _token_of(link)


def revoke(link: ShareLink, person: User) -> bool:
    """Turn a link off for good; whether it was on."""
    with transaction.atomic():
        still = ShareLink.objects.filter(pk=link.pk, revoked_at=None)
        if not still.update(revoked_at=timezone.now()):
            return False
        AuditEvent.objects.record(person, "revoked a link to", link.run.team, link.run, str(link))
        ring_for([bell_of(link.pk)])
        return True


def bell_of(link_id: uuid.UUID | str) -> str:
    """Name the guests of a link, as those whose rights may change."""
    return f"guests of {link_id}"


def token_in(token: str) -> ShareToken | None:
    """Find what a link's token stands for; None when that link shows nothing (any more)."""
    tokens = ShareToken.objects.filter(link__in=ShareLink.objects.open())
    return tokens.select_related("link__run__team").filter(digest=digest_of(token)).first()


def _token_of(link: ShareLink) -> str:
    token = new_token()
    ShareToken.objects.create(link=link, digest=digest_of(token))
    return token


def _said(link: ShareLink) -> str:
    count = len(link.port_pairs)
    what = f"task {link.task}" if link.task else "the whole run"
    values = f"{count} output{'' if count == 1 else 's'}" if count else "no outputs"
    return f"{what}, {values}, {link.get_audience_display().lower()}"
