"""The cache: what may be taken from another run, what is never kept, and for whom."""

import asyncio
from typing import Any

import pytest

from runner.errors import PlanError
from runner.execution.memory import MemoryStore
from runner.graph.definition import GraphDefinition
from runner.graph.needs import Need
from runner.graph.planning import plan
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.run.policies import cache_key
from runner.run.status import RunStatus
from tests.drive import definition_of, kinds_of, outputs_of
from tests.tasks import registry_of_tests
from tests.under_way import submit_and_begin
from tests.virtual_time import virtual

CACHE = {"cache": True}
RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran():
    RAN.clear()


class Costly(Task):
    """A number that costs much."""

    name = "test.costly"
    effect = "none"

    class Inputs(Ports):
        value: int = 1

    class Outputs(Ports):
        result: int

    class Config(Ports):
        by: int = 2

    async def execute(self, inputs, context):
        RAN.append(context.path)
        if inputs.value < 0:
            raise ValueError("no such number")
        return inputs.value * self.config.by


class Newer(Costly):
    """The same, of a newer version."""

    name = "test.costly"

    version = "7"


class Spelled(Task):
    """A text as a stream of letters."""

    name = "test.spelled"
    effect = "none"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        letters: str

    @staticmethod
    def streaming():
        return {"letters": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        RAN.append(context.path)
        for letter in inputs.text:
            await context.push_chunk("letters", letter)


class Sum(Task):
    """The sum of a stream, which is cached."""

    name = "test.cached_sum"
    effect = "none"

    class Inputs(Ports):
        numbers: Chunks[int]

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        RAN.append(context.path)
        return sum(await inputs.numbers.final())


class Parts(Task):
    """The chunks of a stream of text, as they came."""

    name = "test.parts"
    effect = "none"

    class Inputs(Ports):
        letters: Chunks[str]

    class Outputs(Ports):
        result: list[str]

    async def execute(self, inputs, context):
        return [part async for part in inputs.letters]


def registry_with(*more):
    registry = registry_of_tests()
    for each in (*more, Spelled, Sum, Parts):
        registry.register(each)
    return registry


def costly(value=3, **config):
    task = {"id": "costly", "type": "test.costly", "inputs": {"value": value}, "policy": CACHE}
    tasks = [task | ({"config": config} if config else {})]
    return definition_of(tasks, outputs={"n": "costly.result"})


async def ran(store, definition, type_=Costly, **more):
    run = await submit_and_begin(definition, store=store, registry=registry_with(type_), **more)
    return await run.end()


@virtual
async def test_a_second_run_takes_the_result_of_the_first():
    """Engine 7.8."""
    store = MemoryStore()
    first = await ran(store, costly())
    second = await ran(store, costly())

    assert RAN == ["costly"]
    assert outputs_of(first) == outputs_of(second) == {"n": 6}
    assert kinds_of(second, "costly") == ["TaskStarted", "TaskCached"]
    assert second.checkpoints["costly"].cached


@virtual
@pytest.mark.parametrize(
    ("definition", "type_"),
    [(costly(4), Costly), (costly(by=3), Costly), (costly(), Newer)],
)
async def test_other_inputs_settings_or_version_are_another_result(definition, type_):
    """Engine 7.8."""
    store = MemoryStore()
    await ran(store, costly())
    await ran(store, definition, type_)

    assert RAN == ["costly"] * 2


@virtual
async def test_a_result_is_shared_within_a_team_only():
    """Engine 7.8."""
    store = MemoryStore()
    for scope in ("rivers", "hills", "rivers"):
        await ran(store, costly(), scope=scope)

    assert RAN == ["costly"] * 2
    assert {scope for scope, _ in store.cache} == {"rivers", "hills"}


@virtual
async def test_without_the_policy_nothing_is_kept():
    """Engine 7.8."""
    store = MemoryStore()
    await ran(store, definition_of([{"id": "costly", "type": "test.costly"}]))

    assert not store.cache


@virtual
async def test_a_cached_stream_comes_in_the_chunks_it_had():
    """Engine 7.8."""
    spelled = {"id": "spelled", "type": "test.spelled", "inputs": {"text": "abc"}, "policy": CACHE}
    definition = definition_of(
        [spelled, {"id": "parts", "type": "test.parts"}],
        [("spelled.letters", "parts.letters")],
        outputs={"parts": "parts.result", "all": "spelled.letters"},
    )
    store = MemoryStore()
    first, second = await ran(store, definition), await ran(store, definition)

    assert RAN == ["spelled"]
    assert outputs_of(first) == outputs_of(second) == {"parts": ["a", "b", "c"], "all": "abc"}
    batches = await store.read_chunks(second.id, "spelled", "letters", 1)
    assert [item for batch in batches for item in batch.items] == ['"a"', '"b"', '"c"']


@virtual
@pytest.mark.parametrize("handled", [True, False])
async def test_a_failure_is_not_cached_even_if_it_is_handled(handled):
    """Engine 7.8."""
    tasks: list[dict[str, Any]] = [
        {"id": "costly", "type": "test.costly", "inputs": {"value": -1}, "policy": CACHE},
        {"id": "say", "type": "test.fault"},
    ]
    flows = [("costly.[error]", "say.fault")]
    definition = definition_of(tasks, flows) if handled else definition_of(tasks[:1])
    store = MemoryStore()
    await ran(store, definition)
    await ran(store, definition)

    assert RAN == ["costly"] * 2
    assert not store.cache


@virtual
async def test_a_cached_task_waits_until_its_inputs_are_final():
    """Engine 7.8, 4.7."""
    policy = {"retry": {"attempts": 2, "delay": 1, "jitter": False}}
    fail = {"id": "fail", "type": "test.fail", "inputs": {"chunks": 2}, "policy": policy}
    tasks = [fail, {"id": "sum", "type": "test.cached_sum", "policy": CACHE}]
    store = MemoryStore()
    kept = await ran(store, definition_of(tasks, [("fail.numbers", "sum.numbers")]))

    assert (RAN, store.cache) == ([], {})
    assert kept.status is RunStatus.FAILED


@virtual
async def test_a_trial_neither_takes_nor_keeps_a_result():
    """Engine 1.5, 7.8."""
    store = MemoryStore()
    only = {"options": {"only": ("costly",)}}
    await ran(store, costly(), **only)
    assert not store.cache
    await ran(store, costly())
    await ran(store, costly(), **only)

    assert RAN == ["costly"] * 3


@virtual
async def test_a_cancelled_body_leaves_nothing_in_the_cache():
    """Engine 7.8, 5.8."""

    class Slow(Costly):
        """Never done."""

        name = "test.costly"

        async def execute(self, inputs, context):
            await asyncio.sleep(60)

    store = MemoryStore()
    run = await submit_and_begin(costly(), store=store, registry=registry_with(Slow))
    await run.until_event("TaskStarted")
    run.executor.cancel("ada")
    await run.end()

    assert not store.cache


@pytest.mark.parametrize("given", [{"effect": "repeatable"}, {"needs": (Need("git"),)}])
def test_only_a_pure_task_without_needs_is_cached(given):
    """Engine 7.8."""
    refused = type("Refused", (Costly,), {"name": "test.refused", "__doc__": "No.", **given})
    registry = registry_of_tests()
    registry.register(refused)
    task = {"id": "no", "type": "test.refused", "policy": CACHE}
    definition = GraphDefinition.from_json(definition_of([task]))
    with pytest.raises(PlanError, match="cache"):
        plan(definition, {}, registry)


def test_a_key_says_all_that_decides_a_result():
    """Engine 7.8."""
    given = {"value": "1", "other": "2"}
    key = cache_key(Costly(), given)
    swapped = dict(reversed(given.items()))

    assert cache_key(Costly(), swapped) == key
    others = {
        cache_key(Costly({"by": 3}), given),
        cache_key(Newer(), given),
        cache_key(Costly(), {"value": "1"}),
        cache_key(Costly(), given, "another package"),
        cache_key(Sum(), given),
    }
    assert len(others | {key}) == 6
