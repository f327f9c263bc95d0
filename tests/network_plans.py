"""Random networks of bodies that stream to each other: what each body is to do."""

from dataclasses import dataclass
from random import Random
from typing import Any

from runner.graph.planning import meeting_again
from runner.graph.task_graph import OutputOf, PlannedTask

READING = (
    "in sequence", "zip", "all at once", "final first", "finals", "part", "twice", "never",
    "break off and begin again",
)  # fmt: skip
PUSHING = ("through", "in turn", "before", "after", "port by port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A dataflow from output `port` of body `producer`; a plain one waits for its end."""

    producer: int
    port: int = 0
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPlan:
    """What a body does: `count` chunks of `size` characters unless it passes on what it reads.

    With `items_at_once` it is a map of `count` items, or of one for each chunk that it reads.
    """

    inputs: tuple[Flow, ...] = ()
    ports: int = 1
    reading: str = "in sequence"
    pushing: str = "through"
    count: int = 0
    size: int = 1
    part: int = 0
    pace: int = 0
    limits: tuple[str, ...] = ()
    fails_at: int | None = None
    items_at_once: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that keep a network from hanging; a mutant lacks one."""

    only_started_hold: bool = True
    valve: bool = True
    elastic: bool = True
    final_lets_go: bool = True


ALL_RULES = Rules()


def random_network(random: Random, *, failing: bool = False) -> list[BodyPlan]:
    """Draw 2 to 9 bodies; each reads from bodies before it."""
    plans: list[BodyPlan] = []
    for index in range(random.randint(2, 9)):
        flows = random.randint(0 if random.random() < 0.15 else 1, 3) if index else 0
        inputs = []
        for _ in range(flows):
            producer = random.randrange(max(0, index - 4), index)
            port = random.randrange(plans[producer].ports)
            inputs.append(Flow(producer=producer, port=port, plain=random.random() < 0.1))
        size = random.choice((1, 1, 1, 100, 20_000, 100_000))
        maps = random.random() < 0.15
        plans.append(
            BodyPlan(
                inputs=tuple(inputs[:1] if maps else inputs),
                ports=1 if maps else random.choice((1, 1, 2)),
                items_at_once=random.randint(1, 3) if maps else 0,
                reading=random.choice(READING),
                pushing=random.choice(PUSHING[:3] if random.random() < 0.6 else PUSHING),
                count=random.choice((0, 1, 64, 65, *(random.randint(0, 400) for _ in range(4)))),
                size=size,
                part=random.choice((0, 1, 64, random.randint(0, 200))),
                pace=random.choice((0, 0, 1, 2)),
                limits=random.choice((("process",), ("process",), ("process", "group:few"))),
                fails_at=random.randint(0, 200) if failing and random.random() < 0.3 else None,
            )
        )
    return plans


def elastic_ends(plans: list[BodyPlan]) -> set[tuple[str, str]]:
    """Give the ends of dataflows that may meet again, as the plan of a run finds them."""
    nothing: Any = None
    tasks = [
        PlannedTask(
            path=f"{index}",
            task=nothing,
            sources={
                f"in{port}": OutputOf(f"{flow.producer}", f"out{flow.port}")
                for port, flow in enumerate(plan.inputs)
            },
            first_chunk=frozenset(
                f"in{port}" for port, flow in enumerate(plan.inputs) if not flow.plain
            ),
        )
        for index, plan in enumerate(plans)
    ]
    return set(meeting_again(tasks))
