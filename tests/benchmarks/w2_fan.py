"""W2: one task, 1,000 that take its value, one that joins theirs."""

from tests.benchmarks.in_memory import rows_beside_floor
from tests.benchmarks.measuring import Row
from tests.benchmarks.shapes import fan


def rows(rounds: int) -> list[Row]:
    """Measure it on the memory store."""
    return rows_beside_floor("W2", fan(), rounds, goal="≤ 25 µs, ≤ 4 × floor")
