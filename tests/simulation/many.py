"""Many seeds, shared out among processes."""

import multiprocessing
from collections.abc import Iterator
from functools import partial

from tests.simulation.plants import planted
from tests.simulation.simulate import Report, simulate

SHARE = 25


def play_all(seeds: range, plant: str = "", processes: int = 1) -> Iterator[Report]:
    """Play seeds in so many processes; the reports come in any order."""
    shares = [seeds[at : at + SHARE] for at in range(0, len(seeds), SHARE)]
    play = partial(_play, plant=plant)
    if processes == 1 or len(shares) == 1:
        for share in shares:
            yield from play(share)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for reports in pool.imap_unordered(play, shares):
            yield from reports


def _play(seeds: range, plant: str) -> list[Report]:
    with planted(plant):
        return [simulate(seed) for seed in seeds]
