"""T30: a copy is made of a database at work, and a server goes on from the copy.

The steps are those of docs/backup.md.
"""

import shutil
import sqlite3
import subprocess
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.databases import postgres_database, why_no_postgres
from tests.durability import graphs, verdict
from tests.durability.installation import installed
from tests.durability.verdict import Snapshot
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow
RUNS = 4
FILE = "anabranch.sqlite3"
PG_DUMP = shutil.which("pg_dump") or ""
PG_RESTORE = shutil.which("pg_restore") or ""
#: So many results are kept before the copy is made.
KEPT = 10
BESIDE = ("owners", "artifacts")


def backed_up(source, target):
    """Copy as `sqlite3 FILE ".backup COPY"` does."""
    with closing(sqlite3.connect(source)) as kept, closing(sqlite3.connect(target)) as copy:
        kept.backup(copy)


def vacuumed(source, target):
    """Copy as `sqlite3 FILE "VACUUM INTO 'COPY'"` does."""
    with closing(sqlite3.connect(source)) as kept:
        kept.execute("VACUUM INTO ?", [str(target)])


def dumped(source, target):
    """Copy as pg_dump and pg_restore do."""
    dump = subprocess.run(
        [PG_DUMP, "--format=custom", f"--dbname={source}"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [PG_RESTORE, "--no-owner", "--exit-on-error", f"--dbname={target}"],
        check=True,
        input=dump.stdout,
        capture_output=True,
    )


@contextmanager
def copied(environment, folder, copy):
    """Copy the database first, then what is kept beside it; give where the copy is."""
    source, target = Path(environment["ANABRANCH_DATA"]), folder / "copy"
    target.mkdir()
    with ExitStack() as stack:
        url = ""
        if environment["DATABASE_URL"]:
            url = stack.enter_context(postgres_database())
            copy(environment["DATABASE_URL"], url)
        else:
            copy(source / FILE, target / FILE)
        for each in BESIDE:
            if (source / each).exists():
                shutil.copytree(source / each, target / each)
        yield {"ANABRANCH_DATA": str(target), "DATABASE_URL": url, "ANABRANCH_COPIED": "yes"}


def check(environment, folder, copy):
    """Make a copy under load, let the first server end, and go on from the copy."""
    with installed(environment, folder) as first:
        runs = first.queue(graphs.forty(scale=4.0), RUNS)
        process = first.live()
        assert wait_until(lambda: len(Snapshot.of(first).results) >= KEPT)
        with copied(environment, folder, copy) as told:
            first.kill(process)
            with installed(told, folder / "second") as second:
                assert verdict.torn(second) == []
                kept = Snapshot.of(second)
                assert len(kept.results) >= KEPT
                survivor = second.live()
                second.until_over(runs)
                second.stop(survivor)
                assert verdict.done_again(kept, second.begun()) == []
                assert verdict.lost(kept, Snapshot.of(second)) == []
                assert verdict.whole(second) == []
                assert verdict.wrong(second, runs, graphs.expected()) == []


@pytest.mark.parametrize("copy", [backed_up, vacuumed])
def test_a_server_goes_on_from_a_copy_of_a_file_that_was_in_use(tmp_path, copy):
    """P1, P2."""
    check({"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": ""}, tmp_path, copy)


@pytest.mark.skipif(not PG_DUMP, reason="There is no pg_dump here.")
@pytest.mark.skipif(bool(why_no_postgres()), reason=why_no_postgres())
def test_a_server_goes_on_from_a_dump_of_a_database_that_was_in_use(tmp_path):
    """P1, P2."""
    with postgres_database() as url:
        check({"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": url}, tmp_path, dumped)
