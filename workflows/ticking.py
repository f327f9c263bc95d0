"""The tick of schedules: what is due is started once, whichever process looks first."""

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from runner.errors import RunnerError, ValueFault
from runner.graph.values import decode
from workflows.cron import next_after, zone_called
from workflows.models.trigger import LONGEST_TROUBLE, Missed, Schedule
from workflows.triggers import start_for

logger = logging.getLogger(__name__)

#: A start that is no later than this was not missed: a server was busy, or just started again.
GRACE = timedelta(minutes=1)
AT_ONCE = 100


def start_due(now: datetime | None = None) -> int:
    """Start what is due and set each schedule to its next time; give how many runs were started."""
    now = now or timezone.now()
    due = Schedule.objects.started().filter(next_at__lte=now).order_by("next_at")
    return sum(_tick(schedule, now) for schedule in due[:AT_ONCE])


def _tick(schedule: Schedule, now: datetime) -> bool:
    """Take one time of a schedule, unless another process was quicker; whether a run came of it.

    A fault of one schedule is its own: the others start all the same.
    """
    at = schedule.next_at
    assert at is not None  # noqa: S101 - the query asked for it
    mine = Schedule.objects.filter(pk=schedule.pk, next_at=at, is_on=True)
    try:
        with transaction.atomic():
            return bool(mine.update(next_at=following(schedule, now))) and _start(schedule, at, now)
    except ValueFault as fault:
        trouble = fault.sentence
    except (OperationalError, InterfaceError, MemoryError):
        raise
    except Exception:
        logger.exception("schedule %s is turned off", schedule.pk)
        trouble = "It could not start, for a cause that the server's log has."
    mine.update(is_on=False, trouble=f"{trouble} It was turned off."[:LONGEST_TROUBLE])
    return False


def _start(schedule: Schedule, at: datetime, now: datetime) -> bool:
    if now - at > GRACE and schedule.missed == Missed.SKIP:
        schedule.say(f"The start of {at:%Y-%m-%d %H:%M} UTC was missed and left out.")
        return False
    try:
        start_for(schedule, decode(schedule.inputs), at.isoformat())
    except RunnerError as fault:
        logger.info("schedule %s started nothing: %s", schedule.pk, fault.sentence)
        return False
    return True


def following(schedule: Schedule, now: datetime) -> datetime:
    """Give its next time after now."""
    return next_after(schedule.cron, zone_called(schedule.zone), now)
