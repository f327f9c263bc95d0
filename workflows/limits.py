"""How much there may be of tasks, silence and bytes, as the operator says."""

from django.core.exceptions import ImproperlyConfigured

LEASE_SECONDS = 30.0
SHORTEST_LEASE = 1.0
LONGEST_LEASE = 3600.0
SHORTEST_SECONDS = 0.01
MOST_SECONDS = 60.0
SMALLEST_SIZE = 1 << 10
LARGEST_SIZE = 1 << 40
MOST_DAYS = 36_500
MOST_COUNTED = 1_000_000


def lease_in(text: str) -> float:
    """Read the seconds of a lease; raises ImproperlyConfigured beyond 1 to 3600 of them."""
    try:
        seconds = float(text) if text else LEASE_SECONDS
    except ValueError:
        seconds = 0.0
    if not SHORTEST_LEASE <= seconds <= LONGEST_LEASE:
        raise ImproperlyConfigured(
            f"ANABRANCH_LEASE_SECONDS must be {SHORTEST_LEASE:g} to {LONGEST_LEASE:g} seconds."
        )
    return seconds


def seconds_in(name: str, text: str, default: float, *, most: float = MOST_SECONDS) -> float:
    """Read the seconds of something short; raises ImproperlyConfigured beyond 0.01 to `most`."""
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = 0.0
    if not SHORTEST_SECONDS <= seconds <= most:
        raise ImproperlyConfigured(f"{name} must be {SHORTEST_SECONDS:g} to {most:g} seconds.")
    return seconds


def bytes_in(name: str, text: str, default: int) -> int:
    """Read a number of bytes; raises ImproperlyConfigured below 1 KiB and beyond 1 TiB."""
    size = int(text) if text.isdecimal() else 0
    if text and not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise ImproperlyConfigured(
            f"{name} must be a number of bytes, {SMALLEST_SIZE} to {LARGEST_SIZE}."
        )
    return size or default


def count_in(name: str, text: str, default: int) -> int:
    """Read how many there may be; raises ImproperlyConfigured below 1 and beyond a million."""
    if text and not (text.isdecimal() and 1 <= int(text) <= MOST_COUNTED):
        raise ImproperlyConfigured(f"{name} must be a whole number, 1 to {MOST_COUNTED}.")
    return int(text) if text else default


def days_in(name: str, text: str, default: int) -> int:
    """Read a number of days, 0 for ever; raises ImproperlyConfigured beyond 36,500 of them."""
    if text and not (text.isdecimal() and int(text) <= MOST_DAYS):
        raise ImproperlyConfigured(f"{name} must be a number of days, 0 (for ever) to {MOST_DAYS}.")
    return int(text) if text else default


def limits_in(text: str) -> dict[str, int]:
    """Read "process=64,run:*=16,group:ollama=1"; nothing is limited by an empty text.

    Raises ImproperlyConfigured for anything else, and for a limit below 1.
    """
    found = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        name, _, most = each.partition("=")
        if not name or not most.isdecimal() or int(most) < 1:
            raise ImproperlyConfigured(
                f"ANABRANCH_LIMITS has '{each}'; write a name and a number, "
                "such as process=64,run:*=16,user:*=32,group:ollama=1."
            )
        found[name.strip()] = int(most)
    return found
