"""SQL over lists of items."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from runner.errors import RunnerError, ValueFault
from runner.graph.dataflow import PORT_PATTERN
from runner.graph.ports import Port, Ports, Stream
from runner.graph.task import Task
from runner.library.sql.memory import fill, only_read, opened

PARAMETERS = "parameters"


class Query(Task):
    """Asks lists of items a question in SQL, in a database in memory.

    Each name under `tables` is an input: a list of mappings, whose fields become columns.
    `SELECT town, count(*) AS trees FROM items WHERE age > :least GROUP BY town` with the table
    `items` and `{"least": 30}` as `parameters`. Lists and mappings inside of items are JSON texts,
    read with `json_extract` and its like. Rows stream as they are found, each a mapping by column.
    It is SQLite's SQL, and only reads: no other database, no file. It is carried out in a process
    of its own, and stopped after `seconds`, beyond a gibibyte of memory, and when the run is
    cancelled.
    """

    name = "sql.query"
    title = "SQL over items"
    effect = "none"
    blocking = True
    place = "process"
    memory = 1 << 30

    class Outputs(Ports):
        """The rows that were found."""

        rows: list[dict[str, Any]]

    class Config(Ports):
        """The question, the tables that it reads, and its time."""

        sql: Annotated[
            str, Field(max_length=20_000, title="SQL", json_schema_extra={"ui": "multiline"})
        ]
        tables: Annotated[list[str], Field(min_length=1, max_length=20, title="Tables")] = ["items"]
        seconds: Annotated[float, Field(ge=0.1, le=600, title="Seconds at most")] = 10.0

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Make a port for each table; raises ValueFault with a sentence."""
        super().__init__(config)
        if not self.config.sql.strip():
            raise ValueFault(f"{self.title} needs a question in its setting SQL.")
        self.inputs = {name: self._table(name) for name in self.config.tables}
        self.inputs[PARAMETERS] = Port(
            name=PARAMETERS,
            type=dict[str, Any],
            required=False,
            default="{}",
            title="Parameters",
            owner=self.title,
        )

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first row."""
        return {"rows": Stream()}

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Give the values as they are, by name."""
        return values

    def execute(self, inputs: Any, context: Any) -> None:
        """Fill the tables, ask, stream the rows."""
        end = time.monotonic() + self.config.seconds
        with closing(opened()) as database:
            for table in self.config.tables:
                fill(database, table, inputs[table])
            only_read(database, lambda: time.monotonic() < end and not context.cancelled)
            try:
                for row in self._rows(database, inputs.get(PARAMETERS) or {}):
                    context.push_chunk("rows", row)
            except sqlite3.Error as fault:
                raise RunnerError(self._sentence(fault, late=time.monotonic() >= end)) from None

    def _rows(
        self, database: sqlite3.Connection, parameters: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        found = database.execute(self.config.sql, dict(parameters))
        columns = [each[0] for each in found.description or ()]
        for name in columns:
            if columns.count(name) > 1:
                raise RunnerError(
                    f"Two columns of the result are called '{name:.80}'; rename one with AS."
                )
        for row in found:
            yield dict(zip(columns, row, strict=True))

    def _sentence(self, fault: sqlite3.Error, *, late: bool) -> str:
        said = str(fault)
        if "interrupted" in said:
            return (
                f"The query takes longer than {self.config.seconds:g} s; let it read less, or "
                "raise the setting Seconds at most."
                if late
                else "The query was stopped."
            )
        if "not authorized" in said or "prohibited" in said:
            return "A query can only read its tables; begin it with SELECT or WITH."
        if "no such table" in said:
            tables = ", ".join(self.config.tables)
            return f"The query failed: {said}. It may read {tables}; see the setting Tables."
        return f"The query failed: {said.rstrip('.')}."

    def _table(self, name: str) -> Port:
        if not PORT_PATTERN.fullmatch(name) or name == PARAMETERS:
            raise ValueFault(
                f"'{name:.80}' is no name for a table; use letters, digits and underscores, and "
                f"not '{PARAMETERS}'."
            )
        if self.config.tables.count(name) > 1:
            raise ValueFault(f"Two tables are called '{name}'; rename one.")
        title = name.replace("_", " ").capitalize()
        return Port(name=name, type=list[dict[str, Any]], title=title, owner=self.title)
