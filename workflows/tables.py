"""Many rows into one table by few statements, past the ORM: the writer's hot path.

A model instance and its `bulk_create` cost ten times what the database needs for the row. So rows
are tuples of values in the form the database keeps, and go by `INSERT … VALUES` of a hundred at a
time: one long call into the database lets go of the interpreter once, many short ones each time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import batched, chain
from typing import Any, Self
from uuid import UUID

from django.db import connection, models

#: Statements of these many rows are prepared once and kept; what is left over goes by the next.
ROWS_A_STATEMENT = (100, 10, 1)

type Row = tuple[Any, ...]


class Cursor:
    """A cursor of this thread's connection that takes SQL as the driver wants it.

    Django's own turns every mark of every statement into the driver's, which costs as much as a
    short statement does. Errors are still Django's. `%s` stands for a value.
    """

    def __init__(self) -> None:
        connection.ensure_connection()
        self.vendor = connection.vendor
        #: Gives a UTC time (or None) as its column keeps it.
        self.moment: Callable[[datetime | None], Any] = (
            _as_text if self.is_sqlite else _as_it_is
        )
        self._cursor = connection.connection.cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._cursor.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement; give how many rows it inserted or changed."""
        with connection.wrap_database_errors:
            self._cursor.execute(_for_driver(sql, is_sqlite=self.is_sqlite), values)
        return int(self._cursor.rowcount)

    def rows(self) -> list[Row]:
        """Give what the last statement found."""
        with connection.wrap_database_errors:
            return list(self._cursor.fetchall())

    @property
    def is_sqlite(self) -> bool:
        """Whether it speaks SQLite's dialect, and not PostgreSQL's."""
        return self.vendor == "sqlite"

    def key(self, text: str) -> Any:
        """Give a UUID as its column keeps it."""
        return UUID(text).hex if self.is_sqlite else UUID(text)


@lru_cache(256)
def _for_driver(sql: str, *, is_sqlite: bool) -> str:
    return sql.replace("%s", "?") if is_sqlite else sql


@lru_cache(1024)
def _as_text(at: datetime | None) -> str | None:
    """Write a time as Django does for SQLite."""
    return None if at is None else str(at.astimezone(UTC).replace(tzinfo=None))


def _as_it_is(at: datetime | None) -> datetime | None:
    return at


class Table:
    """The columns of one model that rows are given for, named as in the model."""

    def __init__(self, model: type[models.Model], *names: str) -> None:
        meta = model._meta  # noqa: SLF001
        self.name = meta.db_table
        columns = {field.name: str(field.column) for field in meta.concrete_fields}
        self.columns = tuple(columns[name] for name in names)

    def insert(self, cursor: Cursor, rows: Sequence[Row], conflict: str = "") -> int:
        """Insert rows; give how many are new or were changed because of `conflict`."""
        touched = start = 0
        for size in ROWS_A_STATEMENT:
            whole = (len(rows) - start) // size * size
            for some in batched(rows[start : start + whole], size):
                sql = _insertion(self.name, self.columns, size, conflict)
                touched += cursor.execute(sql, list(chain.from_iterable(some)))
            start += whole
        return touched

    def upsert(
        self,
        cursor: Cursor,
        rows: Sequence[Row],
        unique: Iterable[str],
        expressions: Mapping[str, str],
    ) -> None:
        """Insert rows; those that are there already get the values of `expressions` by column."""
        self.insert(cursor, rows, _update(tuple(unique), tuple(expressions.items())))


@cache
def _insertion(table: str, columns: tuple[str, ...], rows: int, conflict: str) -> str:
    marks = f"({', '.join(['%s'] * len(columns))})"
    named = ", ".join(map(quoted, columns))
    values = ", ".join([marks] * rows)
    return f"INSERT INTO {quoted(table)} ({named}) VALUES {values} {conflict}"  # noqa: S608


@cache
def _update(unique: tuple[str, ...], expressions: tuple[tuple[str, str], ...]) -> str:
    changes = ", ".join(f"{quoted(column)} = {value}" for column, value in expressions)
    return f"ON CONFLICT ({', '.join(map(quoted, unique))}) DO UPDATE SET {changes}"


def quoted(name: str) -> str:
    """Quote a name of a table or a column; they are the models', never a stranger's."""
    return f'"{name}"'
