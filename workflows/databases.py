"""Which database: the SQLite file of the data directory, or the server that DATABASE_URL names."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env  # type: ignore[import-untyped]

type Database = dict[str, Any]

#: How long one statement waits for another process's lock before it gives way.
LOCK_SECONDS = 5
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
#: A process that stands still inside of a transaction holds its locks no longer than this; it is
#: shorter than a lease, so that who takes a run over never waits for who had it.
IDLE_IN_TRANSACTION_SECONDS = 10
EXAMPLE = "postgres://user:password@localhost:5432/anabranch"

# FULL, because a result that was acknowledged survives a power cut; IMMEDIATE, because a
# transaction that reads first and then writes would else fail with "database is locked".
SQLITE_OPTIONS: Database = {
    "transaction_mode": "IMMEDIATE",
    "timeout": LOCK_SECONDS,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-20000"
    ),
}
#: What every session asks of the server, whatever is set there for the database or the role.
_SESSION = {
    "synchronous_commit": "on",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    "default_transaction_isolation": r"read\ committed",
}


def database_in(url: str, folder: Path) -> Database:
    """Give Django's settings of the database: a file in `folder` unless a URL names a server.

    Raises ImproperlyConfigured, in one sentence without the password, when that cannot be.
    """
    return postgresql(url) if url else sqlite(folder)


def sqlite(folder: Path) -> Database:
    """Give the settings of the file of a data directory."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / "anabranch.sqlite3",
        "OPTIONS": SQLITE_OPTIONS,
        # A file, since threads must see it; of its own, since two test runs may go on at once.
        "TEST": {"NAME": folder / f"test-{os.getpid()}.sqlite3"},
    }


def postgresql(url: str) -> Database:
    """Give the settings of a PostgreSQL server."""
    named = _read(url)
    if find_spec("psycopg") is None:
        raise ImproperlyConfigured(
            "DATABASE_URL needs the package psycopg: run `sh .ci/bootstrap.sh server`."
        )
    given = _checked(named.get("OPTIONS", {}))
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    return named | {
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": f"anabranch-{os.getpid()}",
            "prepare_threshold": 5,
            **given,
            "options": f"{given.get('options', '')} {session}".strip(),
        },
        "TEST": {"NAME": f"test_{named['NAME']}_{os.getpid()}"},
    }


def _read(url: str) -> Database:
    wrong = f"DATABASE_URL must be the address of a PostgreSQL database, such as {EXAMPLE}."
    try:
        # Looked at first: the reader warns of what it does not know, and shows the password.
        known = urlsplit(url).scheme in {"postgres", "postgresql"}
        named: Database = Env.db_url_config(url) if known else {}
    except ValueError:
        named = {}
    if not named.get("NAME"):
        raise ImproperlyConfigured(wrong)
    return named


def _checked(options: Database) -> Database:
    """Give the options after the URL's question mark, if the driver knows them."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - not there where no server is used
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    try:
        make_conninfo(**options)
    except ProgrammingError as fault:
        raise ImproperlyConfigured(f"DATABASE_URL: {str(fault).strip()}.") from fault
    return options


def reason_of(fault: BaseException) -> str:
    """Say in one sentence why a database could not be used, from what its driver says."""
    lines = [line.strip(" -\t") for line in str(fault).splitlines() if line.strip()]
    told = [line for line in lines if "failed: " in line] or lines
    reason = told[0].rpartition("failed: ")[2] if told else type(fault).__name__
    reason = reason.removeprefix("FATAL:").strip()
    return f"The database cannot be used: {reason.rstrip('.')}."
