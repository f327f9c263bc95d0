"""T12: a server is told to stop while twenty tasks are at work; impatient people tell it twice.

ANABRANCH_STOPS says how often; the odd ones are told twice.
"""

import signal
import time

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import installed, pause, served, size
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow
STOP_SECONDS = 15
#: Tasks in threads that hear of no stop.
DEAF = 4


@pytest.mark.parametrize("time_", range(size("ANABRANCH_STOPS", 1)))
def test_a_stopped_server_leaves_whole_runs_that_the_next_one_ends(own_database, tmp_path, time_):
    """P1, P2, P5: at most 15 s, nothing half, and no death is counted."""
    told = 2 - time_ % 2
    release = tmp_path / "release"
    with installed(own_database, tmp_path) as installation:
        runs = installation.queue(graphs.held(str(release), DEAF))
        with served(installation) as server:
            assert wait_until(lambda: len(installation.begun()) == graphs.HELD)
            assert stop(server, told) <= STOP_SECONDS
            assert server.returncode == 0
        assert verdict.whole(installation) == []
        assert installation.look("SELECT status, owner FROM workflows_run") == [("interrupted", "")]
        assert installation.look(STILL_AT_WORK) == [(0,)]
        release.touch()
        with served(installation):
            installation.until_over(runs)
        assert installation.look("SELECT count(*) FROM workflows_taskdeaths") == [(0,)]
        attempts = sorted(each.attempt for each in installation.begun())
        assert attempts == [1] * (graphs.HELD + 1) + [2] * graphs.HELD
        assert verdict.whole(installation) == []
        assert verdict.wrong(installation, runs, graphs.HELD + 1) == []


STILL_AT_WORK = "SELECT count(*) FROM workflows_taskrun WHERE status IN ('running', 'streaming')"


def stop(server, told):
    """Tell it to stop so many times; give the seconds until it was gone."""
    began = time.monotonic()
    for _ in range(told):
        server.send_signal(signal.SIGTERM)
        pause(0.3)
    server.wait(STOP_SECONDS * 2)
    return time.monotonic() - began
