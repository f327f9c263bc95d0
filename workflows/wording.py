"""Sizes, times and counts as a person says them (pure)."""

from datetime import datetime

_KB = 1000
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def said_size(size: int) -> str:
    """Say a number of bytes."""
    if size < _KB:
        return f"{size} B"
    if size < _KB * _KB:
        return f"{size / _KB:.1f} kB" if size < 10 * _KB else f"{size // _KB} kB"
    return f"{size / _KB / _KB:.1f} MB"


def said_duration(seconds: float) -> str:
    """Say how long something took."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    minutes, rest = divmod(int(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes:02d} min"


def said_span(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """Say the time from start to end, or until now; nothing before the start."""
    if start is None:
        return ""
    return said_duration(max(0.0, ((end or now) - start).total_seconds()))


def said_errors(handled: int) -> str:
    """Say how many errors a run dealt with; nothing when there were none."""
    return f"{handled} handled error{'' if handled == 1 else 's'}" if handled else ""


def said_ago(moment: datetime, now: datetime) -> str:
    """Say how long ago something was."""
    seconds = (now - moment).total_seconds()
    if seconds < 5:
        return "just now"
    if seconds < _MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    return f"{moment:%d %b %H:%M}"
