"""The open sockets of this process by person: each looks again when that person's rights change."""

from collections.abc import Callable
from typing import Any

type LookAgain = Callable[[], object]

_open: dict[str, set[LookAgain]] = {}


def opened(person: Any, look_again: LookAgain) -> None:
    """Take note of a socket; `look_again` is called on the server's loop."""
    _open.setdefault(str(person), set()).add(look_again)


def closed(person: Any, look_again: LookAgain) -> None:
    """Forget a socket."""
    theirs = _open.get(str(person), set())
    theirs.discard(look_again)
    if not theirs:
        _open.pop(str(person), None)


def look_again(person: str) -> None:
    """Have all sockets of a person look."""
    for look in list(_open.get(person, ())):
        look()


def count_of(person: Any) -> int:
    """Count the sockets of a person, or of the guests of a link."""
    return len(_open.get(str(person), ()))


def count() -> int:
    """Count the sockets that are open in this process."""
    return sum(map(len, list(_open.values())))
