"""How passages are indexed by their words, and asked for (FTS5, BM25)."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_TABLE = "CREATE VIRTUAL TABLE passages USING fts5(topic, text, rest UNINDEXED, tokenize='porter')"
_FILLING = "INSERT INTO passages VALUES (?, ?, ?)"
_ASKING = (
    "SELECT topic, text, rest, -bm25(passages) FROM passages WHERE passages MATCH ? "
    "ORDER BY bm25(passages), rowid LIMIT ?"
)


def index_in(database: sqlite3.Connection, passages: Iterable[Mapping[str, Any]]) -> int:
    """Index passages with `text`, maybe `topic`, and whatever else they have; give how many."""
    database.execute(_TABLE)
    database.execute("BEGIN")
    filled = database.executemany(_FILLING, (_row(each) for each in passages))
    database.execute("COMMIT")
    return max(0, filled.rowcount)


def hits_in(database: sqlite3.Connection, words: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Give the passages that fit best, with what they had and their `score`, best first."""
    if not words:
        return []
    rows = database.execute(_ASKING, (_match(words), limit)).fetchall()
    return [
        {**json.loads(rest or "{}"), "topic": topic, "text": text, "score": score}
        for topic, text, rest, score in rows
    ]


def _row(passage: Mapping[str, Any]) -> tuple[str, str, str]:
    rest = {name: each for name, each in passage.items() if name not in {"topic", "text", "score"}}
    told = json.dumps(rest, ensure_ascii=False, default=str) if rest else ""
    return str(passage.get("topic", "")), str(passage.get("text", "")), told


def _match(words: Sequence[str]) -> str:
    """Quote each word: a question may hold words that FTS5 would take for operators."""
    return " OR ".join('"{}"'.format(word.replace('"', '""')) for word in words)
