"""Results that later runs of a team may take over."""

from django.db import models

from workflows.models.team import Team


class CacheEntry(models.Model):
    """A result that later runs of a team may take over; `key` says what it was made from.

    `outputs` is a JSON object of encoded values by port, `streams` one of lists of them.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="cache_entries")
    key = models.CharField(max_length=128)
    outputs = models.TextField(default="{}")
    streams = models.TextField(default="{}")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "key"], name="one_cache_entry_a_key"),
        ]
        indexes = [models.Index(fields=["created_at"], name="cache_entries_by_time")]

    def __str__(self) -> str:
        return f"{self.key[:12]} of {self.team_id}"
