"""An index of passages, kept as a file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from runner.errors import RunnerError, ValueFault
from runner.graph.artifact import Artifact
from runner.graph.ports import Chunks, Ports
from runner.graph.task import Task
from runner.library.search.words import index_in

MEDIA_TYPE = "application/vnd.sqlite3"


class Index(Task):
    """Indexes passages by their words, and keeps the index as a file to ask again and again.

    A passage is a mapping with `text`, often `topic`, and whatever else should come back with a
    hit. Passages that stream are indexed as they come. The index is SQLite's FTS5, with English
    endings taken off words; *Search an index* asks it.
    """

    name = "search.index"
    title = "Index passages"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Passages, as a list or as a stream."""

        passages: Chunks[dict[str, Any]]

    class Outputs(Ports):
        """The index, and how many passages it has."""

        index: Artifact
        count: int

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Index each passage as it comes."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            count = index_in(database, _checked(inputs.passages, context))
            content = database.serialize()
        return {"index": context.save_artifact(content, "index.sqlite", MEDIA_TYPE), "count": count}


def _checked(passages: Any, context: Any) -> Iterator[dict[str, Any]]:
    for number, passage in enumerate(passages):
        if context.cancelled:
            raise RunnerError("Stopped before the last passage.")
        if not isinstance(passage.get("text"), str):
            raise ValueFault(f"Passage {number} has no text; give each a field `text`.")
        yield passage
