"""A run that outlives its server: killed ten times, nothing finished is done twice."""

import collections
import json
import random
import sqlite3
import subprocess
import sys
from threading import Event

import pytest

from tests.acceptance.conftest import ROOT

KILLS = 10
QUEUE = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from workflows.models.run import Run
from workflows.models.workflow import Workflow
workflow = Workflow.objects.get(name="verify-this-installation")
person = User.objects.get(username="demo")
print(Run.objects.start(workflow.latest, person, json.loads(sys.argv[1])).pk.hex)
"""


def queue_run(server, inputs):
    """Queue demo C as a page would; give the run's id."""
    done = subprocess.run(
        [sys.executable, "-c", QUEUE, json.dumps(inputs)],
        cwd=ROOT,
        env=server.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def look(server, query, run):
    """Ask the database from outside."""
    address = f"file:{server.data / 'anabranch.sqlite3'}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=10)
    try:
        return connection.execute(query, (run,)).fetchall()
    finally:
        connection.close()


def finished(server, run):
    """Give the paths of the tasks that have a result."""
    query = "SELECT path FROM workflows_taskrun WHERE run_id = ? AND status = 'completed'"
    return {path for (path,) in look(server, query, run)}


def status(server, run):
    """Give the run's status."""
    return look(server, "SELECT status FROM workflows_run WHERE id = ?", run)[0][0]


def wait_for_more(server, run, known, seconds=60):
    """Wait until a further task has its result, or the run its end."""
    pause = Event()
    for _ in range(seconds * 20):
        assert status(server, run) != "quarantined"
        if finished(server, run) - known or status(server, run) == "completed":
            return
        pause.wait(0.05)
    raise AssertionError(server.output())


def wait_for_suspects(server, run, seconds=60):
    """Wait until what was at work at the last two deaths has its result.

    One more death would rightly set the run aside (P5).
    """
    query = "SELECT path FROM workflows_taskdeaths WHERE run_id = ? AND count >= 2"
    pause = Event()
    for _ in range(seconds * 20):
        suspects = {path for (path,) in look(server, query, run)}
        if suspects <= finished(server, run):
            return
        pause.wait(0.05)
    raise AssertionError(server.output())


def wait_for_end(server, run, seconds=300):
    """Wait until the run has its result."""
    pause = Event()
    for _ in range(seconds * 20):
        if status(server, run) == "completed":
            return
        pause.wait(0.05)
    raise AssertionError(server.output())


@pytest.mark.slow
def test_a_run_killed_ten_times_ends_and_hashes_no_finished_item_twice(server):
    """R13."""
    observer = server.observer
    run = queue_run(server, {"rounds": 8})
    chance = random.Random(7)
    repeated: set[str] = set()
    kills = 0
    while kills < KILLS and status(server, run) != "completed":
        wait_for_more(server, run, finished(server, run))
        wait_for_suspects(server, run)
        Event().wait(chance.random() / 4)
        server.kill()
        kept = finished(server, run)
        seen = collections.Counter(observer.read_text().split("\n"))
        server.start()
        kills += 1
        wait_for_more(server, run, kept)
        now = collections.Counter(observer.read_text().split("\n"))
        repeated |= {line for line in now - seen if line.split(" ")[-1] in kept}

    wait_for_end(server, run)
    assert repeated == set()
    assert kills == KILLS
