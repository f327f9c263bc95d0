"""Cursors that take SQL as the driver wants it, past the ORM: `%s` stands for a value.

Django's own turns every mark of every statement into the driver's, and for PostgreSQL writes the
values into the statement, which costs as much as the database needs for it. Errors are still
Django's.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

type Row = tuple[Any, ...]


def cursor() -> "Cursor":
    """Give a cursor of this thread's connection, to be entered and left."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    return SqliteCursor(connection) if connection.vendor == "sqlite" else ServerCursor(connection)


class Cursor(ABC):
    """What the writer needs of a database; `vendor` is Django's name of its kind."""

    vendor: ClassVar[str]

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._faults: Any = connection.wrap_database_errors
        self._cursor: Any = self._open(connection.connection)

    @abstractmethod
    def _open(self, driver: Any) -> Any:
        """Give a cursor of the driver's connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._cursor.close()

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement; on a server, its faults may show only later, but before the end."""

    @abstractmethod
    def changed(self) -> int:
        """Say how many rows the last statement inserted or changed."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """Give what the last statement found."""

    @abstractmethod
    def moment(self, at: datetime | None) -> Any:
        """Give a UTC time (or None) as its column keeps it."""

    @abstractmethod
    def key(self, uuid: str) -> Any:
        """Give a UUID, written with its dashes, as its column keeps it."""


class SqliteCursor(Cursor):
    """A cursor of SQLite, which keeps times and ids as text."""

    vendor = "sqlite"

    def _open(self, driver: Any) -> Any:
        return driver.cursor()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        with self._faults:
            self._cursor.execute(_with_question_marks(sql), values)

    def changed(self) -> int:
        return int(self._cursor.rowcount)

    def rows(self) -> list[Row]:
        with self._faults:
            return list(self._cursor.fetchall())

    def moment(self, at: datetime | None) -> Any:
        return _as_text(at)

    def key(self, uuid: str) -> Any:
        return uuid.replace("-", "")


class ServerCursor(Cursor):
    """A cursor of PostgreSQL that sends on without waiting for answers, until one is looked at.

    Values go beside the statement, which the server keeps prepared from the fifth time on.
    """

    vendor = "postgresql"

    def _open(self, driver: Any) -> Any:
        from psycopg import RawCursor  # noqa: PLC0415 - not there where no server is used
        from psycopg.types.numeric import Int8Dumper  # noqa: PLC0415

        self._sending = driver.pipeline()
        opened = RawCursor(driver)
        # One type for all whole numbers, else each mix of small and large ones is a statement.
        opened.adapters.register_dumper(int, Int8Dumper)
        return opened

    def __enter__(self) -> Self:
        self._pipeline = self._sending.__enter__()
        return self

    def __exit__(self, *fault: object) -> None:
        with self._faults:
            self._sending.__exit__(*fault)
        self._cursor.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        with self._faults:
            self._cursor.execute(_with_numbers(sql), values)

    def changed(self) -> int:
        with self._faults:
            self._pipeline.sync()
        return int(self._cursor.rowcount)

    def rows(self) -> list[Row]:
        with self._faults:
            return list(self._cursor.fetchall())

    def moment(self, at: datetime | None) -> Any:
        return at

    def key(self, uuid: str) -> Any:
        return UUID(uuid)


@lru_cache(256)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")


@lru_cache(256)
def _with_numbers(sql: str) -> bytes:
    number = count(1)
    first, *rest = sql.split("%s")
    return (first + "".join(f"${next(number)}{each}" for each in rest)).encode()


@lru_cache(1024)
def _as_text(at: datetime | None) -> str | None:
    """Write a time as Django does for SQLite: in UTC, without saying so."""
    return None if at is None else at.astimezone(UTC).isoformat(" ").removesuffix("+00:00")
