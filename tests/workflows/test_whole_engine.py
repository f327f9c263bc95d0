"""The whole engine over the database, and the pages of what it did."""

from typing import Any

import pytest

from runner.graph.values import decode
from tests.drive import definition_of
from tests.tasks import EXECUTED
from tests.workflows.served import Served, in_thread, statuses_of
from workflows.models import Run, Workflow
from workflows.reading import rows_of
from workflows.results import results_of
from workflows.streamed import streams_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def serve(tmp_path):
    """Start processes, one after the other."""
    begun = []

    def start():
        begun.append(Served(tmp_path))
        return begun[-1]

    yield start
    for each in begun:
        await each.stop()


@pytest.fixture
def start(team, alice):
    """Start a run of a definition; `used` is a workflow that it may name."""

    def start(definition, used=None):
        workflow = Workflow.objects.create(team=team, name="whole", created_by=alice)
        if used is not None:
            other = Workflow.objects.create(team=team, name="used", created_by=alice)
            other.revise(used, alice)
        return Run.objects.start(workflow.revise(definition, alice), alice, {})

    return lambda *given: in_thread(lambda: start(*given))


def number(name, value=1):
    return {"id": name, "type": "test.number", "inputs": {"value": value}}


def add(name, *values):
    return {"id": name, "type": "test.add", "inputs": {"values": list(values)}}


def inner(*tasks, flows=(), inputs=(), **outputs):
    """Give the graph of a control."""
    return {
        "inputs": [{"name": name, "type": kind} for name, kind in inputs],
        "tasks": list(tasks),
        "dataflows": [{"from": source, "to": target} for source, target in flows],
        "outputs": [{"name": name, "from": source} for name, source in outputs.items()],
    }


CONDITION = {"port": "value", "is": "==", "value": 1}
EVERYTHING = definition_of(
    [
        number("one"),
        {
            "id": "choose",
            "type": "flow.branch",
            "config": {"branches": [{"name": "yes", "if": CONDITION}], "otherwise": "no"},
        },
        {"id": "taken", "type": "test.add"},
        {"id": "left", "type": "flow.merge"},
        {"id": "merged", "type": "flow.merge"},
        {
            "id": "each",
            "type": "flow.map",
            "config": {"over": ["n"]},
            "inputs": {"n": [1, 2, 3]},
            "graph": inner(
                {"id": "x", "type": "test.number"},
                flows=[("$inputs.n", "x.value")],
                inputs=[("n", "int")],
                all="x.result",
            ),
        },
        {
            "id": "loop",
            "type": "flow.while",
            "config": {"condition": {"port": "n", "is": "<", "value": 4}},
            "inputs": {"n": 1},
            "graph": inner(
                number("step"),
                {"id": "next", "type": "test.add"},
                flows=[("$inputs.n", "next.values"), ("step.result", "next.values")],
                inputs=[("n", "int")],
                n="next.result",
            ),
        },
        {
            "id": "fb",
            "type": "flow.fallback",
            "graph": inner({"id": "bad", "type": "test.fail"}, {"id": "good", "type": "test.emit"}),
        },
        {"id": "sub", "type": "flow.subgraph", "config": {"workflow": "used"}},
        {"id": "risky", "type": "test.fail"},
        {"id": "said", "type": "test.fault"},
    ],
    [
        ("one.result", "choose.value"),
        ("choose.yes", "taken.values"),
        ("choose.no", "left.values"),
        ("taken.result", "merged.values"),
        ("left.value", "merged.values"),
        ("risky.[error]", "said.fault"),
    ],
    outputs={"merged": "merged.value", "said": "said.result", "sub": "sub.sum"},
)
USED = definition_of([number("a", 7), add("b", 1)], outputs={"sum": "a.result"})


def opened(client, run):
    """Open the page of a run and of all its tasks; give the texts by path."""
    address = f"/runs/{run.pk}/"
    pages = {view: client.get(f"{address}?view={view}") for view in ("tree", "graph")}
    for path in run.task_runs.values_list("path", flat=True):
        pages[path] = client.get(f"{address}tasks/{path}/")
    assert {path: page.status_code for path, page in pages.items() if page.status_code != 200} == {}
    return {path: page.content.decode() for path, page in pages.items()}


async def test_every_control_runs_and_is_shown(serve, start, client_of, alice):
    """Engine 1.4, 3.3, 8.1."""
    run = await start(EVERYTHING, USED)
    row = await serve().until(run, "completed", "failed")
    assert decode(row.outputs) == {"merged": 1, "said": "no such luck", "sub": 7}
    statuses = await in_thread(lambda: statuses_of(row))
    shapes = await in_thread(lambda: {path: each.shape for path, each in rows_of(row).items()})
    pages = await in_thread(lambda: opened(client_of(alice), row))
    assert (row.handled, statuses["risky"], statuses["left"]) == (1, "failed", "skipped")
    assert (shapes["choose"], shapes["each"], shapes["loop"]) == ("→ yes", "×3", "3 turns")
    assert shapes["fb"] == "alternative 2"
    assert "1 handled error" in pages["tree"]
    assert "1 failed" not in pages["tree"]
    assert "Another task deals with its error" in pages["risky"]


async def test_a_port_that_passes_a_stream_on_shows_it(serve, start):
    """Engine 4.6: the stream is that of the task inside or before, and is kept once."""
    emit = {"id": "emit", "type": "test.emit", "inputs": {"count": 3}}
    passing = [
        emit,
        number("n"),
        {
            "id": "choose",
            "type": "flow.branch",
            "config": {"branches": [{"name": "yes", "if": {"port": "n", "is": "==", "value": 1}}]},
        },
        {"id": "merged", "type": "flow.merge"},
        {
            "id": "fb",
            "type": "flow.fallback",
            "graph": inner({"id": "x", "type": "test.fail"}, emit),
        },
        {"id": "sub", "type": "flow.subgraph", "config": {"workflow": "used"}},
    ]
    flows = [("emit.numbers", "choose.value"), ("n.result", "choose.n")]
    flows += [("choose.yes", "merged.values")]
    used = definition_of([emit], outputs={"all": "emit.numbers"})
    run = await start(definition_of(passing, flows, outputs={"m": "merged.value"}), used)
    row = await serve().until(run, "completed", "failed")

    def shown(path):
        return [(each.shown_as, each.path, each.next) for each in streams_of(row, path)]

    seen = await in_thread(
        lambda: {path: shown(path) for path in ("choose", "merged", "fb", "sub")}
    )
    (result,) = await in_thread(lambda: list(results_of(row)))
    assert seen == {
        "choose": [("yes", "emit", 3)],
        "merged": [("value", "emit", 3)],
        "fb": [("numbers", "fb/emit", 3)],
        "sub": [("all", "sub/emit", 3)],
    }
    assert (result.path, result.stream.path, result.stream.next) == ("merged", "emit", 3)


FIELD = {"name": "name", "type": "str"}
ASK = {"id": "ask", "type": "flow.ask", "config": {"kind": "input", "fields": [FIELD]}}


async def test_an_answer_wakes_the_run_that_waits_for_it(serve, start, client_of, alice):
    """Engine 5.1, 6.3."""
    run = await start(definition_of([ASK], outputs={"answer": "ask.answer"}))
    served = serve()
    row = await served.until(run, "awaiting")
    pages = await in_thread(lambda: opened(client_of(alice), row))
    given = {"path": "ask", "value": {"name": "Ada"}}
    assert await in_thread(lambda: row.request("answer", alice, given))
    row = await served.until(run, "completed")
    assert "waits for an answer" in pages["tree"]
    assert decode(row.outputs) == {"answer": {"name": "Ada"}}
    assert (await in_thread(lambda: row.task_runs.get(path="ask"))).reason == ""


async def test_what_failed_stays_failed_when_the_process_is_another(serve, start, alice):
    """Engine 5.4."""
    failing = [{"id": "bad", "type": "test.fail"}, {"id": "after", "type": "test.total"}]
    run = await start(definition_of([ASK, *failing], [("bad.numbers", "after.numbers")]))
    served = serve()
    await served.until(run, "awaiting")
    await served.stop()
    await serve().until(run, "awaiting")
    statuses = await in_thread(lambda: statuses_of(run))
    assert statuses == {"ask": "awaiting", "bad": "failed", "after": "upstream-failed"}


async def test_a_rerun_takes_over_results_and_streams(serve, start, client_of, alice):
    """Engine 7.6."""
    tasks: list[dict[str, Any]] = [
        {"id": "emit", "type": "test.emit", "inputs": {"count": 3}},
        {"id": "total", "type": "test.total"},
    ]
    run = await start(
        definition_of(tasks, [("emit.numbers", "total.numbers")], outputs={"t": "total.result"})
    )
    served = serve()
    row = await served.until(run, "completed")
    EXECUTED.clear()
    again = await in_thread(
        lambda: Run.objects.start(row.version, alice, {}, parent=row, kept=["emit"])
    )
    served.runner.wake()
    row = await served.until(again, "completed", "failed")
    assert (row.status, decode(row.outputs)) == ("completed", {"t": 3})
    assert [path for _, path in EXECUTED] == ["total"]
    statuses = await in_thread(lambda: statuses_of(row))
    assert statuses == {"emit": "cached", "total": "completed"}
    pages = await in_thread(lambda: opened(client_of(alice), row))
    assert "kept from an earlier run" in pages["emit"]
    assert "3 chunks" in pages["emit"]


async def test_a_paused_run_starts_nothing_until_it_is_continued(serve, start, alice):
    """Engine 5.1."""
    after = {"id": "after", "type": "flow.merge"}
    run = await start(definition_of([ASK, after], [("ask.answer", "after.values")]))
    served = serve()
    await served.until(run, "awaiting")
    assert await in_thread(lambda: run.request("pause", alice))
    row = await served.until(run, "paused")
    given = {"path": "ask", "value": {"name": "Ada"}}
    assert await in_thread(lambda: row.request("answer", alice, given))
    await served.has(run, ask="completed")
    assert await in_thread(lambda: statuses_of(run)) == {"ask": "completed"}
    assert await in_thread(lambda: row.request("continue", alice))
    await served.until(run, "completed")


async def test_a_pause_outlives_the_process(serve, start, alice):
    """Engine 5.1."""
    run = await start(definition_of([ASK]))
    served = serve()
    await served.until(run, "awaiting")
    assert await in_thread(lambda: run.request("pause", alice))
    await served.until(run, "paused")
    await served.stop()
    assert (await in_thread(lambda: Run.objects.get(pk=run.pk))).status == "paused"
    served = serve()
    row = await served.until(run, "paused")
    assert await in_thread(lambda: row.request("continue", alice))
    await served.until(run, "awaiting")


async def test_a_rerun_takes_over_a_stream_without_a_chunk(serve, start, alice):
    """Engine 7.6."""
    none = {"id": "none", "type": "test.emit", "inputs": {"count": 0}}
    run = await start(definition_of([none, number("n")], outputs={"n": "none.numbers"}))
    served = serve()
    row = await served.until(run, "completed")
    again = await in_thread(
        lambda: Run.objects.start(row.version, alice, {}, parent=row, kept=["none"])
    )
    served.runner.wake()
    row = await served.until(again, "completed", "failed")
    assert (row.status, decode(row.outputs)) == ("completed", {"n": []})


async def test_the_first_to_complete_wins_a_race(serve, start):
    """Engine 8.1; FirstOf.settle has no winner yet when it has just unfolded."""
    race = {
        "id": "race",
        "type": "flow.first_of",
        "graph": inner({"id": "slow", "type": "test.hang"}, number("fast")),
    }
    run = await start(definition_of([race], outputs={"r": "race.result"}))
    row = await serve().until(run, "completed", "failed")
    assert decode(row.outputs) == {"r": 1}
    rows = await in_thread(lambda: rows_of(row))
    assert rows["race"].shape == "won by fast"
