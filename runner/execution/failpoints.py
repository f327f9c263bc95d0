"""Failpoints: named places where a test lets this process die, wait or fail (FreeBSD's fail(9)).

Off unless ANABRANCH_FAILPOINTS arms some of them: "after_commit=kill@3,chunk_flush=sleep:0.2".
Each is a name, an action and perhaps the hit that it acts on; without one, it acts on every hit.

kill        SIGKILL, here and now
kill:0.002  the kernel ends the process so many seconds later, whatever it does by then (SIGALRM)
sleep:0.2   the thread stands still for so many seconds
raise       FailpointReached
"""

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.errors import RunnerError, ValueFault

VARIABLE = "ANABRANCH_FAILPOINTS"
EXAMPLE = "after_commit=kill@3,chunk_flush=sleep:0.2"
NAMES = frozenset(
    {
        "claimed",
        "before_execute",
        "after_execute",
        "before_event",
        "files_kept",
        "in_txn_begun",
        "in_txn_after_insert",
        "after_commit",
        "chunk_flush",
        "lease_renew",
        "expand_subgraph",
        "finalize",
        "cancel_mark",
    }
)
_WRITTEN = re.compile(
    r"(?P<name>\w+)=(?P<action>kill|sleep|raise)(:(?P<seconds>\d+(\.\d+)?))?(@(?P<hit>[1-9]\d*))?"
)


class FailpointReached(RunnerError):
    """A failpoint was armed to fail here."""


@dataclass(slots=True, kw_only=True)
class Failpoint:
    """What happens at one place; hits are counted from 1, over all threads."""

    name: str
    action: str
    seconds: float | None = None
    at: int | None = None
    hits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hit(self) -> None:
        """Count a hit, and act if it is the one."""
        with self.lock:
            self.hits += 1
            is_it = self.at in {None, self.hits}
        if is_it:
            _ACTIONS[self.action](self)


_armed: dict[str, Failpoint] = {}


def reach(name: str) -> None:
    """Say that the process has come to a place; nothing happens unless it is armed."""
    if _armed and name in _armed:
        _armed[name].hit()


def arm(text: str) -> None:
    """Arm what a text says and nothing else; raises ValueFault with a sentence."""
    armed = [_read(part.strip()) for part in text.split(",") if part.strip()]
    _armed.clear()
    _armed.update((each.name, each) for each in armed)


def arm_from_environment() -> None:
    """Arm what the environment says; raises ValueFault with a sentence."""
    arm(os.environ.get(VARIABLE, ""))


def _read(part: str) -> Failpoint:
    found = _WRITTEN.fullmatch(part)
    if found is None:
        raise ValueFault(f"{VARIABLE} has '{part}'; write it as in {EXAMPLE}.")
    name, action, seconds, at = found.group("name", "action", "seconds", "hit")
    if name not in NAMES:
        raise ValueFault(
            f"{VARIABLE} has no failpoint '{name}'; there are {', '.join(sorted(NAMES))}."
        )
    if (action, seconds is None) in {("sleep", True), ("raise", False)}:
        raise ValueFault(f"{VARIABLE} has '{part}'; sleep takes seconds, and raise takes none.")
    return Failpoint(
        name=name,
        action=action,
        seconds=None if seconds is None else float(seconds),
        at=None if at is None else int(at),
    )


def _kill(failpoint: Failpoint) -> None:
    if not failpoint.seconds:  # pragma: no cover - who is killed tells nobody what it ran
        os.kill(os.getpid(), signal.SIGKILL)
        return
    # Nobody handles SIGALRM here, so the kernel ends the process without asking it.
    signal.setitimer(signal.ITIMER_REAL, failpoint.seconds)


def _sleep(failpoint: Failpoint) -> None:
    time.sleep(failpoint.seconds or 0.0)


def _raise(failpoint: Failpoint) -> None:
    raise FailpointReached(f"Failpoint {failpoint.name} was reached.")


_ACTIONS: dict[str, Callable[[Failpoint], None]] = {
    "kill": _kill,
    "sleep": _sleep,
    "raise": _raise,
}
