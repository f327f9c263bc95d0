"""W3: 10,000 tasks in 100 layers, three random parents each."""

from tests.benchmarks.in_memory import rows_beside_floor
from tests.benchmarks.measuring import Row
from tests.benchmarks.shapes import layers


def rows(rounds: int) -> list[Row]:
    """Measure it on the memory store."""
    return rows_beside_floor("W3", layers(), rounds, goal="≤ 28 µs, ≤ 5 × floor")
