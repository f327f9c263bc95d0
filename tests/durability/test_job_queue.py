"""Jobs that real job queue runners carry out, in processes of their own, on both databases.

ANABRANCH_JOBS says how many are carried out while a runner is killed each second.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.databases import postgres_database, why_no_postgres
from tests.durability import queued
from tests.durability.installation import installed, pause, size
from tests.durability.killing import say
from tests.durability.watching import ROOT, wait_until

pytestmark = pytest.mark.slow
JOBS = size("ANABRANCH_JOBS", 120)
LONGEST_JOB = 0.4
WORKERS = 3
CANCEL_SECONDS = 1.0
NOBODY = "Waits for a job queue runner: start `manage.py run_job_queue`."


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request, tmp_path_factory):
    """One installation for all of these tests; each looks at its own run."""
    folder = tmp_path_factory.mktemp("queue")
    environment = {"ANABRANCH_DATA": str(folder / "data"), "ANABRANCH_JOB_LEASE_SECONDS": "5"}
    if request.param == "sqlite":
        with installed(environment | {"DATABASE_URL": ""}, folder) as made:
            yield made
        return
    if why_no_postgres():
        pytest.skip(why_no_postgres())
    with (
        postgres_database() as url,
        installed(environment | {"DATABASE_URL": url}, folder) as made,
    ):
        yield made


@pytest.fixture
def installation(shared):
    """No process of one test outlives it."""
    yield shared
    shared.kill_all()


def test_the_command_carries_out_a_job_and_its_run_hears_every_chunk(installation):
    """8.2."""
    installation.live()
    run = queued.Seen(installation, queued.counted(count=200))
    command = [sys.executable, "manage.py", "run_job_queue", "--jobs", "2"]
    environment = os.environ | installation.environment
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as worker:
        try:
            assert run.result() == sum(range(200))
        finally:
            worker.terminate()
        assert worker.wait(30) == 0


def test_a_job_that_no_runner_carries_out_says_so_and_is_never_run_in_the_server(installation):
    server = installation.live()
    run = queued.Seen(installation, queued.counted())
    assert wait_until(lambda: run.look("status, reason", "taskrun") == [("queued", NOBODY)])
    installation.stop(server)
    assert run.begun() == []
    assert run.jobs() == ["waiting"]


def test_a_cancel_stops_a_job_within_a_second(installation, tmp_path):
    """P8."""
    server = installation.live()
    installation.work()
    run = queued.Seen(installation, queued.held(str(tmp_path / "released")))
    run.until_begun()
    asked = time.monotonic()
    assert installation.ask(run.id, "cancel")
    os.kill(server, signal.SIGUSR1)
    assert wait_until(lambda: run.jobs() == ["cancelled"], 10), installation.log()
    assert time.monotonic() - asked < CANCEL_SECONDS
    installation.until_over([run.id])


def test_a_server_that_is_killed_finds_its_job_again_and_nothing_runs_twice(installation, tmp_path):
    """P2, P3."""
    installation.work()
    released = tmp_path / "released"
    server = installation.live()
    run = queued.Seen(installation, queued.held(str(released)))
    run.until_begun()
    installation.kill(server)
    released.touch()
    assert wait_until(lambda: run.jobs() == ["done"]), installation.log()
    installation.live()
    assert run.result() == 1
    assert [each.attempt for each in run.begun()] == [1]


def test_a_server_that_is_stopped_leaves_its_job_to_the_next(installation, tmp_path):
    installation.work()
    released = tmp_path / "released"
    server = installation.live()
    run = queued.Seen(installation, queued.held(str(released)))
    run.until_begun()
    installation.stop(server)
    assert run.jobs() == ["running"]
    installation.live()
    released.touch()
    assert run.result() == 1
    assert len(run.begun()) == 1


def test_the_stream_of_a_killed_runner_goes_on_in_another_without_gap(installation):
    """P9, engine 7.4."""
    installation.live()
    worker = installation.work()
    run = queued.Seen(installation, queued.counted(count=60, most=0.03))
    assert wait_until(lambda: run.look("last", "chunk", "last > 20")), installation.log()
    installation.kill(worker)
    installation.work()
    assert run.result() == sum(range(60))
    assert len({each.life for each in run.begun() if each.path == "numbers"}) == 2
    spans = sorted(run.look("first, last", "chunk", "NOT superseded AND path = 'numbers'"))
    assert [first for first, _ in spans] == [0, *(last + 1 for _, last in spans[:-1])]
    assert spans[-1][1] == 59


def test_a_stopped_runner_gives_its_jobs_to_another(installation, tmp_path):
    installation.live()
    worker = installation.work()
    released = tmp_path / "released"
    run = queued.Seen(installation, queued.held(str(released)))
    run.until_begun()
    os.kill(worker, signal.SIGTERM)
    installation.work()
    assert installation.end(worker) == 0
    run.until_begun(2)
    released.touch()
    assert run.result() == 1


def test_no_job_is_lost_or_done_more_often_than_it_was_begun_however_runners_are_killed(
    installation,
):
    """P2: side effects are counted from outside; a job that has ended is not begun again."""
    installation.live()
    workers = [installation.work(jobs=4) for _ in range(WORKERS)]
    started = time.monotonic()
    run = queued.Seen(installation, queued.many(JOBS, most=LONGEST_JOB))
    run.until_begun(WORKERS)
    kills = 0
    while not run.is_over() and kills < JOBS:
        pause(1.0)
        installation.kill(workers[kills % WORKERS])
        workers[kills % WORKERS] = installation.work(jobs=4)
        kills += 1
    assert run.result() == sum(number + 1 for number in range(JOBS)) + 1
    seconds = time.monotonic() - started
    assert set(run.jobs()) == {"done"}
    bodies, claims = run.bodies(), dict(run.look("path, epoch", "job"))
    assert bodies.keys() == claims.keys()
    assert len(claims) == JOBS
    assert [path for path, count in bodies.items() if count > claims[path]] == []
    again = sum(bodies.values()) - JOBS
    say(f"{JOBS} jobs, {kills} kills: {seconds:.1f} s, {again} bodies began again\n")
