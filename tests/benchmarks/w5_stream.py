"""W5: 10,000 chunks of 100 bytes through three streaming tasks to a sink."""

from tests.benchmarks.database import fresh_database, own_database, run_in_database
from tests.benchmarks.driving import planned, run_in_memory
from tests.benchmarks.floors import bare_stream
from tests.benchmarks.measuring import FLOOR, Row, rows_of
from tests.benchmarks.shapes import MOMENTS, streaming_definition

CHUNKS = 10_000


def rows(rounds: int) -> list[Row]:
    """Measure the rate through the whole chain, and the way of the first chunk."""
    return _in_memory(rounds) + _durable(rounds)


def _in_memory(rounds: int) -> list[Row]:
    text = streaming_definition(CHUNKS)
    graph = planned(text)

    def first_chunk() -> float:
        run_in_memory(text, graph=graph)
        return (MOMENTS["first"] - MOMENTS["began"]) * 1e3

    rates = rows_of(
        "W5",
        {
            FLOOR: lambda: CHUNKS / bare_stream(CHUNKS)[0],
            "ours": lambda: CHUNKS / run_in_memory(text, graph=graph).seconds,
        },
        rounds,
        unit="chunks/s",
        goals={"ours": "≥ 200,000, ≥ 0.7 × floor"},
    )
    return rates + rows_of(
        "W5 first chunk",
        {FLOOR: lambda: bare_stream(CHUNKS)[1] * 1e3, "ours": first_chunk},
        rounds,
        unit="ms",
        goals={"ours": "≤ 1 ms"},
    )


def _durable(rounds: int) -> list[Row]:
    """Keep every chunk in the database; the floor is the same stream kept in memory."""
    text = streaming_definition(CHUNKS)
    graph = planned(text)
    folder = own_database()

    def ours() -> float:
        fresh_database("FULL")
        return CHUNKS / run_in_database(text, folder).seconds

    return rows_of(
        "W5 durable FULL",
        {FLOOR: lambda: CHUNKS / run_in_memory(text, graph=graph).seconds, "ours": ours},
        rounds,
        unit="chunks/s",
        goals={"ours": "≥ 70,000"},
    )
