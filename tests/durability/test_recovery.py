"""P4: how soon a killed owner's run is executing again, on the same host."""

import time
from pathlib import Path

import pytest

from tests.durability.observed import lines_of
from tests.durability.watching import process, queue, wait_until

pytestmark = pytest.mark.slow
LENGTH = 5
PROMISED = 2.0


def test_a_killed_owners_run_goes_on_within_two_seconds(own_database, tmp_path):
    """P4: from the moment the next owner has its lock file, which is when it first looks."""
    queue(own_database, 1, LENGTH)
    began = tmp_path / "began"
    with process(own_database, "owner", tmp_path) as first:
        assert wait_until(lambda: len(lines_of(began)) >= 2)
        first.kill()
        first.wait()
    before, known = len(lines_of(began)), locks(own_database)
    with process(own_database, "owner", tmp_path):
        assert wait_until(lambda: locks(own_database) - known)
        ready = time.monotonic()
        assert wait_until(lambda: len(lines_of(began)) > before)
        assert time.monotonic() - ready <= PROMISED
    assert lines_of(began)[before][-1] != str(first.pid)


def locks(environment):
    """Give the lock files of the owners there have been."""
    return set((Path(environment["ANABRANCH_DATA"]) / "owners").glob("*.lock"))
