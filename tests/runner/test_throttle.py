"""Back-pressure under limits never hangs and never changes what is read: random networks.

The rules: only a started body holds its producer back, and `final()` holds nobody back; a limit
whose holders all wait lets the next one start; streams that may meet again hold nobody back; a
push that is not held back lets others go once a window. Each rule is needed: without it, some
network hangs. THROTTLE_GRAPHS says how many networks are tried (300).
"""

import asyncio
import os
from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.execution.slots import Slots
from runner.execution.stream import WINDOW_BYTES, WINDOW_CHUNKS
from runner.graph.ports import Chunks, Ports
from runner.graph.ports import Stream as StreamSays
from runner.graph.task import Task
from runner.run.status import RunStatus
from tests import strategies
from tests.drive import definition_of, drive, outputs_of
from tests.idle_loop import run_until_idle
from tests.network import Network, outcome_of
from tests.network_plans import ALL_RULES, BodyPlan, Flow, Rules, random_network
from tests.tasks import give_way, registry_of_tests

NETWORKS = int(os.environ.get("THROTTLE_GRAPHS", "300"))
#: How many networks a mutant may pass by; each of them is caught several times in so many.
MUTANT_NETWORKS = 200
PARTS = 10


def drawn(seed: int) -> tuple[list[BodyPlan], dict[str, int], bool]:
    """Draw a network, its limits, and whether its bodies start at once."""
    random = Random(seed)
    return random_network(random), limits_of(random), random.random() < 0.5


def limits_of(random: Random) -> dict[str, int]:
    limits = {"process": random.choice((None, 1, 2, 3)), "group:few": random.choice((None, 1, 2))}
    return {name: most for name, most in limits.items() if most}


@pytest.mark.parametrize("part", range(PARTS))
def test_random_networks_end_and_read_what_they_would_without_limits(part):
    """Engine 4.5, 5.7, 5.10."""
    for seed in range(part, NETWORKS, PARTS):
        plans, limits, eager = drawn(seed)
        limited = outcome_of(plans, limits, eager=eager)
        free = outcome_of(plans, {}, eager=not eager)

        assert not limited.hangs, f"network {seed} hangs"
        assert limited.counts == free.counts, f"network {seed} differs"


@pytest.mark.parametrize("rule", [each.name for each in fields(Rules)])
def test_without_one_of_the_rules_some_network_hangs(rule):
    """Engine 4.5: what the test above can see."""
    mutant = replace(ALL_RULES, **{rule: False})

    def hangs(seed: int) -> bool:
        plans, limits, eager = drawn(seed)
        return outcome_of(plans, limits, mutant, eager=eager).hangs

    assert any(hangs(seed) for seed in range(MUTANT_NETWORKS))


@pytest.mark.parametrize("most", [1, 2, 3])
def test_runs_that_share_a_limit_end_and_give_every_slot_back(most):
    """Engine 4.5, 5.7: a limit of the process belongs to all runs."""
    for seed in range(NETWORKS // 30):
        slots = Slots({"process": most, "group:few": 1})
        networks = [Network(drawn(seed * 3 + each)[0], slots) for each in range(3)]

        _, hung = run_until_idle(lambda: asyncio.gather(*(each.run() for each in networks)))  # noqa: B023

        assert not hung
        assert slots.held("process") == slots.held("group:few") == 0


@pytest.mark.parametrize("most", [1, 3])
def test_networks_whose_bodies_fail_end_and_give_every_slot_back(most):
    """Engine 4.7: no consumer ever hangs."""
    failed = 0
    for seed in range(NETWORKS // 5):
        slots = Slots({"process": most})
        network = Network(random_network(Random(seed), failing=True), slots)

        counts, hung = run_until_idle(network.run)

        assert not hung
        assert slots.held("process") == 0
        failed += None in counts
    assert failed


def test_networks_that_are_cancelled_at_any_moment_leave_nothing_open():
    """Engine 5.8."""
    for seed in range(NETWORKS // 5):
        random = Random(seed)
        slots = Slots({"process": random.randint(1, 3)})
        network = Network(random_network(random), slots, eager=random.random() < 0.5)
        turns = random.randint(1, 60)

        async def cancelled(network: Network = network, turns: int = turns) -> None:
            running = asyncio.create_task(network.run())
            await give_way(turns)
            running.cancel()
            await asyncio.wait({running})

        _, hung = run_until_idle(cancelled)

        assert not hung
        assert slots.held("process") == 0
        assert all(stream.closed for node in network.nodes for stream in node.streams)


# ── cases with a name ────────────────────────────────────────────────────────────────────

MANY = WINDOW_CHUNKS * 5
SOURCE = BodyPlan(count=MANY, limits=("process",))


def reader(*inputs: Flow, **rest) -> BodyPlan:
    return BodyPlan(inputs=inputs, limits=("process",), **rest)


NAMED = {
    "a diamond read side by side": [
        SOURCE,
        reader(Flow(producer=0), pace=3),
        reader(Flow(producer=0)),
        reader(Flow(producer=1), Flow(producer=2), reading="zip"),
    ],
    "a diamond read one after the other": [
        SOURCE,
        reader(Flow(producer=0), pace=3),
        reader(Flow(producer=0)),
        reader(Flow(producer=2), Flow(producer=1)),
    ],
    "two ports to one consumer": [
        replace(SOURCE, ports=2),
        reader(Flow(producer=0, port=1), Flow(producer=0, port=0)),
    ],
    "the final value first": [
        replace(SOURCE, ports=2),
        reader(Flow(producer=0, port=0), Flow(producer=0, port=1), reading="final first"),
    ],
    "chunks as large as the window": [
        replace(SOURCE, count=9, size=WINDOW_BYTES),
        reader(Flow(producer=0), size=WINDOW_BYTES, pace=2),
        reader(Flow(producer=1), pace=5),
    ],
    "subtasks of one body that wait for room on one port": [
        SOURCE,
        replace(SOURCE, count=MANY - 1),
        reader(Flow(producer=0), Flow(producer=1), reading="all at once"),
        reader(Flow(producer=2), pace=4),
    ],
    "an iteration begun while its producer is held back": [
        SOURCE,
        reader(Flow(producer=0), reading="break off and begin again", part=1, pace=70),
    ],
    "a body that stops reading and goes on": [
        SOURCE,
        reader(Flow(producer=0), reading="part", part=3, pushing="after", count=MANY),
        reader(Flow(producer=1), pace=2),
    ],
    "a consumer of a map whose items wait for its slot": [
        BodyPlan(items_at_once=1, count=20, limits=("process",)),
        reader(Flow(producer=0)),
    ],
    "a map over a stream": [
        SOURCE,
        BodyPlan(inputs=(Flow(producer=0),), items_at_once=2, limits=("process",)),
        reader(Flow(producer=1), Flow(producer=0), reading="zip"),
    ],
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("most", [None, 1, 2])
def test_a_network_that_could_hang_ends(name, most):
    """Engine 4.5."""
    limits = {"process": most} if most else {}

    outcome = outcome_of(NAMED[name], limits)

    assert not outcome.hangs
    assert outcome.counts == outcome_of(NAMED[name], {}, eager=False).counts


@pytest.mark.parametrize(
    ("name", "rule", "most"),
    [
        ("a diamond read one after the other", "elastic", None),
        ("two ports to one consumer", "elastic", None),
        ("a consumer of a map whose items wait for its slot", "valve", 1),
    ],
)
def test_a_network_that_could_hang_does_without_its_rule(name, rule, most):
    """Engine 4.5."""
    limits = {"process": most} if most else {}

    assert outcome_of(NAMED[name], limits, replace(ALL_RULES, **{rule: False})).hangs


def test_a_chain_holds_its_producer_within_a_window_of_each_reader():
    """Engine 4.5: what is no ring is bounded."""
    chain = [SOURCE, reader(Flow(producer=0)), reader(Flow(producer=1), pace=3)]
    network = Network(chain, Slots({}))
    most: list[int] = []

    async def watched() -> None:
        running = asyncio.create_task(network.run())
        while not running.done():
            await asyncio.sleep(0)
            most.extend(
                len(stream.chunks) - node.readers[0].position
                for node, before in zip(network.nodes[1:], network.nodes, strict=False)
                for stream in before.streams
                if node.readers
            )

    run_until_idle(watched)

    assert max(most) == WINDOW_CHUNKS


# ── with the whole engine ────────────────────────────────────────────────────────────────


class Zip(Task):
    """The sums of two streams side by side, read in lockstep."""

    name = "test.zip"
    effect = "none"

    class Inputs(Ports):
        left: Chunks[int]
        right: Chunks[int]

    class Outputs(Ports):
        numbers: list[int]

    @staticmethod
    def streaming():
        return {"numbers": StreamSays(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        right = aiter(inputs.right)
        async for number in inputs.left:
            await context.push_chunk("numbers", number + await anext(right))


class OneAfterTheOther(Zip):
    """All of the left stream, then all of the right one."""

    name = "test.one-after-the-other"

    async def execute(self, inputs, context):
        for side in (inputs.left, inputs.right):
            async for number in side:
                await context.push_chunk("numbers", number)


@pytest.mark.parametrize("kind", [Zip, OneAfterTheOther], ids=lambda kind: kind.name)
async def test_streams_that_part_and_meet_again_do_not_hold_each_other(kind):
    registry = registry_of_tests()
    registry.register(kind)
    count = WINDOW_CHUNKS * 5
    definition = definition_of(
        [
            {"id": "emit", "type": "test.emit", "inputs": {"count": count}},
            {"id": "one", "type": "test.double", "config": {"yields": 3}},
            {"id": "two", "type": "test.double"},
            {"id": "meet", "type": kind.name},
        ],
        [
            ("emit.numbers", "one.numbers"),
            ("emit.numbers", "two.numbers"),
            ("one.numbers", "meet.left"),
            ("two.numbers", "meet.right"),
        ],
        outputs={"sums": "meet.numbers"},
    )

    run = await drive(definition, registry=registry)

    assert run.status is RunStatus.COMPLETED
    doubled = [2 * number for number in range(count)]
    assert outputs_of(run) == {
        "sums": [2 * each for each in doubled] if kind is Zip else doubled * 2
    }


@pytest.mark.slow
@given(strategies.definitions(counts=st.integers(100, 300)))
@settings(max_examples=50, deadline=None)
def test_back_pressure_never_hangs_a_run(definition):
    run = asyncio.run(asyncio.wait_for(drive(definition), 10))

    assert run.status is RunStatus.COMPLETED
