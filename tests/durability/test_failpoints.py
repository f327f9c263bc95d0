"""T2: a server dies at each failpoint.

ANABRANCH_FAILPOINT_KILLS says how often at each, ANABRANCH_SEED at which hits.
"""

import os
import signal
from collections import Counter

import pytest

from runner.execution.failpoints import NAMES
from tests.durability import graphs, verdict
from tests.durability.installation import chance_of, installed, served, size
from tests.durability.killing import say
from tests.durability.verdict import Snapshot
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow
KILLS = size("ANABRANCH_FAILPOINT_KILLS", 1)
#: Up to which hit of a failpoint a life may last: each has at least so many in a run.
HITS = {
    "claimed": 1,
    "finalize": 1,
    "cancel_mark": 1,
    "lease_renew": 2,
    "expand_subgraph": 1,
    "chunk_flush": 2,
    "in_txn_begun": 8,
    "in_txn_after_insert": 8,
    "after_commit": 8,
    "before_execute": 30,
    "after_execute": 30,
    "before_event": 80,
}
#: What is hit as time passes, and not as a run goes on, needs runs that last.
LASTING = {"lease_renew": 10}
#: Its runs have values of another size: tests/workflows/test_artifacts.py dies there.
ELSEWHERE = {"files_kept"}


def test_at_whichever_failpoint_a_server_dies_the_next_one_goes_on(own_database, tmp_path):
    """P1, P2: what was in flight runs once more at most, and what was kept does not."""
    assert HITS.keys() | ELSEWHERE == NAMES
    chance = chance_of("failpoints", own_database)
    environment = own_database | {"ANABRANCH_LEASE_SECONDS": "1"}
    with installed(environment, tmp_path) as installation:
        for name in sorted(HITS) * KILLS:
            armed = f"{name}=kill@{chance.randint(1, HITS[name])}"
            assert die_and_go_on(installation, armed) == [], armed
        bodies = Counter((each.run, each.path) for each in installation.begun())
        say(f"{len(HITS) * KILLS} kills; {sum(bodies.values()) - len(bodies)} bodies ran again\n")


def test_a_server_as_people_start_it_dies_where_its_environment_says(tmp_path):
    """P1."""
    environment = {"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": ""}
    with installed(environment, tmp_path) as installation:
        runs = installation.queue(graphs.forty())
        with served(installation, ANABRANCH_FAILPOINTS="after_commit=kill@3") as server:
            assert server.wait(30) == -signal.SIGKILL
        dead = Snapshot.of(installation)
        assert verdict.torn(installation) == []
        seen = len(installation.begun())
        with served(installation):
            installation.until_over(runs)
        assert verdict.done_again(dead, installation.begun()[seen:]) == []
        assert verdict.whole(installation) == []
        assert verdict.wrong(installation, runs, graphs.expected()) == []


def die_and_go_on(installation, armed):
    """Let a life die at a failpoint, and the next one end its runs; give what was wrong."""
    runs = installation.queue(graphs.forty(), LASTING.get(armed.partition("=")[0], 1))
    process = installation.live(armed)
    if armed.startswith("cancel_mark"):
        assert wait_until(lambda: any(each.run in runs for each in installation.begun()))
        assert installation.ask(runs[0], "cancel")
        os.kill(process, signal.SIGUSR1)
    assert installation.end(process) == -signal.SIGKILL, f"{armed}\n{installation.log()}"
    dead, seen = Snapshot.of(installation), len(installation.begun())
    faults = verdict.torn(installation)
    survivor = installation.live()
    installation.until_over(runs)
    installation.stop(survivor)
    return [
        *faults,
        *verdict.lost(dead, Snapshot.of(installation)),
        *verdict.done_again(dead, installation.begun()[seen:]),
        *verdict.whole(installation),
        *too_often(installation, runs),
        *not_as_asked(installation, runs, armed),
    ]


def too_often(installation, runs):
    """A body that was in flight at one death begins twice."""
    begun = installation.begun()
    bodies = Counter((each.run, each.path) for each in begun if each.run in runs)
    return [
        f"{path} of {run} began {count} times" for (run, path), count in bodies.items() if count > 2
    ]


def not_as_asked(installation, runs, armed):
    """A run completes with what it should give, or was cancelled because somebody asked."""
    if armed.startswith("cancel_mark"):
        statuses = installation.statuses()
        return [
            f"{run} is {statuses[run]}, not cancelled"
            for run in runs
            if statuses[run] != "cancelled"
        ]
    return verdict.wrong(installation, runs, graphs.expected())
