"""The workloads in miniature: what they measure must be right, how long it takes is no claim."""

import contextlib
import sqlite3
import time

import pytest

from tests.benchmarks.beside import tick
from tests.benchmarks.database import (
    add_people,
    checkpoints_of,
    chunks_of,
    run_in_database,
    statuses_of,
)
from tests.benchmarks.driving import run_in_memory
from tests.benchmarks.floors import BarePostgres, bare, bare_durable, bare_stream, sqlite_rows
from tests.benchmarks.measuring import FLOOR, Row, percentile, rows_of
from tests.benchmarks.resuming import STEPS, resume
from tests.benchmarks.shapes import chain, definition, fan, layers, streaming_definition
from tests.benchmarks.table import said, write
from tests.benchmarks.w6_kill import kill_and_go_on
from tests.benchmarks.w7_pages import VIEWS, names
from tests.benchmarks.w7_pages import page as page_of
from tests.benchmarks.w7_watch import outboxes, queues
from tests.benchmarks.w9_editor import acts, bare_acts, drawing
from tests.benchmarks.waiting_line import PLACES, pass_through
from tests.databases import postgres_database, why_no_postgres
from workflows.models.drafting import DraftAct, WorkflowDraft

SHAPES = [chain(20), fan(20), layers(4, 5)]
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def gap_free(seqs):
    """Whether events are numbered from 1 without gap."""
    return seqs == list(range(1, len(seqs) + 1))


@EACH_SHAPE
def test_the_floors_do_the_same_work(shape, tmp_path):
    """A floor that leaves work out would flatter nobody but itself."""
    expected = list(shape.expected().values())
    assert bare(shape)[1] == expected
    for strict, synchronous in ((True, "NORMAL"), (False, "FULL")):
        rows = sqlite_rows(tmp_path, synchronous)
        assert bare_durable(shape, rows, strict=strict)[1] == len(shape)


@pytest.mark.skipif(bool(why_no_postgres()), reason=why_no_postgres() or "-")
@EACH_SHAPE
def test_the_floor_on_a_server_does_the_same_work(shape):
    """W4 on PostgreSQL."""
    with postgres_database() as url:
        for strict in (True, False):
            assert bare_durable(shape, BarePostgres(url), strict=strict)[1] == len(shape)


@EACH_SHAPE
def test_every_task_gives_its_value_in_memory(shape):
    """W1 to W3."""
    ran = run_in_memory(definition(shape))
    assert ran.values == shape.expected()
    assert ran.outputs == {"result": shape.expected()[shape.path(len(shape) - 1)]}
    assert gap_free(ran.seqs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("effect", ["none", "repeatable"])
@EACH_SHAPE
def test_every_task_is_kept_in_the_database(shape, effect, tmp_path):
    """W4: one checkpoint and one row a task, and a log without gap."""
    add_people()
    ran = run_in_database(definition(shape, effect), tmp_path)
    assert ran.values == shape.expected()
    assert ran.outputs == {"result": shape.expected()[shape.path(len(shape) - 1)]}
    assert gap_free(ran.seqs)
    assert set(statuses_of(ran.run).values()) == {"completed"}
    assert statuses_of(ran.run).keys() == checkpoints_of(ran.run).keys() == ran.values.keys()


@pytest.mark.django_db(transaction=True)
def test_a_resumed_run_goes_on_where_it_was(tmp_path):
    """What a first owner kept is taken over; the rest is run."""
    add_people()
    shape = layers(4, 5)
    seconds, ran = resume(shape, 10, tmp_path)
    assert ran.values == shape.expected()
    assert gap_free(ran.seqs)
    assert seconds.keys() == STEPS.keys()


@pytest.mark.slow
def test_nothing_committed_runs_again_after_a_kill():
    """W6: counted outside of the engine."""
    recovery = kill_and_go_on(20)
    assert (recovery.status, recovery.again) == ("completed", [])
    assert recovery.committed in {8, 9}


def test_a_ticker_tells_how_late_the_loop_is():
    """It goes on beside a run, and ends with it."""
    late: list[float] = []
    run_in_memory(definition(layers(10, 10)), beside=lambda: tick(late))
    assert late
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 1.0) == 3.0


def test_a_line_passes_in_its_order():
    """A slot that is given back goes to the one who came first."""
    order = pass_through(50)
    assert sorted(order) == list(range(50))
    assert [each for each in order if each >= PLACES] == list(range(PLACES, 50))


def test_every_chunk_comes_through():
    """W5: the sink counts, and fails when one is out of order."""
    assert run_in_memory(streaming_definition(200)).outputs == {"result": 200}
    assert bare_stream(200)[2] == 200


@pytest.mark.django_db(transaction=True)
def test_every_chunk_is_kept(tmp_path):
    """W5 durable: four streams of 200 chunks."""
    add_people()
    ran = run_in_database(streaming_definition(200), tmp_path)
    assert ran.outputs == {"result": 200}
    assert chunks_of(ran.run) == {("source", 200), ("pass0", 200), ("pass1", 200), ("pass2", 200)}


def test_ratios_are_those_of_the_same_round(tmp_path):
    """A round that the machine slows down slows both, and their ratio stays."""
    figures = iter([9, 9, 2.0, 4.0, 10.0, 20.0])
    measures = {FLOOR: lambda: next(figures), "ours": lambda: next(figures)}
    floor, ours = rows_of("W0", measures, 2, unit="µs")
    assert ours.ratios.values == (2.0, 2.0)
    assert said(ours.series) == "12 [4 .. 20]"
    assert [Row.from_json(each.to_json()) for each in (floor, ours)] == [floor, ours]
    write([floor, ours], tmp_path / "bench.json")
    assert '"workload": "W0"' in (tmp_path / "bench.json").read_text()


async def test_frames_reach_every_page_by_the_floor_and_by_ours():
    """W7: each ends only when all its pages have taken the last frame."""
    assert await queues(3, 20) > 0
    assert await outboxes(3, 20) > 0


@pytest.mark.django_db(transaction=True)
def test_every_act_of_the_editor_is_kept(tmp_path):
    """W9: the acts are those that change something, and the floor keeps as many."""
    add_people()
    assert len(acts(drawing(30), 12, time.perf_counter)) == 12
    assert WorkflowDraft.objects.get().revision == DraftAct.objects.count() == 12
    assert len(bare_acts(drawing(30), tmp_path, 12, time.perf_counter)) == 12
    with contextlib.closing(sqlite3.connect(tmp_path / "editor.sqlite3")) as kept:
        assert kept.execute("SELECT count(*) FROM act").fetchone() == (12,)


@pytest.mark.django_db(transaction=True)
def test_the_pages_of_a_run_show_all_its_tasks(tmp_path):
    """W7: what is drawn, and its floor, name every task."""
    add_people()
    run = run_in_database(definition(layers(3, 4)), tmp_path).run
    for html in [names(run), *(page_of(run, view) for view in VIEWS)]:
        assert all(f"t{number}" in html for number in range(12))
