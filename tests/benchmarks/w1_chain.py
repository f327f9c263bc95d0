"""W1: a chain of 1,000 tasks that pass an integer."""

from tests.benchmarks.in_memory import rows_beside_floor
from tests.benchmarks.measuring import Row
from tests.benchmarks.shapes import chain


def rows(rounds: int) -> list[Row]:
    """Measure it on the memory store."""
    return rows_beside_floor("W1", chain(), rounds, goal="≤ 25 µs, ≤ 3 × floor")
