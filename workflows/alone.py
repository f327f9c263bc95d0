"""Which server may use a database, and what one process at a time does there."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

#: Any number will do, if all processes of a database name the same one.
_KEY = 0x616E6162  # "anab"


class AlreadyServed(Exception):
    """Another server uses the same SQLite file."""

    def __init__(self, folder: Path) -> None:
        """Say where, and what to do."""
        super().__init__(
            f"Another server already uses {folder}; set ANABRANCH_DATA to another directory."
        )


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process is in here; without limits of time, as migrations take theirs.

    A SQLite file has one server, which holds its directory already.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        for limit in ("lock_timeout", "statement_timeout"):
            cursor.execute(f"SET {limit} = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
    try:
        yield
    finally:
        # The end of the session lets go, and ends what was set for it.
        connection.close()


@contextmanager
def only_server() -> Iterator[None]:
    """Hold the data directory: a SQLite file has one server, whose runner drives every run.

    Raises AlreadyServed when another one holds it. Those of a PostgreSQL database share its runs.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with (settings.DATA_DIR / "serve.lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServed(settings.DATA_DIR) from None
        yield
