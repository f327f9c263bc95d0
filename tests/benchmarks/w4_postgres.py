"""W4 on PostgreSQL: W1 to W3 on a server, beside bare psycopg commits on the same server.

python -m tests.benchmarks.w4_postgres ROUNDS measures on the empty database that DATABASE_URL
names and prints the rows as JSON: which database a process works on is settled when it starts.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.database import add_people, run_in_database, set_up
from tests.benchmarks.floors import BarePostgres, bare_durable
from tests.benchmarks.measuring import FLOOR, Row, rows_of
from tests.benchmarks.shapes import Shape, definition
from tests.benchmarks.w4_durable import SHAPES, shared_among
from tests.databases import postgres_database, why_no_postgres

GOALS = {("W1", True): "≤ 650 µs", ("W2", False): "≤ 80 µs", ("W3", False): "≤ 80 µs"}


def rows(rounds: int) -> list[Row]:
    """Measure every shape, pure and strict; nothing, and why, where no server answers."""
    if why_no_postgres():
        sys.stderr.write(f"W4-postgres is skipped: {why_no_postgres()}\n")
        return []
    with postgres_database() as url:
        measured = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.w4_postgres", str(rounds)],
            env=os.environ | {"DATABASE_URL": url},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return [Row.from_json(each) for each in json.loads(measured.stdout)]


def measure(url: str, folder: Path, rounds: int) -> list[Row]:
    """Measure in this process."""
    set_up(folder)
    add_people()
    return [
        row
        for name, shape in SHAPES.items()
        for strict in (False, True)
        for row in _beside_floor(name, shape(), (url, folder), rounds, strict=strict)
    ]


def _beside_floor(
    name: str, shape: Shape, place: tuple[str, Path], rounds: int, *, strict: bool
) -> list[Row]:
    url, folder = place
    text = definition(shape, "repeatable" if strict else "none")
    each = shared_among(shape)

    def floor() -> float:
        return each(bare_durable(shape, BarePostgres(url), strict=strict)[0])

    def ours() -> float:
        _empty(url)
        return each(run_in_database(text, folder).seconds)

    return rows_of(
        f"W4 {name} {'strict' if strict else 'pure'} PostgreSQL",
        {FLOOR: floor, "ours": ours},
        rounds,
        unit="µs a task",
        goals={"ours": GOALS.get((name, strict), "")},
    )


def _empty(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE workflows_run CASCADE")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="anabranch-bench-") as made:
        found = measure(os.environ["DATABASE_URL"], Path(made), int(sys.argv[1]))
    sys.stdout.write(json.dumps([each.to_json() for each in found]))
