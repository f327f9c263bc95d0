"""A list of objects as a table for reading (pure)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TABLE_ROWS = 100
TABLE_COLUMNS = 12
CELL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first rows and columns of a list of objects; `more_*` are left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more_rows: int
    more_columns: int


def table_of(encoded: str) -> Table | None:
    """Arrange an encoded value; None unless it is a list of objects that have something in them."""
    if not encoded.startswith("[{"):
        return None
    try:
        value = json.loads(encoded)
    except ValueError:
        return None
    if not all(isinstance(each, dict) for each in value):
        return None
    names = tuple(dict.fromkeys(name for each in value for name in each))
    return _arranged(value, names) if names else None


def _arranged(value: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> Table:
    columns = names[:TABLE_COLUMNS]
    return Table(
        columns=columns,
        rows=tuple(
            tuple(_cell(each[name]) if name in each else "" for name in columns)
            for each in value[:TABLE_ROWS]
        ),
        more_rows=max(0, len(value) - TABLE_ROWS),
        more_columns=max(0, len(names) - TABLE_COLUMNS),
    )


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
