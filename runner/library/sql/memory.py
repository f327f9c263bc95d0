"""A database in memory: filled from items, then only read, within bounds of time and size."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from runner.errors import ValueFault

#: Bytes of one value, of a query, of a pattern of LIKE; columns; joined tables.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16 << 20,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
COLUMNS_AT_MOST = 500
_ALLOWED = frozenset({
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
})  # fmt: skip
_HARMFUL = frozenset({"load_extension", "fts3_tokenizer", "edit", "readfile", "writefile"})
#: How many steps of the query's program lie between two looks at the clock.
STEPS = 5_000
_LARGEST = 1 << 63


def opened() -> sqlite3.Connection:
    """Give an empty database in memory that may spill sorting to a temporary file."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    for limit, most in _LIMITS.items():
        database.setlimit(limit, most)
    database.execute("PRAGMA temp_store = FILE")
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def fill(database: sqlite3.Connection, table: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Make a table of items; its columns are their fields. Raises ValueFault."""
    rows = list(items)
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["nothing"]
    if len(columns) > COLUMNS_AT_MOST:
        raise ValueFault(
            f"The items of {table} have {len(columns)} different fields; {COLUMNS_AT_MOST} is the "
            "most. Put them in another form first."
        )
    names = ", ".join(map(quoted, columns))
    try:
        database.execute(f"CREATE TABLE {quoted(table)} ({names})")
    except sqlite3.Error as fault:
        raise ValueFault(f"The items of {table} make no table: {fault}. Rename a field.") from None
    marks = ", ".join("?" * len(columns))
    filling = f"INSERT INTO {quoted(table)} VALUES ({marks})"  # noqa: S608 - names are quoted
    database.execute("BEGIN")
    database.executemany(filling, ([_cell(row.get(name)) for name in columns] for row in rows))
    database.execute("COMMIT")


def only_read(database: sqlite3.Connection, goes_on: Callable[[], bool]) -> None:
    """Allow nothing but reading from now on, and that only as long as `goes_on` says so."""
    database.set_authorizer(_authorized)
    database.set_progress_handler(lambda: not goes_on(), STEPS)


def quoted(name: str) -> str:
    """Write a name so that SQL takes it for one, whatever it is."""
    return '"{}"'.format(name.replace('"', '""').replace("\0", ""))


def _authorized(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if (action, first) == (sqlite3.SQLITE_PRAGMA, "data_version"):
        return sqlite3.SQLITE_OK  # the full-text search asks itself whether anything has changed
    harmful = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _HARMFUL
    return sqlite3.SQLITE_OK if action in _ALLOWED and not harmful else sqlite3.SQLITE_DENY


def _cell(value: Any) -> Any:
    """Give a value as SQLite keeps it; what is nested is JSON, which its functions read."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, int | float | str | bytes | None) else str(value)
