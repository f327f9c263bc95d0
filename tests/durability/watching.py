"""How a test starts processes on a database of its own, and looks into it from outside."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

type Environment = Mapping[str, str]


def queue(environment: Environment, runs: int, length: int) -> list[str]:
    """Prepare the database and queue runs; give their ids."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.durability.observed", str(runs), str(length)],
        cwd=ROOT,
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS * 5,
    )
    return done.stdout.split()


@contextmanager
def process(environment: Environment, module: str, *words: object) -> Iterator[Any]:
    """Start a process of these tests; kill it in the end, should it still live."""
    command = [sys.executable, "-m", f"tests.durability.{module}", *map(str, words)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def look(environment: Environment, query: str) -> list[tuple[Any, ...]]:
    """Ask the database, by a connection of the test's own."""
    if environment["DATABASE_URL"]:
        import psycopg

        with psycopg.connect(environment["DATABASE_URL"]) as server:
            return [_plain(row) for row in server.execute(query.encode()).fetchall()]
    file = Path(environment["ANABRANCH_DATA"]) / "anabranch.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as kept:
        return kept.execute(query).fetchall()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Write ids as SQLite keeps them."""
    return tuple(each.hex if isinstance(each, UUID) else each for each in row)


def wait_until(true: Callable[[], Any], seconds: float = SECONDS) -> bool:
    """Wait until something is true; say whether it came to be in time."""
    pause = Event()
    for _ in range(int(seconds * 50)):
        if true():
            return True
        pause.wait(0.02)
    return False
