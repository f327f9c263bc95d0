"""What is done once in a while, by one process of all."""

from django.db import models


class Tick(models.Model):
    """When something was last done."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M}"
