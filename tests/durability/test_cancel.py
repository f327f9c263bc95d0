"""T11: runs are cancelled at random moments, some of them in the middle of a slow commit.

ANABRANCH_CANCELS says how many, ANABRANCH_SEED when.
"""

import os
import signal
import time

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import OVER, chance_of, dashed, installed, pause, size
from tests.durability.killing import say
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow
BATCH = 10
CANCELS = size("ANABRANCH_CANCELS", 2 * BATCH)
LATEST = 0.5
#: P8: no task starts later than this, and the run is over not later than that.
START_SECONDS, END_SECONDS = 1.0, 10.0
SLOW_COMMITS = "in_txn_after_insert=sleep:0.01"
#: One batch of so many is cancelled in the middle of commits.
ONE_SLOW_OF = 10


def test_a_run_that_is_cancelled_starts_nothing_more_and_ends(own_database, tmp_path):
    """P8."""
    chance = chance_of("cancel", own_database)
    counted = dict.fromkeys(("cancelled", "completed", "refused"), 0)
    with installed(own_database, tmp_path) as installation:
        for batch in range(CANCELS // BATCH):
            slow = batch % ONE_SLOW_OF == 1
            process = installation.live(SLOW_COMMITS if slow else "")
            asked = cancel_batch(installation, process, chance)
            ended = ends_of(installation, asked)
            installation.stop(process)
            assert too_late(installation, asked, ended) == [], f"slow: {slow}"
            for run, status in installation.statuses().items():
                if run in asked:
                    counted[status if asked[run] else "refused"] += 1
        assert verdict.whole(installation) == []
        assert said_after_end(installation) == []
        assert counted["cancelled"] > CANCELS / 2, counted
        say(f"{CANCELS} runs: {counted}\n")


def cancel_batch(installation, process, chance):
    """Queue runs and cancel each after a while; give when it was asked, 0.0 if refused."""
    asked = {}
    runs = installation.queue(graphs.forty(scale=8.0), BATCH)
    os.kill(process, signal.SIGUSR1)
    began = time.monotonic()
    for due, run in sorted((chance.uniform(0.0, LATEST), run) for run in runs):
        pause(max(0.0, began + due - time.monotonic()))
        said = installation.ask(run, "cancel")
        asked[run] = time.monotonic() if said else 0.0
        os.kill(process, signal.SIGUSR1)
    return asked


def ends_of(installation, asked):
    """Wait for the ends; give when each was seen."""
    ended: dict[str, float] = {}

    def all_over():
        now = time.monotonic()
        for run, status in installation.statuses().items():
            if run in asked and status in OVER:
                ended.setdefault(run, now)
        return len(ended) == len(asked)

    assert wait_until(all_over), installation.log()
    return ended


def too_late(installation, asked, ended):
    """What started, or ended, later than was promised after somebody asked."""
    starts = [
        f"{each.path} began {each.at - asked[each.run]:.2f} s after {each.run} was cancelled"
        for each in installation.begun()
        if asked.get(each.run) and each.at > asked[each.run] + START_SECONDS
    ]
    return starts + [
        f"{run} ended {at - asked[run]:.2f} s after it was cancelled"
        for run, at in ended.items()
        if asked[run] and at > asked[run] + END_SECONDS
    ]


def said_after_end(installation):
    """I3. Runs of which something was said after their end, or whose request is open."""
    late = installation.look(
        "SELECT run.id, run.status FROM workflows_run run JOIN workflows_runevent event "
        "ON event.run_id = run.id WHERE event.seq < run.seq "
        "AND event.kind IN ('RunCancelled', 'RunCompleted')"
    )
    working = installation.look(
        "SELECT run.id, task.path FROM workflows_run run JOIN workflows_taskrun task "
        "ON task.run_id = run.id WHERE run.status = 'cancelled' "
        "AND task.status IN ('running', 'streaming', 'queued', 'awaiting', 'retrying')"
    )
    return [(dashed(run), what) for run, what in late + working]
