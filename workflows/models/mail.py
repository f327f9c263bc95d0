"""Mails about what waits: who wants them, and which were sent."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.models.run import Run


class MailWish(models.Model):
    """Of what a person wants to be told by mail."""

    class About(models.TextChoices):
        """How much."""

        NOTHING = "nothing", "Nothing"
        MINE = "mine", "What my own runs wait for, and what only others than their starter may answer"  # fmt: skip
        ALL = "all", "Everything that I may answer"

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_wish"
    )
    about = models.CharField(max_length=8, choices=About, default=About.MINE)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(about__in=["nothing", "mine", "all"]), name="mail_about"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.about}"


class SentMail(models.Model):
    """That a person was told of something that waits; it is written before the mail is sent.

    So nobody is told twice, whatever happens in between. `path` is empty for a run's versions;
    `turn` counts how often the task has waited before. `fault` says why it could not be sent.
    """

    # Its constraint begins with the run: another index would only cost.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="mails", db_index=False)
    path = models.CharField(max_length=1000, blank=True, default="")
    turn = models.PositiveIntegerField(default=0)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    fault = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "path", "turn", "person"], name="one_mail_a_question"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.path or 'versions'} of {self.run_id}"
