"""The judges of these tests see what they are there to see, in a database that is tampered with."""

import sqlite3
from contextlib import closing

import pytest

from tests.durability import graphs, verdict
from tests.durability.installation import installed
from tests.durability.verdict import Snapshot

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An installation with one run that has ended, and how it stood."""
    folder = tmp_path_factory.mktemp("verdict")
    environment = {"ANABRANCH_DATA": str(folder / "data"), "DATABASE_URL": ""}
    with installed(environment, folder) as installation:
        runs = installation.queue(graphs.forty())
        process = installation.live()
        installation.until_over(runs)
        installation.stop(process)
        yield installation, runs


@pytest.fixture
def tamper(finished):
    """Change the database, and put it back in the end."""
    file = f"{finished[0].environment['ANABRANCH_DATA']}/anabranch.sqlite3"
    with closing(sqlite3.connect(file)) as kept, closing(sqlite3.connect(":memory:")) as copy:
        kept.backup(copy)

        def change(statement):
            assert kept.execute(statement).rowcount == 1
            kept.commit()

        yield change
        copy.backup(kept)


def test_nothing_is_found_where_nothing_is_wrong(finished):
    installation, runs = finished
    assert verdict.whole(installation) == []
    assert verdict.wrong(installation, runs, graphs.expected()) == []


SILENT = "UPDATE workflows_runevent SET kind = 'TaskStuck' "
SHOWN = "UPDATE workflows_taskrun SET status = 'running' "
ANEW = "UPDATE workflows_runevent SET path = 'a0', kind = 'TaskStarted' "
LAST = "WHERE seq = (SELECT max(seq) FROM workflows_runevent)"


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM workflows_checkpoint WHERE path = 'a0'", "has an event and no result"),
        ("DELETE FROM workflows_runevent WHERE seq = 7", "and has"),
        (f"{SILENT} WHERE path = 'a0' AND kind = 'TaskCompleted'", "has a result and no event"),
        (f"{SHOWN} WHERE path = 'a0'", "that is not shown"),
        (f"{ANEW} {LAST}", "started after its result"),
    ],
)
def test_a_half_batch_is_found(finished, tamper, statement, sentence):
    tamper(statement)
    assert any(sentence in each for each in verdict.whole(finished[0]))


def test_a_lost_result_and_a_fallen_epoch_are_found(finished, tamper):
    before = Snapshot.of(finished[0])
    tamper("DELETE FROM workflows_checkpoint WHERE path = 'a0'")
    tamper("UPDATE workflows_run SET epoch = epoch - 1")
    lost, fallen = verdict.lost(before, Snapshot.of(finished[0]))
    assert "lost a0" in lost
    assert "fell from 1 to 0" in fallen


def test_a_body_that_runs_again_is_found(finished):
    installation, _ = finished
    found = verdict.done_again(Snapshot.of(installation), installation.begun()[:1])
    assert len(found) == 1
    assert "again" in found[0]
