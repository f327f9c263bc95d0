"""Many rows into one table by few statements, past the ORM: the writer's hot path.

A model instance and its `bulk_create` cost ten times what the database needs for the row. So rows
are tuples of values in the form the database keeps, and go by `INSERT … VALUES` of a hundred at a
time: one long call into the database lets go of the interpreter once, many short ones each time.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import batched, chain
from typing import Any, Self
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models

from workflows.models import Run, TaskRun

#: Statements of these many rows are prepared once and kept; what is left over goes by the next.
ROWS_A_STATEMENT = (100, 10, 1)

_MOMENTS = frozenset(
    field.name
    for model in (Run, TaskRun)
    for field in model._meta.concrete_fields  # noqa: SLF001
    if isinstance(field, models.DateTimeField)
)

type Row = tuple[Any, ...]


class Cursor:
    """A cursor of this thread's connection that takes SQL as the driver wants it.

    Django's own turns every mark of every statement into the driver's, which costs as much as a
    short statement does. Errors are still Django's. `%s` stands for a value.
    """

    def __init__(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        connection.ensure_connection()
        self.vendor = connection.vendor
        #: Gives a UTC time (or None) as its column keeps it.
        self.moment: Callable[[datetime | None], Any] = _as_text if self._is_sqlite else _as_it_is
        self._cursor = connection.connection.cursor()
        self._faults = connection.wrap_database_errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._cursor.close()

    @property
    def _is_sqlite(self) -> bool:
        return self.vendor == "sqlite"

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement; give how many rows it inserted or changed."""
        with self._faults:
            self._cursor.execute(_for_sqlite(sql) if self._is_sqlite else sql, values)
        return int(self._cursor.rowcount)

    def rows(self) -> list[Row]:
        """Give what the last statement found."""
        with self._faults:
            return list(self._cursor.fetchall())

    def key(self, uuid: str) -> Any:
        """Give a UUID, written with its dashes, as its column keeps it."""
        return uuid.replace("-", "") if self._is_sqlite else UUID(uuid)


@lru_cache(256)
def _for_sqlite(sql: str) -> str:
    return sql.replace("%s", "?")


@lru_cache(1024)
def _as_text(at: datetime | None) -> str | None:
    """Write a time as Django does for SQLite: in UTC, without saying so."""
    return None if at is None else at.astimezone(UTC).isoformat(" ").removesuffix("+00:00")


def _as_it_is(at: datetime | None) -> datetime | None:
    return at


def as_kept(cursor: Cursor, changes: Mapping[str, Any]) -> list[Any]:
    """Give the values of columns of runs or their tasks as the database keeps them."""
    values = list(changes.values())
    for position in _moments(tuple(changes)):
        values[position] = cursor.moment(values[position])
    return values


@cache
def _moments(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(position for position, name in enumerate(names) if name in _MOMENTS)


class Table:
    """The columns of one model that rows are given for, named as in the model.

    `conflict` is the clause for rows that are there already: none, so that they raise.
    """

    def __init__(self, model: type[models.Model], *names: str, conflict: str = "") -> None:
        meta = model._meta  # noqa: SLF001
        columns = {field.name: str(field.column) for field in meta.concrete_fields}
        self._name = str(meta.db_table)
        self._columns = ", ".join(quoted(columns[name]) for name in names)
        self._marks = f"({', '.join(['%s'] * len(names))})"
        self._conflict = conflict
        self._statements: dict[int, str] = {}

    def insert(self, cursor: Cursor, rows: Sequence[Row]) -> int:
        """Insert rows; give how many of them are new, or changed one that was there."""
        touched = start = 0
        for size in ROWS_A_STATEMENT:
            whole = (len(rows) - start) // size * size
            if whole:
                sql = self._statement(size)
                for some in batched(rows[start : start + whole], size):
                    touched += cursor.execute(sql, list(chain.from_iterable(some)))
                start += whole
        return touched

    def _statement(self, rows: int) -> str:
        if rows not in self._statements:
            values = ", ".join([self._marks] * rows)
            self._statements[rows] = (
                f"INSERT INTO {quoted(self._name)} ({self._columns}) VALUES {values} "  # noqa: S608
                f"{self._conflict}"
            )
        return self._statements[rows]


def replacing(unique: Sequence[str], changes: Mapping[str, str]) -> str:
    """Give the clause that sets columns of a row that is there to SQL expressions."""
    named = ", ".join(f"{quoted(column)} = {value}" for column, value in changes.items())
    return f"ON CONFLICT ({', '.join(map(quoted, unique))}) DO UPDATE SET {named}"


def quoted(name: str) -> str:
    """Quote the name of a table or a column; names are the models', never a stranger's."""
    return f'"{name}"'
