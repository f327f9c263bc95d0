"""T10: a PostgreSQL server that ends sessions, or is away for a while, under the runs of a process.

ANABRANCH_RUNS_UNDER_LOSS says how many runs; ANABRANCH_LOSS_SECONDS how far apart the losses are
at most, and ANABRANCH_SEED when they come.
"""

import os
import re
from collections import Counter
from threading import Event

import psycopg
import pytest

from tests.databases import postgres_database, why_no_postgres
from tests.durability.installation import chance_of
from tests.durability.observed import lines_of
from tests.durability.watching import Environment, look, process, queue, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_no_postgres()), reason=why_no_postgres() or "-"),
]
RUNS = int(os.environ.get("ANABRANCH_RUNS_UNDER_LOSS", "20"))
LENGTH = 20
#: Apart from each other, in seconds: in full 5 to 40.
SHORTEST_IN_FULL = 5.0
LONGEST = float(os.environ.get("ANABRANCH_LOSS_SECONDS", "4"))
#: How long a restart takes: its sessions end, and for so long it takes no others.
RESTART_SECONDS = 1
#: A commit's, a read's and a lease's.
SESSIONS = 3
AWAY_SECONDS = 3
CLAIMS = 2
OTHERS = (
    "CREATE VIEW others AS SELECT pid FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
END_ALL = "SELECT count(pg_terminate_backend(pid)) FROM others"
RUNS_KEPT = (
    "SELECT run.epoch, run.outputs, run.seq, count(*) FROM workflows_run run "
    "JOIN workflows_runevent event ON event.run_id = run.id GROUP BY run.id"
)


@pytest.fixture
def environment(tmp_path):
    """The environment of processes with an empty database of a server."""
    with postgres_database() as url:
        with psycopg.connect(url) as connection:
            connection.execute(OTHERS.encode())
        yield {"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": url}


def test_sessions_that_are_ended_again_and_again_cost_nothing(environment, tmp_path):
    """P1, P2, P10: nothing runs twice, and no session is left behind."""
    queue(environment, RUNS, LENGTH)
    pause, ended = Event(), 0
    with process(environment, "owner", tmp_path) as owner:
        assert wait_until(lambda: lines_of(tmp_path / "began"))
        while not all_completed(environment):
            ended += look(environment, END_ALL)[0][0]
            pause.wait(0.5)
        open_sessions = look(environment, "SELECT count(*) FROM others")
        owner.communicate()
    assert ended >= SESSIONS
    assert open_sessions[0][0] <= SESSIONS
    check_as_if_nothing_had_been(environment, tmp_path)


def test_a_server_that_is_away_for_a_while_holds_up_and_loses_nothing(environment, tmp_path):
    """P10."""
    queue(environment, RUNS, LENGTH)
    with process(environment, "owner", tmp_path) as owner:
        assert wait_until(lambda: len(lines_of(tmp_path / "began")) > RUNS)
        away(environment["DATABASE_URL"], AWAY_SECONDS)
        assert wait_until(lambda: all_completed(environment))
        owner.communicate()
    check_as_if_nothing_had_been(environment, tmp_path)


def test_a_server_that_restarts_again_and_again_costs_nothing(environment, tmp_path):
    """P1, P2, P10: a monkey, as long as runs are under way; sessions are counted from outside."""
    chance = chance_of("restarts", environment)
    queue(environment, RUNS, LENGTH)
    restarts, most = 0, 0
    with process(environment, "owner", tmp_path) as owner:
        assert wait_until(lambda: lines_of(tmp_path / "began"))
        while not all_completed(environment):
            most = max(most, look(environment, "SELECT count(*) FROM others")[0][0])
            away(environment["DATABASE_URL"], RESTART_SECONDS)
            restarts += 1
            Event().wait(chance.uniform(min(SHORTEST_IN_FULL, LONGEST / 4), LONGEST))
        open_sessions = look(environment, "SELECT count(*) FROM others")[0][0]
        owner.communicate()
    assert restarts
    assert max(most, open_sessions) <= SESSIONS
    check_as_if_nothing_had_been(environment, tmp_path)


def away(url: str, seconds: float) -> None:
    """Let a server end all sessions of a database, and take no others for a while."""
    elsewhere = psycopg.connect(url, dbname="postgres", autocommit=True)
    with elsewhere, psycopg.connect(url, autocommit=True) as inside:
        name = inside.info.dbname
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        inside.execute(END_ALL.encode())
        Event().wait(seconds)
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def all_completed(environment: Environment) -> bool:
    """Whether every run has its end."""
    return look(environment, "SELECT DISTINCT status FROM workflows_run") == [("completed",)]


def check_as_if_nothing_had_been(environment, folder):
    """Every body ran once; every result is right and every event there.

    A claim whose answer was lost is made again, before anything began.
    """
    began = Counter(path for _, path, _, _ in lines_of(folder / "began"))
    assert began == {f"t{number}": RUNS for number in range(LENGTH)}
    assert [
        (epoch <= CLAIMS, re.findall(r"\d+", outputs), seq == events)
        for epoch, outputs, seq, events in look(environment, RUNS_KEPT)
    ] == [(True, [str(LENGTH)], True)] * RUNS
