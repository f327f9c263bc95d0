"""T5: several processes race for the same runs.

ANABRANCH_RACE_RUNS says for how many, and that two processes are to race as well.
"""

import os
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.durability.observed import lines_of
from tests.durability.watching import look, process, queue

pytestmark = pytest.mark.slow
FULL = os.environ.get("ANABRANCH_RACE_RUNS", "")
RUNS = int(FULL or 12)
RACERS = [2, 8] if FULL else [8]
LENGTH = 3


@pytest.mark.parametrize("racers", RACERS)
def test_each_epoch_of_a_run_has_one_owner(own_database, tmp_path, racers):
    """P3: nobody else had claimed it, and nothing was done or kept twice."""
    runs = queue(own_database, RUNS, LENGTH)
    race(own_database, tmp_path, racers)
    claims = Counter((run, int(epoch)) for run, epoch, _ in lines_of(tmp_path / "claims"))
    began = Counter((run, path) for run, path, _, _ in lines_of(tmp_path / "began"))
    assert set(claims.values()) == {1}
    assert {run: sorted(e for r, e in claims if r == run) for run in runs} == {
        run: list(range(1, epoch + 1)) for run, epoch in epochs(own_database).items()
    }
    assert began == {(run, f"t{number}"): 1 for run in runs for number in range(LENGTH)}
    assert look(own_database, RESULTS) == [(RUNS, RUNS * LENGTH)]
    assert look(own_database, GAPS) == []


RESULTS = (
    "SELECT (SELECT count(*) FROM workflows_run WHERE status = 'completed'), "
    "(SELECT count(*) FROM workflows_checkpoint)"
)
#: Runs whose events do not go from 1 to the last without a hole.
GAPS = (
    "SELECT run.id FROM workflows_run run JOIN workflows_runevent event ON event.run_id = run.id "
    "GROUP BY run.id, run.seq HAVING count(*) <> run.seq OR max(event.seq) <> run.seq"
)


def race(environment, folder, racers):
    """Start all at once, and wait for the last."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(process(environment, "racer", folder, seed))
            for seed in range(racers)
        ]
        assert [each.stdout.readline() for each in started] == ["ready\n"] * racers
        for each in started:
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            _, told = each.communicate(timeout=300)
            assert each.returncode == 0, told


def epochs(environment):
    """Give the last epoch of each run."""
    found = look(environment, "SELECT id, epoch FROM workflows_run")
    return {dashed(run): epoch for run, epoch in found}


def dashed(key):
    """Write an id as the engine does."""
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))
