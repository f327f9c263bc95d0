"""How far a run is: counts of leaf tasks, and a bar that never falls."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """N of M leaf tasks; M may grow when a map unfolds.

    `fraction` (0 to 1) weighs the definition's own tasks: a map counts as one task that its
    items fill, so the bar does not fall when M grows.
    """

    done: int = 0
    total: int = 0
    failed: int = 0
    fraction: float = 0.0
