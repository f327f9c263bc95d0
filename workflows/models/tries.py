"""How often somebody tried something lately: counted in the database, for all processes alike."""

from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac


class TriesQuerySet(models.QuerySet["Tries"]):
    """Counts of tries, by who tried what."""

    def allow(self, key: str, most: int, within: timedelta, now: datetime | None = None) -> bool:
        """Count one more try, and say whether there were not too many of them within some time.

        Counting begins anew when that time is over. Only a keyed digest of `key` is kept, since
        there may be an address in it.
        """
        now = now or timezone.now()
        digest = salted_hmac("tries", key, algorithm="sha256").hexdigest()
        with transaction.atomic():
            self.get_or_create(digest=digest, defaults={"until": now + within})
            mine = self.filter(digest=digest)
            mine.filter(until__lte=now).update(count=0, until=now + within)
            mine.update(count=F("count") + 1)
            return mine.get().count <= most


class Tries(models.Model):
    """How many tries there were until a time."""

    digest = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)

    objects = TriesQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.count} until {self.until}"
