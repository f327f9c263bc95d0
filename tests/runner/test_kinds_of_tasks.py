"""A task is written as a class or as a function, and says of its kind what others need to know."""

import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.graph.needs import Need
from runner.graph.policy import Policy, Retry
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, task
from tests.drive import outputs_of
from tests.handshake import drive_written, events_of, registry_with, text_of
from tests.planned import written
from tests.under_way import begin, submit_and_begin

NEEDS = (Need("bank", hosts=("bank.example",)),)
POLICY = Policy(retry=Retry(attempts=3), timeout=5.0, idle_timeout=1.0, group="bank")


class Shortened(Task):
    """The beginning of a text."""

    name = "kinds.shorten"
    title = "Shorten it"
    version = "3"
    needs = NEEDS
    policy = POLICY

    class Inputs(Ports):
        text: str
        limit: int = 3

    class Outputs(Ports):
        result: str

    async def execute(self, inputs, context):
        return inputs.text[: inputs.limit]


@task(
    name="kinds.shorten", title="Shorten it", version="3", needs=NEEDS,
    retry=3, timeout=5.0, idle_timeout=1.0, group="bank",
)  # fmt: skip
async def shorten(text: str, limit: int = 3) -> str:
    """The beginning of a text."""
    return text[:limit]


SAID = ["name", "version", "title", "help", "needs", "effect", "policy", "place", "blocking"]


def test_both_spellings_say_the_same_of_a_type():
    """Engine 2.1, 2.5."""
    kinds: list[type[Task]] = [Shortened, shorten]
    one, other = [{name: getattr(kind, name) for name in SAID} for kind in kinds]
    assert one == other
    assert (one["help"], one["effect"]) == ("The beginning of a text.", "repeatable")
    ports = [
        [(port.name, port.type, port.required, port.default) for port in kind().inputs.values()]
        for kind in kinds
    ]
    assert ports[0] == ports[1] == [("text", str, True, None), ("limit", int, False, "3")]
    assert [[*kind().outputs] for kind in kinds] == [["result"], ["result"]]


def test_what_a_type_leaves_unsaid_has_a_default():
    """Engine 2.5, 2.6."""

    class CountWords(Task):
        """Counts.

        And more of it.
        """

    assert {name: getattr(CountWords, name) for name in SAID} == {
        "name": "count_words", "version": "1", "title": "Count words", "help": "Counts.",
        "needs": (), "effect": "repeatable", "policy": Policy(), "place": "", "blocking": False,
    }  # fmt: skip
    assert (Policy().retry.attempts, Policy().cache, Policy().group) == (1, False, "")


def test_a_type_keeps_its_name_whatever_its_class_is_called():
    """Engine 2.5: drawings name it."""

    class Renamed(Shortened):
        name = "kinds.shorten"

    registry = TaskRegistry()
    registry.register(Renamed)
    assert registry.get("kinds.shorten") is Renamed


class Below(Task):
    """The numbers below another one as a stream."""

    name = "kinds.below"
    effect = "none"

    class Inputs(Ports):
        count: int

    class Outputs(Ports):
        result: list[int]

    @staticmethod
    def streaming():
        return {"result": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        for number in range(inputs.count):
            await context.push_chunk("result", number)


@task(name="kinds.below", effect="none")
async def below(count: int) -> AsyncIterator[int]:
    """The numbers below another one as a stream."""
    for number in range(count):
        yield number


@pytest.mark.parametrize("kind", [Below, below], ids=["class", "function"])
async def test_both_spellings_stream_the_same(kind):
    """Engine 2.1, 4.1."""
    one = {"type": "kinds.below", "inputs": {"count": 2}}
    run = await drive_written({"one": one}, "", kind, outputs={"out": "one.result"})
    assert outputs_of(run) == {"out": [0, 1]}
    assert [each.chunks for each in events_of(run, "StreamClosed", "one")] == [2]


# ── threads ─────────────────────────────────────────────────────────────────────────────────────


@task(name="kinds.thread", effect="none")
def in_thread(numbers: Chunks[int], context: Any) -> list[Any]:
    """A sync function, with the plain twins of its stream and its context."""
    context.progress(0.5, "half")
    return [threading.current_thread() is threading.main_thread(), sum(numbers)]


@task(name="kinds.loop", effect="none", blocking=False)
def on_loop() -> bool:
    """A sync function that is too small for a thread."""
    return threading.current_thread() is threading.main_thread()


async def test_a_sync_function_has_a_thread_and_plain_twins_of_what_an_async_one_has():
    """Engine 2.4."""
    run = await drive_written(
        {"emit": "test.emit", "one": "kinds.thread"}, "emit.numbers > one.numbers", in_thread,
        outputs={"out": "one.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"out": [False, 3]}
    assert [each.message for each in events_of(run, "TaskProgressed", "one")] == ["half"]


async def test_a_small_function_may_stay_on_the_event_loop():
    """Engine 2.4."""
    run = await drive_written({"one": "kinds.loop"}, "", on_loop, outputs={"out": "one.result"})
    assert outputs_of(run) == {"out": True}


# ── effects ─────────────────────────────────────────────────────────────────────────────────────


async def test_what_says_nothing_of_its_effect_runs_again_after_a_crash_with_the_same_key():
    """Engine 2.6, 7.1."""
    keys: list[str] = []

    @task(name="kinds.crashes")
    async def crashes(context: Any) -> int:
        keys.append(context.idempotency_key)
        if context.attempt == 1:
            await context.ask({"kind": "approval", "title": "Go on?"})
        return int(context.attempt)

    registry = registry_with(crashes)
    graph = text_of(written({"one": "kinds.crashes"}, outputs={"out": "one.result"}))
    run = await submit_and_begin(graph, registry=registry)
    await run.until_event("TaskAwaiting", "one")
    await run.kill()
    kept = await (await begin(run.store, run.run, registry)).end()
    assert outputs_of(kept) == {"out": 2}
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("effect", "begins"), [("none", True), ("repeatable", False), ("once", False)]
)
async def test_only_what_has_no_effect_begins_on_a_first_chunk(effect, begins):
    """Engine 2.6, 4.8."""

    @task(name="kinds.reads", effect=effect)
    async def reads(numbers: Chunks[int]) -> int:
        return sum([number async for number in numbers])

    run = await drive_written(
        {"emit": {"type": "test.emit", "config": {"yields": 3}}, "reads": "kinds.reads"},
        "emit.numbers > reads.numbers", reads, outputs={"out": "reads.result"},
    )  # fmt: skip
    kinds = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]
    early = kinds.index(("TaskStarted", "reads")) < kinds.index(("TaskCompleted", "emit"))
    assert (outputs_of(run), early) == ({"out": 3}, begins)
