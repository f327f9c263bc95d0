"""Which database the settings lead to, and what is said of one that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from workflows import databases
from workflows.databases import database_in, reason_of

ROOT = Path(__file__).resolve().parents[2]
SERVER = "postgres://anna:sekret@db.example:6543/rivers"
#: Nobody listens there: the port is reserved.
NOBODY = "postgres://anna:sekret@127.0.0.1:1/rivers"


def test_without_a_url_it_is_a_file_of_the_data_directory(tmp_path):
    database = database_in("", tmp_path)
    assert database["ENGINE"].endswith("sqlite3")
    assert database["NAME"].parent == tmp_path


def test_a_url_names_a_server(tmp_path):
    database = database_in(f"{SERVER}?sslmode=require", tmp_path)
    named = {name: database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
    assert database["ENGINE"].endswith("postgresql")
    assert list(named.values()) == ["anna", "sekret", "db.example", 6543, "rivers"]
    assert database["OPTIONS"]["sslmode"] == "require"


def test_no_url_weakens_what_is_promised(tmp_path):
    """P1: the last setting of a name is the one that counts."""
    weak = database_in(f"{SERVER}?options=-c%20synchronous_commit=off", tmp_path)
    options = weak["OPTIONS"]["options"].split()
    assert [each for each in options if each.startswith("synchronous_commit")][
        -1
    ] == "synchronous_commit=on"


def test_who_stands_still_holds_its_locks_for_less_than_a_lease():
    """P4."""
    from workflows.writing import LEASE

    assert LEASE.total_seconds() > databases.IDLE_IN_TRANSACTION_SECONDS


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://anna:sekret@db/rivers",
        "postgres://",
        "postgres://anna:sekret@db:5432",
        "postgres://anna:sekret@db:port/rivers",
        "postgres://anna:sekret@db/rivers?sekret_option=1",
    ],
)
def test_a_bad_url_is_refused_in_one_sentence_without_its_password(tmp_path, url):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL[^\n]*\.$") as refused:
        database_in(url, tmp_path)
    assert "anna:sekret" not in str(refused.value)


def test_a_missing_driver_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match="psycopg"):
        database_in(SERVER, tmp_path)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            "connection failed: connection to server failed: Connection refused\n\tIs it running?",
            "Connection refused.",
        ),
        ('connection to server failed: FATAL:  no role "anna"', 'no role "anna".'),
        ("database is locked", "database is locked."),
        ("", "OperationalError."),
    ],
)
def test_what_a_driver_says_becomes_one_sentence(told, reason):
    assert reason_of(OperationalError(told)) == f"The database cannot be used: {reason}"


@pytest.mark.slow
@pytest.mark.parametrize("url", ["nonsense", NOBODY])
def test_a_server_without_its_database_says_one_sentence_and_ends(tmp_path, url):
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={"ANABRANCH_DATA": str(tmp_path), "PORT": "0", "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
