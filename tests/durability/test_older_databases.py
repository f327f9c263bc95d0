"""T23: databases that older code wrote, as it left them in the middle of a run; and newer ones.

How they are made, and when, says older_database.py.
"""

import json
import re
import sqlite3
import subprocess
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, Server
from tests.durability.older_database import FILE, LEFT, RESULT, environment, unpack
from tests.durability.watching import look, wait_until

pytestmark = pytest.mark.slow
FIXTURES = sorted(Path(__file__).with_name("older").glob("*.xz"))
VERSIONS = "SELECT DISTINCT json_extract(value, '$.v') FROM workflows_checkpoint"
KEPT = "SELECT path, json_extract(value, '$.outputs') FROM workflows_checkpoint"


class Later(Server):
    """Today's server on a data directory of old."""

    @property
    def environment(self):
        return super().environment | environment(self.data)


@pytest.fixture
def server(tmp_path):
    """A server that has not been started."""
    made = Later(tmp_path)
    yield made
    if made.process is not None:
        made.kill()


def named(fixture):
    """Name a test by what it begins with."""
    return fixture.name.partition(".")[0]


def kept_in(server):
    """Give the outputs that are kept, by path."""
    return {path: json.loads(outputs or "{}") for path, outputs in look(at(server), KEPT)}


def at(server):
    """Where to look from outside."""
    return {"DATABASE_URL": "", "ANABRANCH_DATA": str(server.data)}


@pytest.mark.parametrize("fixture", FIXTURES, ids=named)
def test_a_run_of_an_older_release_goes_on_where_it_was(server, fixture):
    """P1, P11. Migrated, served and resumed; what was kept then stands, and nothing runs again."""
    unpack(fixture, server.data)
    assert look(at(server), VERSIONS) == [(int(named(fixture).rpartition("-")[2]),)]
    before = kept_in(server)
    assert before
    server.start()
    over = wait_until(
        lambda: look(at(server), "SELECT status FROM workflows_run") == [("completed",)]
    )
    assert over, server.output()
    ((outputs,),) = look(at(server), "SELECT outputs FROM workflows_run")
    assert json.loads(outputs) == {"result": RESULT}
    assert server.observer.read_text().split() == LEFT
    after = kept_in(server)
    assert {path: after[path] for path in before} == before
    with urllib.request.urlopen(server.url, timeout=30) as page:  # noqa: S310
        assert page.status == 200
    assert server.stop() == 0


def test_todays_checkpoints_are_among_them():
    """Who raises the version makes a database of the one before it."""
    from runner.run.checkpoint import VERSION

    assert [named(each) for each in FIXTURES] == [f"checkpoints-{n}" for n in range(1, VERSION + 1)]


def test_a_database_of_a_newer_release_is_refused_in_one_sentence(server):
    """Downgrade: nothing is written, and the way out is said."""
    unpack(FIXTURES[-1], server.data)
    with closing(sqlite3.connect(server.data / FILE)) as newer, newer:
        newer.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('workflows', '9999_from_the_future', '2030-01-01')"
        )
    refused = subprocess.run(
        server.command, cwd=ROOT, env=server.environment, check=False, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert refused.returncode == 1
    assert re.fullmatch(
        r"CommandError: A newer version of Anabranch .*workflows\.9999_from_the_future.*\n",
        refused.stderr,
    )
    assert look(at(server), "SELECT status FROM workflows_run") == [("running",)]
