"""python -m tests.simulation: many seeds on all cores, or one seed with all that happens in it."""

import argparse
import json
import os
import sys
import time

from tests.simulation.many import play_all
from tests.simulation.plants import PLANTS, planted
from tests.simulation.simulate import Simulation

SHOWN = 10


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for; 1 if an invariant was violated."""
    options = _parser().parse_args(arguments)
    if options.seed is not None:
        return _replay(options.seed, options.plant)
    return _run_many(range(options.start, options.start + options.seeds), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--from", dest="start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one and print its events")
    parser.add_argument("--plant", default="", choices=["", *PLANTS], help="a bug to plant")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser


def _replay(seed: int, plant: str) -> int:
    with planted(plant):
        simulation = Simulation(seed)
        report = simulation.run()
    _say(json.dumps(simulation.definition, indent=1))
    _say(str(simulation.scenario))
    for line in report.trace:
        _say(line)
    for broken in report.broken:
        _say(f"BROKEN {broken}")
    _say(f"seed {seed}: {'violated' if report.broken else 'holds'}")
    return 1 if report.broken else 0


def _run_many(seeds: range, options: argparse.Namespace) -> int:
    began = time.monotonic()
    reports = list(play_all(seeds, options.plant, options.processes))
    seconds = time.monotonic() - began
    broken = sorted((each for each in reports if each.broken), key=lambda each: each.seed)
    for report in broken[:SHOWN]:
        _say(f"seed {report.seed}: {report.broken[0]}")
        plant = f" --plant {options.plant}" if options.plant else ""
        _say(f"  replay: python -m tests.simulation --seed {report.seed}{plant}")
    _say(
        f"{len(reports)} seeds, {len(broken)} violated; "
        f"{sum(each.executions for each in reports)} bodies, "
        f"{sum(each.deaths for each in reports)} deaths; "
        f"{len(reports) / max(seconds, 0.001):.0f} seeds/s"
    )
    return 1 if broken else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
