"""How things are measured: in rounds, the floor and ours one after the other, ratios in pairs."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

ROUNDS = 5
FLOOR = "floor"

#: Measures once and gives the figure in the unit of its row.
type Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Series:
    """What the rounds of one thing gave."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The best round."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The worst round."""
        return max(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; `ratios` are to the floor of the same round, empty without one."""

    workload: str
    what: str
    unit: str
    series: Series
    ratios: Series = Series(())
    goal: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give all figures, the single rounds included."""
        return {
            "workload": self.workload,
            "what": self.what,
            "unit": self.unit,
            "goal": self.goal,
            **_figures(self.series),
            "ratio": _figures(self.ratios) if self.ratios.values else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        ratio = document["ratio"]
        return cls(
            **{name: document[name] for name in ("workload", "what", "unit", "goal")},
            series=Series(tuple(document["rounds"])),
            ratios=Series(tuple(ratio["rounds"]) if ratio else ()),
        )


def _figures(series: Series) -> dict[str, Any]:
    return {
        "median": series.median,
        "min": series.low,
        "max": series.high,
        "rounds": list(series.values),
    }


def paired(measures: Mapping[str, Measure], rounds: int) -> dict[str, Series]:
    """Measure all in turn, round after round: what slows the machine slows all of a round.

    A round before the first warms up and does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            gc.collect()
            value = measure()
            if number:
                found[name].append(value)
    return {name: Series(tuple(values)) for name, values in found.items()}


def rows_of(
    workload: str,
    measures: Mapping[str, Measure],
    rounds: int,
    *,
    unit: str,
    goals: Mapping[str, str] | None = None,
    rate: bool = False,
) -> list[Row]:
    """Measure, and give a row for each; the ratios are to the one called "floor".

    With `rate`, more is better, and a ratio says how much of the floor's rate is reached.
    """
    found = paired(measures, rounds)
    floor = found.get(FLOOR)
    return [
        Row(
            workload=workload,
            what=name,
            unit=unit,
            series=series,
            ratios=_ratios(series, floor) if floor and name != FLOOR else Series(()),
            goal=(goals or {}).get(name, ""),
        )
        for name, series in found.items()
    ]


def _ratios(series: Series, floor: Series) -> Series:
    return Series(
        tuple(ours / least for ours, least in zip(series.values, floor.values, strict=True))
    )


def seconds_of(act: Callable[[], object]) -> float:
    """Give how long it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def microseconds_each(seconds: float, number: int) -> float:
    """Share a time out among so many."""
    return seconds / number * 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that `share` (0 to 1) of the values do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
