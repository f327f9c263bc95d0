"""A question to an index of passages."""

import sqlite3
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from runner.errors import RunnerError
from runner.graph.artifact import Artifact
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.library.search.words import hits_in
from runner.library.sql.memory import only_read, opened
from runner.library.text.keywords import keywords_of

LARGEST = 256 << 20
_BEGINNING = b"SQLite format 3\0"


class Search(Task):
    """Finds the passages of an index that fit a question best.

    The words of the question that say little are left out; a passage that has more of the others,
    and rarer ones, comes first (BM25). Hits have what their passage had, and `score`.
    """

    name = "search.query"
    title = "Search an index"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """An index of *Index passages*, and a question in plain words."""

        index: Artifact
        query: str

    class Outputs(Ports):
        """The best passages, best first."""

        hits: list[dict[str, Any]]

    class Config(Ports):
        """How many to give."""

        limit: Annotated[int, Field(ge=1, le=100, title="Hits at most")] = 5

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Open the index and ask it; it is a file that anybody may have made, so it only reads."""
        content = _content(inputs.index)
        with closing(opened()) as database:
            try:
                database.deserialize(content)
                database.execute("SELECT rowid FROM passages LIMIT 1").fetchall()  # FTS5 opens it
                only_read(database, lambda: not context.cancelled)
                hits = hits_in(database, keywords_of(inputs.query), self.config.limit)
            except (sqlite3.Error, ValueError):
                raise RunnerError(_no_index(inputs.index)) from None
        return {"hits": hits}


def _content(index: Artifact) -> bytes:
    if index.size > LARGEST:
        raise RunnerError(f"The index '{index.name:.80}' is larger than {LARGEST >> 20} MiB.")
    with index.open() as opened_file:
        content: bytes = opened_file.read()
    if not content.startswith(_BEGINNING):
        raise RunnerError(_no_index(index))
    return content


def _no_index(index: Artifact) -> str:
    return f"'{index.name:.80}' is no index of passages; make one with Index passages."
