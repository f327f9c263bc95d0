"""An index of passages, kept as a file and asked."""

import asyncio
import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from runner import GraphBuilder, TaskGraphRunner, TaskRunner
from runner.errors import RunFault, RunnerError
from runner.execution.artifacts import MemoryArtifacts, RunArtifacts
from runner.execution.host import Host
from runner.library.search import query as search_query
from runner.library.search.index import Index
from runner.library.search.query import Search
from tests.runner.library.flowing import cancelled, fed, listed

PASSAGES: list[dict[str, Any]] = [
    {"topic": "files", "text": "Open a file, then read it line by line.", "page": 3},
    {"topic": "rivers", "text": "A river parts, and its arms meet again."},
]


async def hits(query, passages=PASSAGES, **config) -> list[Any]:
    """Index passages, ask, give the hits."""
    graph = GraphBuilder("asked")
    index = graph.add("index", Index, passages=graph.input("passages", "list[any]"))
    asked = graph.add("ask", Search(config), index=index.index, query=query)
    graph.output("hits", asked.hits)
    run = TaskGraphRunner().start(graph.as_task(), {"passages": passages})
    found: list[Any] = (await run.outputs())["hits"]
    return found


async def test_a_hit_has_what_its_passage_had_and_a_score():
    (hit,) = await hits("How do I read files?")
    assert (hit["topic"], hit["page"], hit["text"]) == ("files", 3, PASSAGES[0]["text"])
    assert hit["score"] > 0


@pytest.mark.parametrize("query", ["", "xyzzy", "AND NOT *", '"'])
async def test_nothing_that_fits_gives_nothing(query):
    assert await hits(query) == []


async def test_no_more_hits_than_set():
    assert len(await hits("open file, or a river?", limit=1)) == 1


async def test_a_passage_without_a_text_is_named():
    with pytest.raises(RunFault, match="Passage 1 has no text; give each a field `text`"):
        await listed(Index(), [PASSAGES[0], {"topic": "x"}], "passages")


def test_a_cancelled_index_stops_at_the_next_passage():
    inputs = SimpleNamespace(passages=PASSAGES)
    with pytest.raises(RunnerError, match="Stopped before the last passage"):
        Index().execute(inputs, SimpleNamespace(cancelled=True))


async def test_an_index_of_a_stream_that_never_ends_can_be_left():
    run = fed(Index(), "passages", PASSAGES, "count")
    await asyncio.sleep(0)
    assert await cancelled(run) < 1


def _other_database():
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE other (a)")
        return database.serialize()


def _trap():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE VIEW passages AS SELECT load_extension('x') AS rowid")
        return database.serialize()


@pytest.mark.parametrize(
    "content", [b"", b"no index", b"SQLite format 3\0" + b"x" * 600, _other_database(), _trap()]
)
async def test_a_file_that_is_no_index_gets_a_sentence(content):
    host = Host(artifacts=MemoryArtifacts())
    file = RunArtifacts(host.artifacts, "").save(content, "mine.db", "application/octet-stream")
    with pytest.raises(RunFault, match=r"'mine\.db' is no index of passages; make one with Index"):
        await TaskRunner(host=host).run(Search(), {"index": file, "query": "read"})


async def test_an_index_that_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(search_query, "LARGEST", 1 << 20)
    host = Host(artifacts=MemoryArtifacts())
    file = RunArtifacts(host.artifacts, "").save(bytes((1 << 20) + 1), "mine.db", "")
    with pytest.raises(RunFault, match=r"The index 'mine\.db' is larger than 1 MiB"):
        await TaskRunner(host=host).run(Search(), {"index": file, "query": "read"})
