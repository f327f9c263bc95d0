"""What a fault of the database means, and what is tried again."""

import sqlite3
import time

import pytest
from django import db
from psycopg import errors

from runner.errors import StorageTrouble
from workflows.trouble import Trouble, patiently, trouble_of

BUSY = "database is locked"


def wrapped(fault, cause):
    """Give a fault as Django raises it: the driver's own is its cause."""
    fault.__cause__ = cause
    return fault


def operational(cause):
    return wrapped(db.OperationalError(str(cause)), cause)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (operational(sqlite3.OperationalError(BUSY)), Trouble.BUSY),
        (operational(sqlite3.OperationalError("database table is locked")), Trouble.BUSY),
        (operational(errors.DeadlockDetected()), Trouble.BUSY),
        (operational(errors.SerializationFailure()), Trouble.BUSY),
        (operational(errors.LockNotAvailable()), Trouble.BUSY),
        (operational(errors.QueryCanceled()), Trouble.BUSY),
        (operational(errors.AdminShutdown()), Trouble.LOST),
        (operational(errors.ConnectionFailure()), Trouble.LOST),
        (operational(errors.OperationalError("connection refused")), Trouble.LOST),
        (wrapped(db.InterfaceError(), errors.InterfaceError("closed")), Trouble.LOST),
        (wrapped(db.InternalError(), errors.IdleInTransactionSessionTimeout()), Trouble.LOST),
        (operational(errors.CannotConnectNow()), Trouble.AWAY),
        (operational(errors.DiskFull()), Trouble.AWAY),
        (operational(errors.TooManyConnections()), Trouble.AWAY),
        (operational(sqlite3.OperationalError("database or disk is full")), Trouble.AWAY),
        (operational(errors.ProgramLimitExceeded()), None),
        (wrapped(db.IntegrityError(), errors.UniqueViolation()), None),
        (wrapped(db.IntegrityError(), sqlite3.IntegrityError()), None),
        (wrapped(db.DataError(), errors.StringDataRightTruncation()), None),
    ],
    ids=lambda each: repr(getattr(each, "__cause__", each)),
)
def test_a_fault_is_the_databases_or_that_of_what_was_asked(fault, trouble):
    """P10."""
    assert trouble_of(fault) is trouble


class Failing:
    """Fails as it is told, fault by fault; then gives the number of its calls."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return self.calls


@pytest.mark.parametrize(
    "faults",
    [
        [operational(errors.DeadlockDetected())],
        [operational(sqlite3.OperationalError(BUSY))] * 2,
        [operational(errors.AdminShutdown())],
    ],
)
def test_what_passes_is_tried_again(faults):
    """P10."""
    assert patiently(5, Failing(*faults)) == len(faults) + 1


@pytest.mark.parametrize(
    "fault",
    [operational(errors.DiskFull()), operational(sqlite3.OperationalError("disk is full"))],
)
def test_a_database_without_room_is_told_at_once(fault):
    failing = Failing(fault)
    with pytest.raises(StorageTrouble):
        patiently(5, failing)
    assert failing.calls == 1


def test_a_server_that_is_lost_twice_in_a_row_is_away():
    failing = Failing(*[operational(errors.AdminShutdown())] * 3)
    with pytest.raises(StorageTrouble):
        patiently(5, failing)
    assert failing.calls == 2


def test_patience_ends():
    began = time.monotonic()
    with pytest.raises(StorageTrouble):
        patiently(0.2, Failing(*[operational(sqlite3.OperationalError(BUSY))] * 100))
    assert 0.2 <= time.monotonic() - began < 2


def test_a_fault_of_what_was_asked_is_no_trouble():
    failing = Failing(wrapped(db.IntegrityError(), errors.UniqueViolation()))
    with pytest.raises(db.IntegrityError):
        patiently(5, failing)
    assert failing.calls == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_without_memory_is_in_trouble_and_no_run_is_to_blame():
    """P1, P10. A run would else be quarantined because another one's task took all of it."""

    def starved():
        raise MemoryError

    with pytest.raises(StorageTrouble, match="no memory for it now"):
        patiently(1.0, starved)
