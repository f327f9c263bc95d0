"""How much room the limits of groups leave for jobs; sync."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from runner.run.status import JobState
from workflows.job_limits import JobLimit
from workflows.models import Job, JobGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRoom:
    """How many jobs of a group are worked on, and how many have begun in the time of its rate."""

    limit: JobLimit
    running: int
    begun: int

    @property
    def room(self) -> int:
        """How many more may begin now."""
        at_once, rate = self.limit.at_once, self.limit.rate
        rooms = [
            most - taken
            for most, taken in ((at_once, self.running), (rate, self.begun))
            if most is not None
        ]
        return max(0, min(rooms))

    def why(self, group: str) -> str:
        """Say which limit is full; empty when there is room."""
        limit = self.limit
        if limit.at_once is not None and self.running >= limit.at_once:
            return f"Waits: {self.running} of {limit.at_once} running in group '{group}'."
        if limit.rate is not None and self.begun >= limit.rate:
            return f"Waits: {limit.rate} a {limit.time} have begun in group '{group}'."
        return ""


def room_of(group: str) -> GroupRoom | None:
    """Look at a group; None if it has no limit."""
    limit: JobLimit | None = settings.JOB_LIMITS.get(group)
    if limit is None:
        return None
    jobs = Job.objects.filter(group=group)
    begun = 0
    if limit.rate is not None:
        begun = jobs.filter(started_at__gt=Now() - timedelta(seconds=limit.seconds)).count()
    running = jobs.filter(state=JobState.RUNNING).count()
    return GroupRoom(limit=limit, running=running, begun=begun)


def lock_groups() -> dict[str, int]:
    """Give the room of each limited group that has waiting jobs; inside of a transaction.

    Until its end nobody else counts them: two workers would take the last place both.
    """
    limited = set(settings.JOB_LIMITS)
    if not limited:
        return {}
    waiting = Job.objects.filter(state=JobState.WAITING, group__in=limited)
    groups = sorted(set(waiting.values_list("group", flat=True).distinct()))
    if not groups:
        return {}
    _make(groups)
    list(JobGroup.objects.select_for_update().filter(name__in=groups).order_by("name"))
    return {group: found.room for group in groups if (found := room_of(group)) is not None}


def _make(groups: Iterable[str]) -> None:
    JobGroup.objects.bulk_create([JobGroup(name=each) for each in groups], ignore_conflicts=True)
