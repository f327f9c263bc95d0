"""A line of tasks waiting for a limit's 8 slots: a slot given back must not look through it."""

from functools import partial

from runner.execution.slots import Slots, Ticket
from tests.benchmarks.measuring import FLOOR, Row, microseconds_each, rows_of, seconds_of

PLACES = 8
SHORT, LONG = 100, 10_000


def rows(rounds: int) -> list[Row]:
    """Compare a long line with a short one, which is the floor."""
    measures = {
        FLOOR: lambda: microseconds_each(seconds_of(lambda: pass_through(SHORT)), SHORT),
        "10,000 in line": lambda: microseconds_each(seconds_of(lambda: pass_through(LONG)), LONG),
    }
    goals = {"10,000 in line": "≈ 1 × 100 in line"}
    return rows_of("waiting line", measures, rounds, unit="µs a slot", goals=goals)


def pass_through(waiting: int) -> list[int]:
    """Let so many tickets pass one limit; give the order in which they held it."""
    slots = Slots({"process": PLACES})
    tickets: list[Ticket] = []
    held: list[int] = []

    def free(number: int) -> None:
        held.append(number)
        tickets[number].release()

    tickets += [slots.acquire(("process",), partial(free, number)) for number in range(waiting)]
    for number in range(min(PLACES, waiting)):
        free(number)
    return held
