"""SQL over items: what it finds, what it refuses, and what stops it."""

import asyncio
from decimal import Decimal

import pytest

from runner import GraphBuilder, TaskGraphRunner, TaskRunner
from runner.errors import RunFault, ValueFault
from runner.library.sql.query import Query
from tests.runner.library.flowing import cancelled

TREES = [
    {"kind": "oak", "age": 80, "at": {"town": "Ulm"}},
    {"kind": "ash", "age": 20, "at": {"town": "Ulm"}, "ill": True},
    {"kind": "oak", "age": 40},
]
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
COUNTED = ENDLESS.replace("SELECT x FROM c", "SELECT count(*) AS n FROM c")


class QueryHere(Query):
    """Asks in a thread of this process."""

    place = "thread"  # type: ignore[assignment]  # elsewhere than its base, on purpose


async def rows(sql, parameters=None, *, query=QueryHere, **config):
    """Ask the trees; give the rows."""
    given = {"items": TREES} | ({"parameters": parameters} if parameters else {})
    return (await TaskRunner().run(query({"sql": sql} | config), given))["rows"]


@pytest.mark.parametrize("query", [Query, QueryHere])
async def test_a_question_is_asked_wherever_its_body_runs(query):
    """8.2."""
    assert await rows("SELECT count(*) AS trees FROM items", query=query) == [{"trees": 3}]


@pytest.mark.parametrize(
    ("sql", "parameters", "found"),
    [
        (
            "SELECT kind, sum(age) AS years FROM items GROUP BY kind ORDER BY kind",
            {},
            [{"kind": "ash", "years": 20}, {"kind": "oak", "years": 120}],
        ),
        ("SELECT kind FROM items WHERE age < :most", {"most": 30}, [{"kind": "ash"}]),
        ("SELECT json_extract(at, '$.town') AS town FROM items LIMIT 1", {}, [{"town": "Ulm"}]),
        ("SELECT ill FROM items WHERE ill IS NOT NULL", {}, [{"ill": 1}]),
        ("SELECT 1 AS one WHERE 0", {}, []),
    ],
)
async def test_a_question_finds_rows(sql, parameters, found):
    assert await rows(sql, parameters) == found


async def test_several_tables_are_joined():
    sql = "SELECT a.n, b.t FROM a JOIN b ON a.n = b.n"
    it = QueryHere({"sql": sql, "tables": ["a", "b"]})
    found = await TaskRunner().run(it, {"a": [{"n": 1}, {"n": 2}], "b": [{"n": 2, "t": "x"}]})
    assert found == {"rows": [{"n": 2, "t": "x"}]}


async def test_odd_names_large_numbers_and_no_items_are_taken():
    sql = 'SELECT "a ""b" AS it, big FROM items'
    given = {"items": [{'a "b': 1, "big": 10**30}]}
    assert (await TaskRunner().run(QueryHere({"sql": sql}), given))["rows"] == [
        {"it": 1, "big": str(10**30)}
    ]
    it = QueryHere({"sql": "SELECT count(*) AS n FROM items"})
    assert (await TaskRunner().run(it, {"items": []}))["rows"] == [{"n": 0}]


async def test_decimals_are_numbers_that_add_up():
    given = {"items": [{"price": Decimal("1.50")}, {"price": Decimal("2.25")}]}
    it = QueryHere({"sql": "SELECT sum(price) AS total FROM items"})
    assert (await TaskRunner().run(it, given))["rows"] == [{"total": 3.75}]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE items",
        "INSERT INTO items VALUES (1, 2, 3, 4)",
        "UPDATE items SET age = 1",
        "CREATE TABLE t (a)",
        "ATTACH '/tmp/x.db' AS x",
        "PRAGMA temp_store_directory = '/'",
        "VACUUM INTO '/tmp/x.db'",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "BEGIN",
    ],
)
async def test_a_query_only_reads(sql):
    with pytest.raises(RunFault, match=r"can only read its tables|authorization denied"):
        await rows(sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC", 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT a FROM other", "no such table: other. It may read items; see the setting"),
        ("SELECT age, age FROM items", "Two columns of the result are called 'age'; rename one"),
        ("SELECT :most", "failed"),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("SELECT 'a' LIKE '%" + "a%" * 60 + "'", "pattern too complex"),
    ],
)
async def test_what_cannot_be_found_gets_a_sentence(sql, said):
    with pytest.raises(RunFault, match=said):
        await rows(sql)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"sql": " "}, "needs a question"),
        ({"sql": "SELECT 1", "tables": ["parameters"]}, "is no name for a table"),
        ({"sql": "SELECT 1", "tables": ["a b"]}, "'a b' is no name for a table"),
        ({"sql": "SELECT 1", "tables": ["a", "a"]}, "Two tables are called 'a'"),
        ({"sql": "SELECT 1", "seconds": 0}, "at least 0.1"),
    ],
)
def test_faulty_settings_are_refused_when_they_are_drawn(config, said):
    with pytest.raises(ValueFault, match=said):
        Query(config)


async def test_too_many_fields_are_refused():
    wide = [{f"c{number}": 1 for number in range(501)}]
    with pytest.raises(RunFault, match="501 different fields; 500 is the most"):
        await TaskRunner().run(QueryHere({"sql": "SELECT 1"}), {"items": wide})


async def test_fields_that_sql_cannot_tell_apart_are_refused():
    with pytest.raises(RunFault, match="The items of items make no table: duplicate column name"):
        await TaskRunner().run(QueryHere({"sql": "SELECT 1"}), {"items": [{"age": 1, "Age": 2}]})


async def test_a_query_without_end_is_stopped_in_time():
    with pytest.raises(RunFault, match=r"takes longer than 0\.3 s; let it read less"):
        await rows(COUNTED, seconds=0.3)


async def test_a_query_takes_no_more_memory_than_it_may():
    """JSON that is put together row by row heeds no limit of SQLite's."""
    large = "printf('%.*c', 8000000, 'x')"
    bomb = f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) SELECT json_group_array({large}) FROM n"  # noqa: S608
    with pytest.raises(RunFault, match=r"needs more than 1,024 MiB of memory"):
        await rows(bomb, seconds=60, query=Query)


def endless(sql):
    """Start a run of a query that never ends."""
    graph = GraphBuilder("endless")
    drawn = graph.add("it", Query({"sql": sql, "seconds": 60}), items=[])
    graph.output("rows", drawn.rows)
    return TaskGraphRunner().start(graph.as_task())


async def test_the_first_row_flows_on_before_the_last_is_found_and_a_cancel_ends_it():
    run = endless(ENDLESS)
    async for row in run.stream("rows"):
        assert row == {"x": 1}
        break
    assert await cancelled(run) < 1


async def test_a_query_that_finds_nothing_for_long_ends_with_a_cancel():
    run = endless(COUNTED)
    async for event in run.events():
        if event.kind == "TaskStarted":
            break
    await asyncio.sleep(0)
    assert await cancelled(run) < 1
