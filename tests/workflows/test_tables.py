"""Rows past the ORM are the rows that the ORM would have written."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from django.db import IntegrityError

from workflows.cursors import cursor
from workflows.models import Checkpoint, RunEvent
from workflows.tables import Table, replacing

pytestmark = pytest.mark.django_db

EVENTS = Table(RunEvent, "run", "seq", "at", "kind", "path", "payload")
CHECKPOINT = (Checkpoint, "run", "path", "attempt", "seq", "epoch", "value")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def rows_for(cursor, run, numbers, at=NOON):
    """Give rows of events."""
    key = cursor.key(str(run.pk))
    return [(key, number, cursor.moment(at), "RunWoke", "", "{}") for number in numbers]


@pytest.mark.parametrize("number", [0, 1, 9, 10, 99, 100, 237])
def test_every_row_goes_in_whatever_their_number(run, number):
    with cursor() as opened:
        EVENTS.insert(opened, rows_for(opened, run, range(number)))
    assert list(run.events.order_by("seq").values_list("seq", flat=True)) == list(range(number))


@pytest.mark.parametrize(
    "at",
    [
        NOON,
        NOON + timedelta(microseconds=120),
        NOON.astimezone(timezone(timedelta(hours=2))),
    ],
)
def test_a_time_is_kept_as_the_orm_keeps_it(run, at):
    with cursor() as opened:
        EVENTS.insert(opened, rows_for(opened, run, [1], at))
    RunEvent.objects.create(run=run, seq=2, at=at, kind="RunWoke")
    assert [each.at for each in run.events.filter(at=at)] == [at, at]


def test_no_time_is_kept_as_none():
    with cursor() as opened:
        assert opened.moment(None) is None


def test_a_row_that_is_there_already_is_changed(run):
    changes = {"attempt": "excluded.attempt"}
    checkpoints = Table(*CHECKPOINT, conflict=replacing(("run_id", "path"), changes))
    with cursor() as opened:
        key = opened.key(str(run.pk))
        rows = [(key, "a", 1, 1, 1, "{}"), (key, "a", 2, 5, 1, "{}")]
        for each in rows:
            checkpoints.insert(opened, [each])
    kept = run.checkpoints.get()
    assert (kept.attempt, kept.seq) == (2, 1)


def test_the_databases_faults_are_djangos(run):
    with cursor() as opened:
        EVENTS.insert(opened, rows_for(opened, run, [1]))
    with pytest.raises(IntegrityError), cursor() as again:
        EVENTS.insert(again, rows_for(again, run, [1]))


def test_a_cursor_gives_what_a_statement_found(run):
    with cursor() as opened:
        opened.execute("SELECT seq FROM workflows_run WHERE id = %s", [opened.key(str(run.pk))])
        assert opened.rows() == [(0,)]
        opened.execute("SELECT seq FROM workflows_run WHERE id = %s", [opened.key(str(uuid4()))])
        assert opened.rows() == []


@pytest.mark.parametrize(("epoch", "changed"), [(0, 1), (9, 0)])
def test_a_cursor_says_how_many_rows_a_statement_changed(run, epoch, changed):
    with cursor() as opened:
        key = opened.key(str(run.pk))
        opened.execute(
            "UPDATE workflows_run SET seq = 7 WHERE id = %s AND epoch = %s", [key, epoch]
        )
        assert opened.changed() == changed
