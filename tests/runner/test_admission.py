"""T24: task types that are not what they were when a run began (P11)."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from runner import Ports, Task, TaskRegistry, task
from runner.execution.background import BackgroundRunner
from runner.execution.memory import MemoryStore
from runner.graph.type_versions import changes_since, signature_of
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.drive import definition_of, kinds_of

EXECUTED: list[str] = []


def registry(version="1", ports="n", compatible=(), *, installed=True):
    """Give a registry with a plus of some version; with other ports if `ports` names another."""

    @task(name="test.plus", version=version, compatible_with=compatible, effect="none")
    async def plus(n: int) -> int:
        EXECUTED.append(version)
        return n + 1

    @task(name="test.plus", version=version, compatible_with=compatible, effect="none")
    async def wide(n: int, by: int = 1) -> int:
        EXECUTED.append(version)
        return n + by

    made = TaskRegistry()
    if installed:
        made.register(plus if ports == "n" else wide)
    return made


PLUS = definition_of(
    [
        {"id": "a", "type": "test.plus", "inputs": {"n": 1}},
        {"id": "b", "type": "test.plus"},
    ],
    [("a.result", "b.n")],
)


class World:
    """A run that began with version 1 and was interrupted, and the processes after that."""

    def __init__(self):
        EXECUTED.clear()
        self.store = MemoryStore()
        kind = registry().get("test.plus")
        self.run = self.store.submit(PLUS, encode({}), types={"test.plus": signature_of(kind)})
        self.kept = self.store.runs[self.run]
        self.kept.seq, self.kept.status = 1, RunStatus.INTERRUPTED

    async def live(self, types):
        """Let a process with these types live for a while."""
        runner = BackgroundRunner(self.store, types, "me")
        runner.start()
        for _ in range(20):
            await asyncio.sleep(0)
        runner.wake()
        await asyncio.sleep(0.05)
        await runner.stop()
        return self.kept.status

    def said(self):
        return [each.event for each in self.kept.entries]


@pytest.fixture
def world() -> Iterator[World]:
    return World()  # type: ignore[return-value] # nothing to tidy up


async def test_what_is_as_it_was_goes_on_without_a_word(world):
    """P11."""
    assert await world.live(registry()) == "completed"
    assert "VersionsTaken" not in kinds_of(world.kept)


async def test_what_is_declared_compatible_goes_on_and_says_so(world):
    """P11."""
    assert await world.live(registry("2", "wide", ("1",))) == "completed"
    (taken,) = [each for each in world.said() if each.kind == "VersionsTaken"]
    assert (taken.actor, taken.changes) == ("", ["test.plus is version 2 now, not 1."])
    assert world.kept.types == taken.types
    assert EXECUTED == ["2", "2"]


@pytest.mark.parametrize(
    ("types", "sentence"),
    [
        (registry("2"), "test.plus is version 2 now, not 1."),
        (registry("1", "wide"), "test.plus has other ports or settings now"),
        (registry(installed=False), "test.plus is not installed any more."),
    ],
    ids=["version", "ports", "gone"],
)
async def test_anything_else_awaits_a_person_and_is_not_tried_again_and_again(
    world, types, sentence
):
    """P11, T24."""
    for _ in range(3):
        assert await world.live(types) == "awaiting"
    (event,) = world.said()
    assert (event.kind, event.reason) == ("RunAwaiting", "version")
    assert event.message.startswith(sentence)
    assert "decide_versions" in event.message
    assert EXECUTED == []


async def test_a_person_lets_it_go_on_with_the_new_version(world):
    """P11."""
    await world.live(registry("2"))
    world.store.ask(world.run, "decide", "alice", {"action": "take"})
    assert await world.live(registry("2")) == "completed"
    (taken,) = [each for each in world.said() if each.kind == "VersionsTaken"]
    assert taken.actor == "alice"
    assert world.store._requests == {}
    assert list(changes_since(world.kept.types, registry("2"))) == []


async def test_a_person_cannot_take_what_is_not_there(world):
    """P11."""
    await world.live(registry(installed=False))
    world.store.ask(world.run, "decide", "alice", {"action": "take"})
    assert await world.live(registry(installed=False)) == "awaiting"
    assert kinds_of(world.kept) == ["RunAwaiting", "RunAwaiting"]
    world.store.ask(world.run, "decide", "alice", {"action": "take"})
    assert await world.live(registry()) == "completed"


@pytest.mark.parametrize(
    ("kind", "payload", "status"),
    [("decide", {"action": "fail"}, "failed"), ("cancel", {}, "cancelled")],
)
async def test_a_person_ends_what_nobody_can_plan(world, kind, payload, status):
    """P11, P8."""
    await world.live(registry(installed=False))
    world.store.ask(world.run, kind, "alice", payload)
    assert await world.live(registry(installed=False)) == status
    assert world.store._requests == {}
    assert EXECUTED == []


async def test_other_runs_go_on_beside_one_that_awaits(world):
    """T24."""
    other = world.store.submit(PLUS, encode({}))
    assert await world.live(registry("2")) == "awaiting"
    assert world.store.runs[other].status == "completed"


def test_a_signature_of_an_earlier_release_is_its_version_alone():
    assert list(changes_since({"test.plus": "1"}, registry("1", "wide"))) == []
    assert len(list(changes_since({"test.plus": "1"}, registry("2")))) == 1


def test_a_type_that_has_no_schema_is_told_apart_by_its_name():
    class Taking(Task):
        name = "test.taking"

        class Inputs(Ports):
            call: Callable[[int], int]

    class TakingTexts(Task):
        name = "test.taking"

        class Inputs(Ports):
            call: Callable[[str], int]

    assert signature_of(Taking) == signature_of(type("Again", (Taking,), {}))
    assert signature_of(Taking) != signature_of(TakingTexts)
