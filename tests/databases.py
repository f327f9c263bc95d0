"""Databases of their own for processes that a test starts: a SQLite file, or one on a server.

ANABRANCH_TEST_POSTGRES is the address of a PostgreSQL server where databases may be made and
dropped; where none answers, tests that need one are skipped and say why.

python -m tests.databases prints that address, or on standard error why it is of no use.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit

SERVER = os.environ.get(
    "ANABRANCH_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres?connect_timeout=2"
)


@cache
def why_no_postgres() -> str:
    """Say why no PostgreSQL server can be used; empty when one can."""
    try:
        import psycopg
    except ImportError:
        return "The package psycopg is not installed."
    try:
        psycopg.connect(SERVER).close()
    except psycopg.Error as fault:
        from workflows.databases import reason_of

        return f"No PostgreSQL server answers at {_place(SERVER)}. {reason_of(fault)}"
    return ""


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make an empty database; give its address, and drop it in the end whoever still uses it."""
    name = f"anabranch_{os.getpid()}_{secrets.token_hex(4)}"
    _on_server(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
    finally:
        _on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def _on_server(statement: str) -> None:
    import psycopg

    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(statement.encode())


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}"


if __name__ == "__main__":
    if why_no_postgres():
        sys.exit(f"anabranch: {why_no_postgres()} Tests that need one are skipped.")
    sys.stdout.write(SERVER)
