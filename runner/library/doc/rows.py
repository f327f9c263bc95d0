"""CSV, row by row, and JSON, item by item."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from runner.errors import RunnerError
from runner.library.doc.parts import Document, Part, text_in

_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 1 << 20


def read_csv(content: bytes) -> Document:
    """Give a part for each row: a mapping by the names in the first row.

    What parts its fields is what parts the first row: , ; | or a tab. Raises RunnerError."""
    text = text_in(content)
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader, []))
    except csv.Error as fault:
        raise _broken(1, fault) from None
    meta = {"kind": "csv", "columns": columns, "delimiter": delimiter, "rows": 0}
    return Document(parts=_rows(reader, columns, meta), meta=meta)


def _columns(row: list[str]) -> list[str]:
    """Name every column, and no two of them alike."""
    named: list[str] = []
    for number, said in enumerate(row, start=1):
        name = said.strip() or f"column_{number}"
        named.append(name if name not in named else f"{name}_{number}")
    return named


def _rows(reader: Any, columns: list[str], meta: dict[str, Any]) -> Iterator[Part]:
    try:
        for row in reader:
            if not any(row):
                continue
            if len(row) > len(columns):
                raise RunnerError(
                    f"Line {reader.line_num} has {len(row)} fields, and the first line names "
                    f"{len(columns)}; quote what holds a '{meta['delimiter']}'."
                )
            cells = row + [""] * (len(columns) - len(row))
            meta["rows"] += 1
            yield Part(text="\t".join(row) + "\n", items=(dict(zip(columns, cells, strict=True)),))
    except csv.Error as fault:
        raise _broken(reader.line_num, fault) from None


def _broken(line: int, fault: csv.Error) -> RunnerError:
    return RunnerError(f"This is no CSV at line {line}: {fault}.")


def read_json(content: bytes) -> Document:
    """Give the items of a list, a part each, or any other value as one. Raises RunnerError."""
    text = text_in(content)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, character {fault.colno}"
        raise RunnerError(f"This is no JSON at {place}: {fault.msg}.") from None
    except (RecursionError, ValueError):
        raise RunnerError("This JSON nests too deeply, or holds a number too long.") from None
    items = value if isinstance(value, list) else [value]
    parts = (Part(text=_line(each), items=(each,)) for each in items)
    return Document(parts=parts, meta={"kind": "json", "items": len(items)})


def _line(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)) + "\n"
