"""Filters of the list of runs that a person keeps."""

from django.conf import settings
from django.db import models

LONGEST_NAME = 60
LONGEST_QUERY = 1000


class SavedFilter(models.Model):
    """A filter that a person gave a name; `query` is what the list's address says after `?`."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST_QUERY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "name"], name="one_saved_filter_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
