"""Before the first task starts: reading a definition, planning it, building the run's state."""

from collections.abc import Callable

from runner.graph.definition import GraphDefinition
from runner.graph.planning import plan
from runner.run.state import RunState
from tests.benchmarks.driving import planned, run_in_memory
from tests.benchmarks.measuring import FLOOR, Measure, Row, microseconds_each, rows_of, seconds_of
from tests.benchmarks.shapes import Shape, chain, definition, fan, layers, registry

SHALLOW = 10


def rows(rounds: int) -> list[Row]:
    """Measure each step on W1 to W3, and how the cost of a task grows with the graph."""
    steps = [
        row
        for name, shape in {"W1": chain(), "W2": fan(), "W3": layers()}.items()
        for row in _steps(name, shape, rounds)
    ]
    return steps + _growth(rounds)


def _steps(name: str, shape: Shape, rounds: int) -> list[Row]:
    text = definition(shape)
    drawn = GraphDefinition.from_json(text)
    graph = planned(text)

    def each(act: Callable[[], object]) -> Measure:
        return lambda: microseconds_each(seconds_of(act), len(shape))

    measures = {
        "read": each(lambda: GraphDefinition.from_json(text)),
        "plan": each(lambda: plan(drawn, {}, registry())),
        "run state": each(lambda: RunState(graph)),
    }
    goals = {"plan": "≤ 30 µs"}
    return rows_of(f"before {name}", measures, rounds, unit="µs a task", goals=goals)


def _growth(rounds: int) -> list[Row]:
    """Compare 10,000 tasks with 1,000 of the same making; the small one is the floor."""
    small, large = layers(SHALLOW), layers()

    def each(shape: Shape) -> Measure:
        text = definition(shape)
        graph = planned(text)
        return lambda: microseconds_each(run_in_memory(text, graph=graph).seconds, len(shape))

    measures = {FLOOR: each(small), "10,000 tasks": each(large)}
    goals = {"10,000 tasks": "≤ 1.15 × 1,000"}
    return rows_of("growth W3", measures, rounds, unit="µs a task", goals=goals)
