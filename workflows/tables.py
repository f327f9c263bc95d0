"""Many rows into one table by few statements, past the ORM: the writer's hot path.

A model instance and its `bulk_create` cost ten times what the database needs for the row. So rows
are tuples of values in the form the database keeps, and go by `INSERT … VALUES` of a hundred at a
time: one long call into the database lets go of the interpreter once, many short ones each time.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import batched, chain
from typing import Any

from django.db import models

from workflows.cursors import Cursor, Row
from workflows.models import Run, TaskRun

#: Statements of these many rows are prepared once and kept; what is left over goes by the next.
ROWS_A_STATEMENT = (100, 10, 1)

_MOMENTS = frozenset(
    field.name
    for model in (Run, TaskRun)
    for field in model._meta.concrete_fields  # noqa: SLF001
    if isinstance(field, models.DateTimeField)
)


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

    def insert(self, cursor: Cursor, rows: Sequence[Row]) -> None:
        """Insert rows."""
        start = 0
        for size in ROWS_A_STATEMENT:
            whole = (len(rows) - start) // size * size
            if whole:
                sql = self._statement(size)
                for some in batched(rows[start : start + whole], size):
                    cursor.execute(sql, list(chain.from_iterable(some)))
                start += whole

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
