"""How long what happened took to reach the pages of this process: the last of it."""

from collections import deque
from datetime import datetime, timedelta

from django.utils import timezone

KEPT = 1000
_lags: deque[float] = deque(maxlen=KEPT)


def note(happened_at: datetime) -> None:
    """Note that something is on its way to the pages now."""
    _lags.append(max(timedelta(), timezone.now() - happened_at).total_seconds())


def p95() -> float | None:
    """Give the seconds that nineteen of twenty did not take longer than; None before any."""
    ordered = sorted(_lags)
    return ordered[int(len(ordered) * 0.95)] if ordered else None


def forget() -> None:
    """Begin anew."""
    _lags.clear()
