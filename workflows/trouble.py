"""What a fault of the database means: wait, connect anew, wait for room, or blame what was kept."""

import logging
import time
from collections.abc import Callable
from enum import Enum

from django.db import Error, InterfaceError, OperationalError, connection

from runner.errors import StorageTrouble

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
#: SQLSTATEs, or how they begin (PostgreSQL, appendix A): who asks again later gets an answer.
_BUSY = ("40001", "40P01", "55P03", "57014")
#: The session is over; the server may be there all the same.
_LOST = ("08", "25P03", "57P01", "57P02", "57P05")
#: The storage is full, or the server is not ready or ill.
_AWAY = ("53", "57P", "58")


class Trouble(Enum):
    """What stops a database from doing what it was asked, through no fault of what was asked."""

    BUSY = "busy"
    LOST = "lost"
    AWAY = "away"


def trouble_of(fault: Error) -> Trouble | None:
    """Tell what kind of trouble a fault is; None for a fault of what was asked."""
    cause = fault.__cause__
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return _by_state(state)
    if hasattr(cause, "sqlstate"):
        return Trouble.LOST if isinstance(fault, OperationalError | InterfaceError) else None
    if not isinstance(fault, OperationalError):
        return None
    return Trouble.BUSY if "locked" in str(fault) else Trouble.AWAY


def _by_state(state: str) -> Trouble | None:
    for trouble, begins in ((Trouble.BUSY, _BUSY), (Trouble.LOST, _LOST), (Trouble.AWAY, _AWAY)):
        if state.startswith(begins):
            return trouble
    return None


def patiently[T](patience: float, act: Callable[[], T]) -> T:
    """Do it, again and again for `patience` seconds while others hold what it needs.

    A lost connection is made anew, once: a server that does not answer then is away. Raises
    StorageTrouble when it cannot be done now.
    """
    until, pause, lost = time.monotonic() + patience, FIRST_PAUSE, False
    while True:
        try:
            return act()
        except MemoryError as fault:
            # What takes so much of it ends, and then there is room for what is to be kept.
            connection.close()
            logger.warning("storage: there is no memory for it now")
            raise StorageTrouble("There is no memory for it now.") from fault
        except Error as fault:
            trouble = trouble_of(fault)
            if trouble is None:
                raise
            connection.close()
            is_worth_it = time.monotonic() < until if trouble is Trouble.BUSY else not lost
            if trouble is Trouble.AWAY or not is_worth_it:
                logger.warning("storage: %s", fault)
                raise StorageTrouble(str(fault)) from fault
            lost = lost or trouble is Trouble.LOST
        if trouble is Trouble.BUSY:
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
