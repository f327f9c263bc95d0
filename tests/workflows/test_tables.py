"""Rows past the ORM are the rows that the ORM would have written."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from django.db import IntegrityError

from workflows.models import Checkpoint, RunEvent
from workflows.tables import Cursor, Table, replacing

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
    with Cursor() as cursor:
        assert EVENTS.insert(cursor, rows_for(cursor, run, range(number))) == number
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
    with Cursor() as cursor:
        EVENTS.insert(cursor, rows_for(cursor, run, [1], at))
    RunEvent.objects.create(run=run, seq=2, at=at, kind="RunWoke")
    assert [each.at for each in run.events.filter(at=at)] == [at, at]


def test_no_time_is_kept_as_none():
    with Cursor() as cursor:
        assert cursor.moment(None) is None


def test_a_row_that_is_there_already_is_changed(run):
    changes = {"attempt": "excluded.attempt"}
    checkpoints = Table(*CHECKPOINT, conflict=replacing(("run_id", "path"), changes))
    with Cursor() as cursor:
        key = cursor.key(str(run.pk))
        rows = [(key, "a", 1, 1, 1, "{}"), (key, "a", 2, 5, 1, "{}")]
        assert [checkpoints.insert(cursor, [each]) for each in rows] == [1, 1]
    kept = run.checkpoints.get()
    assert (kept.attempt, kept.seq) == (2, 1)


def test_the_databases_faults_are_djangos(run):
    with Cursor() as cursor:
        EVENTS.insert(cursor, rows_for(cursor, run, [1]))
        with pytest.raises(IntegrityError):
            EVENTS.insert(cursor, rows_for(cursor, run, [1]))


def test_a_cursor_gives_what_a_statement_found(run):
    with Cursor() as cursor:
        cursor.execute("SELECT seq FROM workflows_run WHERE id = %s", [cursor.key(str(run.pk))])
        assert cursor.rows() == [(0,)]
        cursor.execute("SELECT seq FROM workflows_run WHERE id = %s", [cursor.key(str(uuid4()))])
        assert cursor.rows() == []
