"""What people ask of runs, through the background runner: each kind, nonsense, what is lost."""

import asyncio
from typing import Any

import pytest

from runner.execution.memory import MemoryStore
from runner.execution.store import Request
from runner.run.status import RunStatus
from tests import virtual_time
from tests.asked import APPROVAL, ASK, CHAIN, ONCE, Server, quiet
from tests.crashing import Crash
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import Gate
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


# ── every kind ───────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_pause_and_going_on_are_asked_for():
    """Engine 6.3, 5.1."""
    async with Server(CHAIN) as server:
        await server.until_event("TaskStarted", "one")
        server.ask("pause")
        paused = await server.until_event("RunPaused")
        Gate.open("one", "two")
        await quiet()
        assert Gate.begun == ["one"]
        server.ask("continue", "bob")
        await server.until_status(RunStatus.COMPLETED)
        await quiet()

    assert (paused.actor, server.events("RunContinued")[0].actor) == ("ada", "bob")
    assert await server.open_requests() == []


@virtual
async def test_what_is_asked_becomes_an_event_within_a_second():
    """Engine 6.3."""
    async with Server(CHAIN) as server:
        await server.until_event("TaskStarted", "one")
        asked = virtual_time.passed()
        server.ask("cancel")
        await server.until_event("RunCancelling")
        assert virtual_time.passed() - asked <= 1.01
        await server.until_status(RunStatus.CANCELLED)


@virtual
async def test_a_run_that_is_cancelled_before_anybody_took_it_ends_cancelled():
    """Engine 6.3, 5.8."""
    server = Server(CHAIN)
    server.ask("cancel")
    async with server:
        await server.until_status(RunStatus.CANCELLED)
        await quiet()

    assert kinds_of(server.kept)[0] == "RunStarted"
    assert "TaskStarted" not in kinds_of(server.kept, "two")
    assert await server.open_requests() == []


@virtual
async def test_an_answer_is_taken_and_its_actor_named():
    """Engine 6.3, 8.1."""
    async with Server(APPROVAL) as server:
        await server.until_event("TaskAwaiting")
        server.ask("answer", path="ask", value={"approved": True})
        kept = await server.until_status(RunStatus.COMPLETED)

    assert outputs_of(kept) == {"approved": True}
    assert server.events("TaskAnswered")[0].actor == "ada"


@virtual
@pytest.mark.parametrize("tries", range(3))
async def test_an_answer_while_no_process_lives_is_taken_by_the_next(tries):
    """Engine 6.3."""
    server = Server(APPROVAL)
    async with server:
        await server.until_event("TaskAwaiting")
    server.ask("answer", path="ask", value={"approved": True})
    server.runner = server.background("two")
    async with server:
        for _ in range(tries):
            server.runner.wake()
            await asyncio.sleep(0)
        kept = await server.until_status(RunStatus.COMPLETED)
        await quiet()

    assert outputs_of(kept) == {"approved": True}
    assert await server.open_requests() == []


@virtual
async def test_a_decision_is_taken_with_its_outputs():
    """Engine 7.3."""
    async with Server(ONCE) as server:
        await server.until_event("TaskStarted")
    server.runner = server.background("two")
    async with server:
        await server.until_event("RunAwaiting")
        server.ask("decide", path="once", action="complete", outputs={"result": 7})
        kept = await server.until_status(RunStatus.COMPLETED)

    assert outputs_of(kept) == {"n": 7}
    assert Gate.begun == ["once"]


# ── nonsense ─────────────────────────────────────────────────────────────────────────────────────

NONSENSE: list[tuple[str, dict[str, Any]]] = [
    ("answer", {}),
    ("answer", {"path": "ask", "value": float("nan")}),
    ("answer", {"path": ["ask"], "value": object()}),
    ("answer", {"path": "ask", "value": object()}),
    ("answer", {"path": "nowhere", "value": 1}),
    ("decide", {}),
    ("decide", {"path": "ask", "action": "explode"}),
    ("decide", {"path": "once", "action": "explode"}),
    ("decide", {"path": "once"}),
    ("decide", {"path": "once", "action": "complete"}),
    ("decide", {"path": "once", "action": "complete", "outputs": [1]}),
    ("decide", {"path": "once", "action": "complete", "outputs": "7"}),
    ("decide", {"path": "once", "action": "complete", "outputs": {"result": "seven"}}),
    ("decide", {"path": "once", "action": "complete", "outputs": {"result": 1, "more": 2}}),
    ("decide", {"path": {"once": 1}, "action": "retry"}),
    ("sing", {"path": "once"}),
    ("", {}),
    ("resume", {}),
    ("continue", {}),
    ("renew", {"path": 3}),
]


@virtual
async def test_nonsense_is_closed_and_changes_nothing():
    """Engine 6.3, 5.3."""
    tasks = [ASK, {"id": "once", "type": "test.once_gate"}]
    server = Server(definition_of(tasks))
    async with server:
        await server.until_event("TaskStarted", "once")
        await server.until_event("TaskAwaiting", "ask")
    server.runner = server.background("two")
    async with server:
        await server.until_event("RunAwaiting")
        before = len(server.kept.entries)
        for kind, payload in NONSENSE:
            server.store.ask(server.run, kind, "eve", payload)
        await quiet()
        assert [each.event for each in server.kept.entries[before:]] == []
        assert await server.open_requests() == []
        server.ask("answer", path="ask", value={"approved": True})
        server.ask("decide", path="once", action="complete", outputs={"result": 1})
        await server.until_status(RunStatus.COMPLETED)


@virtual
@pytest.mark.parametrize("payload", [None, [], "text", 7])
async def test_a_payload_that_is_no_object_does_not_stop_the_others(payload):
    """Engine 6.3, 6.2."""
    async with Server(CHAIN) as server:
        await server.until_event("TaskStarted")
        request = Request(id="request-0", run=server.run, kind="answer", actor="eve")
        object.__setattr__(request, "payload", payload)
        server.store._requests["request-0"] = request
        server.ask("cancel")
        await server.until_status(RunStatus.CANCELLED)
        await quiet()

    assert await server.open_requests() == []


@virtual
async def test_an_act_that_fails_is_logged_and_closed(caplog):
    """Engine 6.2, 6.3."""
    async with Server(CHAIN) as server:
        await server.until_event("TaskStarted")

        def broken(_actor):
            raise RuntimeError("a fault of ours")

        server.runner.executors[server.run].renew = broken
        server.runner.executors[server.run].desk.waits.renew = broken
        server.ask("renew")
        server.ask("cancel")
        await server.until_status(RunStatus.CANCELLED)

    assert "the request 'renew' failed" in caplog.text


# ── nothing asked is lost ────────────────────────────────────────────────────────────────────────


class Stumbling(MemoryStore):
    """Keeps nothing from a point on, as a process does that dies."""

    dead = False

    async def commit(self, batch):
        if self.dead:
            raise Crash("the process died")
        await super().commit(batch)


@virtual
async def test_what_was_asked_stays_open_until_what_came_of_it_is_kept():
    """Engine 6.3, 7.1."""
    store = Stumbling()
    server = Server(APPROVAL, store)
    async with server:
        await server.until_event("TaskAwaiting")
        store.dead = True
        server.ask("answer", path="ask", value={"approved": True})
        await quiet()
        assert await server.open_requests() == ["answer"]
    store.dead = False
    server.kept.status, server.kept.owner = RunStatus.RUNNING, ""
    server.runner = server.background("two")
    async with server:
        kept = await server.until_status(RunStatus.COMPLETED)
        await quiet()

    assert outputs_of(kept) == {"approved": True}
    assert await server.open_requests() == []


@virtual
async def test_what_was_asked_of_a_run_that_ended_is_not_asked_of_it_when_it_goes_on():
    """Engine 6.3."""
    fails = definition_of([{"id": "fail", "type": "test.fail"}, {"id": "one", "type": "test.gate"}])
    Gate.open("one")
    async with Server(fails) as server:
        await server.until_status(RunStatus.FAILED)
        await quiet()
        server.ask("cancel")
        await quiet()
        server.ask("resume")
        await server.until_event("RunFailed", times=2)
        await quiet()

    assert "RunCancelling" not in kinds_of(server.kept)
    assert await server.open_requests() == []
