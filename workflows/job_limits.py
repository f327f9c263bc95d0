"""Limits of groups of jobs, as the operator says: at once, and in a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

TIMES: Mapping[str, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimit:
    """How many jobs of a group may be worked on at once, and how many may begin in a time.

    None is without limit; `time` is a key of TIMES.
    """

    at_once: int | None = None
    rate: int | None = None
    time: str = "minute"

    @property
    def seconds(self) -> int:
        """The length of the time of the rate."""
        return TIMES[self.time]


def job_limits_in(text: str) -> dict[str, JobLimit]:
    """Read "mail=4,mail=30/minute"; nothing is limited by an empty text.

    Raises ImproperlyConfigured for anything else, and for a limit below 1.
    """
    at_once: dict[str, int] = {}
    rates: dict[str, tuple[int, str]] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        group, _, said = each.partition("=")
        most, _, time = said.partition("/")
        if not group or not most.isdecimal() or int(most) < 1 or (time and time not in TIMES):
            raise ImproperlyConfigured(
                f"ANABRANCH_JOB_LIMITS has '{each}'; write a group and a number, for all at once "
                "or for a second, minute, hour or day, such as mail=4,mail=30/minute."
            )
        if time:
            rates[group.strip()] = (int(most), time)
        else:
            at_once[group.strip()] = int(most)
    return {group: _limit(at_once.get(group), rates.get(group)) for group in at_once | rates}


def _limit(at_once: int | None, rate: tuple[int, str] | None) -> JobLimit:
    if rate is None:
        return JobLimit(at_once=at_once)
    return JobLimit(at_once=at_once, rate=rate[0], time=rate[1])
