"""W4: W1 to W3 in the product's database store, every finished task kept.

"pure" tasks have no effect and run ahead of the commits; "strict" ones may have one and wait
until all that they depend on is kept.
"""

from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.database import fresh_database, own_database, run_in_database
from tests.benchmarks.floors import bare_durable, sqlite_rows
from tests.benchmarks.measuring import FLOOR, Row, microseconds_each, rows_of
from tests.benchmarks.shapes import Shape, chain, definition, fan, layers

SHAPES = {"W1": chain, "W2": fan, "W3": layers}
GOALS = {
    ("W1", True, "NORMAL"): "≤ 80 µs",
    ("W1", True, "FULL"): "≤ 1.5 × floor",
    ("W1", False, "NORMAL"): "≤ 60 µs",
    ("W1", False, "FULL"): "≤ 60 µs",
}
WIDE_GOALS = {"NORMAL": "≤ 45 µs", "FULL": "≤ 50 µs"}


def rows(rounds: int) -> list[Row]:
    """Measure every shape, pure and strict, with NORMAL and with FULL."""
    folder = own_database()
    return [
        row
        for name, shape in SHAPES.items()
        for strict in (False, True)
        for synchronous in ("NORMAL", "FULL")
        for row in _beside_floor(name, shape(), folder, synchronous, rounds, strict=strict)
    ]


def _beside_floor(
    name: str, shape: Shape, folder: Path, synchronous: str, rounds: int, *, strict: bool
) -> list[Row]:
    text = definition(shape, "repeatable" if strict else "none")
    each = shared_among(shape)

    def floor() -> float:
        return each(bare_durable(shape, sqlite_rows(folder, synchronous), strict=strict)[0])

    def ours() -> float:
        fresh_database(synchronous)
        return each(run_in_database(text, folder).seconds)

    goal = GOALS.get((name, strict, synchronous)) or WIDE_GOALS[synchronous]
    return rows_of(
        f"W4 {name} {'strict' if strict else 'pure'} {synchronous}",
        {FLOOR: floor, "ours": ours},
        rounds,
        unit="µs a task",
        goals={"ours": goal},
    )


def shared_among(shape: Shape) -> Callable[[float], float]:
    """Give what makes of seconds for all its tasks microseconds for each."""
    return lambda seconds: microseconds_each(seconds, len(shape))
