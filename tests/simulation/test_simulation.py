"""Seeds hold, replay exactly, and planted bugs are caught (engine 7.9, invariants I1 to I6)."""

import json
from random import Random

import pytest

from tests.simulation import graphs
from tests.simulation.controls import CONTROLS
from tests.simulation.model import expected
from tests.simulation.plants import PLANTS, planted
from tests.simulation.simulate import Simulation, simulate

SEEDS = 500
#: Within so many seeds every planted bug is caught at least once.
SEEDS_TO_CATCH = 200


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, SEEDS, 100))
def test_no_seed_violates_an_invariant(start):
    """Engine 7.9: crashes, halts, cancels and torn writes change no output."""
    broken = {
        report.seed: report.broken
        for report in map(simulate, range(start, start + 100))
        if report.broken
    }

    assert broken == {}


@pytest.mark.parametrize("seed", [7, 28, 252])
def test_a_seed_replays_exactly(seed):
    """The same seed gives the same events at the same virtual times."""
    first, second = Simulation(seed).run(), Simulation(seed).run()

    assert first.trace == second.trace
    assert len(first.trace) > 10


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_caught(name):
    """The simulation has teeth: each of these bugs breaks an invariant soon."""
    with planted(name):
        caught = next((seed for seed in range(SEEDS_TO_CATCH) if simulate(seed).broken), None)

    assert caught is not None


def test_a_quiet_seed_gives_what_the_model_says():
    """The model and the engine agree where nothing happens to a run (engine 5.10)."""
    quiet = [each for each in map(Simulation, range(60)) if each.scenario.is_quiet]

    assert len(quiet) > 2
    assert [each.run().broken for each in quiet] == [()] * len(quiet)


def test_the_model_computes_streams_as_plain_lists():
    """A definition computed by hand: 3 numbers, relayed, read."""
    definition = {
        "tasks": [
            {"id": "a", "type": "sim.emit", "inputs": {"count": 3}, "config": {"salt": 1}},
            {"id": "b", "type": "sim.relay", "config": {"salt": 0}},
        ],
        "dataflows": [{"from": "a.numbers", "to": "b.numbers"}],
        "outputs": [{"name": "b", "from": "b.numbers"}],
    }

    assert expected(definition).outputs == {"b": [2, 16, 30]}


def test_random_definitions_use_every_kind_of_task():
    """What is never drawn is never tested."""
    drawn = "".join(
        json.dumps(graphs.draw(Random(f"{seed}/graph"), controls=True)) for seed in range(100)
    )

    kinds = {*graphs.SOURCES, *graphs.OF_NUMBERS, *graphs.OF_STREAMS, "flow.graph"}
    kinds |= {f"flow.{kind}" for kind in CONTROLS if kind != "tell"} | {"sim.tell", "sim.less"}
    assert [kind for kind in kinds if f'"{kind}"' not in drawn] == []
