"""Passages ranked by the words they share with a question."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports
from runner.graph.task import Task

QUERY = (
    "SELECT topic, text, -bm25(passages) FROM passages WHERE passages MATCH ? "
    "ORDER BY bm25(passages), rowid LIMIT ?"
)


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
        if not inputs.keywords:
            return {"hits": []}
        with closing(sqlite3.connect(":memory:")) as index:
            _fill(index, inputs.passages)
            rows = index.execute(QUERY, (_match(inputs.keywords), inputs.limit)).fetchall()
        return {
            "hits": [{"topic": topic, "text": text, "score": score} for topic, text, score in rows]
        }


def _fill(index: sqlite3.Connection, passages: Sequence[dict[str, str]]) -> None:
    index.execute("CREATE VIRTUAL TABLE passages USING fts5(topic, text, tokenize='porter')")
    rows = [(each.get("topic", ""), each.get("text", "")) for each in passages]
    index.executemany("INSERT INTO passages VALUES (?, ?)", rows)


def _match(keywords: Sequence[str]) -> str:
    """Quote each word: a question may hold words that FTS5 would take for operators."""
    return " OR ".join('"{}"'.format(word.replace('"', '""')) for word in keywords)
