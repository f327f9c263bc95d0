"""Times of schedules: cron expressions in a time zone, over changes of the clock (pure)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from runner.errors import ValueFault

#: As crontab(5) has them.
NAMED: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = 5


def zone_called(name: str) -> ZoneInfo:
    """Find a time zone; raises ValueFault."""
    try:
        if name in available_timezones():
            return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        pass
    raise ValueFault(f"There is no time zone '{name[:40]}'; one like Europe/Berlin is meant.")


def times_after(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Give the times after a moment, in UTC; raises ValueFault for what is no cron expression.

    Where the clock is put forward, a time that is left out comes right after; where it is put
    back, one that comes twice counts once (so does cronsim, after Debian's cron).
    """
    try:
        found = CronSim(_written(cron), after.astimezone(zone))
    except CronSimError as fault:
        said = str(fault)[:100]
        raise ValueFault(
            f"'{cron[:40]}' is no cron expression ({said}); '30 7 * * 1-5' is half past seven "
            "from Monday to Friday."
        ) from None
    return (each.astimezone(UTC) for each in found)


def next_after(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """Give the next time, in UTC; raises as `times_after` does.

    There always is one: cronsim refuses days that no month has.
    """
    return next(times_after(cron, zone, after))


def preview(cron: str, zone: ZoneInfo, after: datetime, count: int) -> list[datetime]:
    """Give the next few times, in the schedule's own zone."""
    return [each.astimezone(zone) for each in islice(times_after(cron, zone, after), count)]


def in_words(cron: str) -> str:
    """Say a cron expression in words; as it stands where there are none for it."""
    try:
        return CronSim(_written(cron), datetime(2000, 1, 1, tzinfo=UTC)).explain()
    except (CronSimError, ValueError):
        return cron


def _written(cron: str) -> str:
    """Write out a name; seconds, which cronsim would take as a sixth field, are not offered."""
    text = " ".join(cron.split())
    text = NAMED.get(text.lower(), text)
    if len(text.split()) != _FIELDS:
        raise ValueFault(
            f"'{cron[:40]}' has not five fields: minute, hour, day of the month, month, weekday."
        )
    return text
