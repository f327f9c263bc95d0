"""Passages ranked by the words they share with a question."""

import sqlite3
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.library.search.words import hits_in, index_in


class Rank(Task):
    """Finds the passages that fit keywords best: BM25, in an index that lives in memory."""

    name = "search.rank"
    title = "Rank passages"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Passages with `topic` and `text`, and what to look for."""

        passages: list[dict[str, str]]
        keywords: list[str]
        limit: Annotated[int, Field(ge=1, le=100)] = 5

    class Outputs(Ports):
        """The best passages with `topic`, `text` and `score`, best first."""

        hits: list[dict[str, Any]]

    def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Index, search, forget."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            index_in(database, inputs.passages)
            return {"hits": hits_in(database, inputs.keywords, inputs.limit)}
