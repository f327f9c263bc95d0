"""T4: a task that kills its process each time; the observer is the exit codes and the files."""

import json
from contextlib import suppress
from subprocess import TimeoutExpired

import pytest

from tests.durability.observed import lines_of
from tests.durability.watching import look, process, wait_until

pytestmark = pytest.mark.slow
LIVES = 8


def test_a_task_that_kills_its_process_is_quarantined_and_others_are_not(own_database, tmp_path):
    """P5, Engine 7.7."""
    codes = list(live_and_die(own_database, tmp_path))
    _, bad, *_ = lines_of(tmp_path / "queued")[0]
    ((error,),) = look(own_database, "SELECT error FROM workflows_run WHERE status = 'quarantined'")
    assert codes[-1] == 0
    assert 3 <= len(lines_of(tmp_path / "poisoned")) == codes.count(1)
    assert {run for run, *_ in lines_of(tmp_path / "poisoned")} == {bad}
    assert json.loads(error)["task"] == "bad"
    assert look(own_database, OTHERS) == [("completed", 3), ("quarantined", 1)]


OTHERS = "SELECT status, count(*) FROM workflows_run GROUP BY status ORDER BY status"


def live_and_die(environment, folder):
    """Start process after process until one lives; give how each ended."""
    for _ in range(LIVES):
        with process(environment, "poisoned", folder) as owner:
            wait_until(lambda: owner.poll() is not None or is_over(environment, folder))
            with suppress(TimeoutExpired):
                owner.communicate("", timeout=15)
            yield owner.returncode
            if owner.returncode != 1:
                return


def is_over(environment, folder):
    open_ones = "SELECT count(*) FROM workflows_run WHERE status NOT IN ('completed','quarantined')"
    return lines_of(folder / "poisoned") and look(environment, open_ones) == [(0,)]
