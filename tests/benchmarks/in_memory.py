"""What W1, W2 and W3 share: a shape on the memory store beside bare asyncio tasks."""

from tests.benchmarks.driving import planned, run_in_memory
from tests.benchmarks.floors import bare
from tests.benchmarks.measuring import FLOOR, Row, microseconds_each, rows_of
from tests.benchmarks.shapes import Shape, definition


def rows_beside_floor(workload: str, shape: Shape, rounds: int, goal: str) -> list[Row]:
    """Measure a shape, kept in memory only."""
    text = definition(shape)
    graph = planned(text)

    def floor() -> float:
        return microseconds_each(bare(shape)[0], len(shape))

    def ours() -> float:
        return microseconds_each(run_in_memory(text, graph=graph).seconds, len(shape))

    measures = {FLOOR: floor, "ours": ours}
    return rows_of(workload, measures, rounds, unit="µs a task", goals={"ours": goal})
