"""The tabs of the inspector: which there are, and which one matters where a task stands (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.rows import Row

#: In the order in which they stand; what is inside comes first where there is something inside.
TITLES: Mapping[str, str] = {
    "items": "Items",
    "input": "Input",
    "output": "Output",
    "stream": "Stream",
    "log": "Log",
    "error": "Error",
    "events": "Events",
    "attempts": "Attempts",
}
_BY_STATUS: Mapping[str, str] = {
    "running": "log",
    "streaming": "stream",
    "retrying": "attempts",
    "completed": "output",
    "cached": "output",
    "failed": "error",
    "upstream-failed": "error",
    "interrupted": "log",
    "cancelling": "log",
    "cancelled": "log",
}
MODES = ("pretty", "table", "markdown", "raw")
_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an address asks of the inspector; empty and 0 leave it to where the task stands.

    `port` is shown in `mode`; `attempt` is the one that is opened, `is_whole` asks for the events
    that only count, too.
    """

    tab: str = ""
    port: str = ""
    mode: str = ""
    attempt: int = 0
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab; `mark` is how much there is in it, or that there is something to look at."""

    name: str
    title: str
    mark: str = ""


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """Read what an address asks for; what it does not know of is not asked for."""
    tab, mode, attempt = query.get("tab", ""), query.get("as", ""), query.get("attempt", "")
    is_number = attempt.isascii() and attempt.isdigit() and len(attempt) < _DIGITS
    return Wanted(
        tab=tab if tab in TITLES else "",
        port=query.get("port", ""),
        mode=mode if mode in MODES else "",
        attempt=int(attempt) if is_number else 0,
        is_whole=query.get("events") == "all",
    )


def tab_of(row: Row) -> str:
    """Name the tab that matters where a task stands."""
    if row.is_closed and row.status not in {"failed", "upstream-failed"}:
        return "items"
    return _BY_STATUS.get(row.status, "input")


def tabs_of(row: Row, *, lines: int) -> tuple[Tab, ...]:
    """Give the tabs of a task with `lines` in its log."""
    marks = {
        "log": str(lines) if lines else "",
        "error": "!" if row.status in {"failed", "upstream-failed"} else "",
        "attempts": str(row.attempt) if row.attempt > 1 else "",
        "stream": str(len(row.streams)) if len(row.streams) > 1 else "",
    }
    return tuple(
        Tab(name=name, title=title, mark=marks.get(name, ""))
        for name, title in TITLES.items()
        if name != "items" or row.is_closed
    )
