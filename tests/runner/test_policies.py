"""What people ask of runs, through the background runner: each kind, nonsense, two runners."""

import asyncio
from typing import Any

import pytest

from runner.errors import StorageTrouble
from runner.execution.background import BackgroundRunner
from runner.execution.host import Host
from runner.execution.memory import MemoryStore
from runner.execution.store import Request
from runner.graph.values import encode
from runner.library.flow.ask import Ask
from runner.run.status import RunStatus
from tests import virtual_time
from tests.crashing import Crash
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import Gate, OnceGate
from tests.tasks import registry_of_tests
from tests.under_way import UnderWay
from tests.virtual_time import virtual

ASK: dict[str, Any] = {"id": "ask", "type": "flow.ask", "config": {"title": "Go on?"}}
APPROVAL = definition_of([ASK], outputs={"approved": "ask.approved"})
CHAIN = definition_of(
    [{"id": "one", "type": "test.gate"}, {"id": "two", "type": "test.gate"}],
    [("one.result", "two.value")],
)
ONCE = definition_of([{"id": "once", "type": "test.once_gate"}], outputs={"n": "once.result"})


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


class Server(UnderWay):
    """A background runner over a store, and the run that a test looks at."""

    def __init__(self, definition, store=None, owner="one", **more):
        store = store or MemoryStore()
        super().__init__(store, store.submit(definition, encode({}), **more))
        self.runner = self.background(owner)

    def background(self, owner, store=None):
        registry = registry_of_tests()
        for each in (Gate, OnceGate, Ask):
            registry.register(each)
        host = Host(now=virtual_time.now, on_commit=self.on_commit)
        return BackgroundRunner(store or self.store, registry, owner, host=host)

    def ask(self, kind, actor="ada", **payload):
        self.store.ask(self.run, kind, actor, payload)

    async def until_status(self, *statuses):
        await self.until(lambda: self.kept.status in statuses)
        return self.kept

    async def open_requests(self):
        return [each.kind for each in await self.store.requests([self.run])]

    async def __aenter__(self):
        self.runner.start()
        return self

    async def __aexit__(self, *_fault):
        await self.runner.stop()


async def quiet():
    await asyncio.sleep(5)


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


# ── two runners ──────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_two_runners_share_the_runs_and_each_run_has_one_owner():
    """Engine 6.1, 7.1."""
    server = Server(CHAIN)
    others = [server.store.submit(CHAIN, encode({})) for _ in range(60)]
    second = server.background("two")
    Gate.open("one", "two")
    async with server:
        second.start()
        runs = [server.kept, *(server.store.runs[each] for each in others)]
        await server.until(lambda: all(each.status.is_over for each in runs))
        await second.stop()

    assert all(each.status is RunStatus.COMPLETED for each in runs)
    assert all(each.epoch == 1 for each in runs)
    assert all([entry.seq for entry in each.entries] == [*range(1, each.seq + 1)] for each in runs)


@virtual
async def test_a_runner_goes_on_with_what_the_other_one_left():
    """Engine 6.3, 7.1."""
    server = Server(CHAIN)
    second = server.background("two")
    async with server:
        await server.until_event("TaskStarted", "one")
        second.start()
        await server.runner.stop()
        Gate.open("one", "two")
        await server.until_status(RunStatus.COMPLETED)
        await second.stop()

    assert server.kept.epoch == 2


@virtual
async def test_a_run_that_cannot_be_planned_is_set_aside_and_nothing_asked_of_it_hurts():
    """Engine 5.1, 7.7."""
    server = Server(definition_of([{"id": "one", "type": "test.unheard_of"}]))
    other = server.store.submit(CHAIN, encode({}))
    Gate.open("one", "two")
    async with server:
        await server.until(lambda: server.store.runs[other].status.is_over)
        for kind in ("cancel", "pause", "answer", "resume"):
            server.ask(kind)
        await quiet()

    assert server.kept.status is RunStatus.QUARANTINED
    assert "test.unheard_of" in server.kept.problem
    assert server.kept.owner == ""


@virtual
async def test_a_store_in_trouble_delays_a_run_and_what_is_asked_of_it():
    """Engine 7.5."""

    class Troubled(MemoryStore):
        trouble = False

        async def commit(self, batch):
            if self.trouble:
                raise StorageTrouble("the disk is full")
            await super().commit(batch)

    store = Troubled()
    async with Server(CHAIN, store) as server:
        await server.until_event("TaskStarted")
        store.trouble = True
        server.ask("cancel")
        await quiet()
        assert await server.open_requests() == ["cancel"]
        store.trouble = False
        await server.until_status(RunStatus.CANCELLED)
        await quiet()
        assert await server.open_requests() == []


@virtual
@pytest.mark.parametrize("notices", ["a commit", "a renewal"])
async def test_a_run_that_was_taken_leaves_what_was_asked_to_its_new_owner(notices):
    """Engine 6.3, 7.5."""
    async with Server(CHAIN) as server:
        await server.until_event("TaskStarted")
        server.kept.epoch += 1
        server.kept.owner = "somebody"
        if notices == "a commit":
            Gate.open("one")
        await asyncio.sleep(10)
        server.ask("cancel")
        await quiet()
        assert server.runner.executors == {}
        assert await server.open_requests() == ["cancel"]


@virtual
async def test_a_run_whose_results_cannot_be_read_now_is_tried_again():
    """Engine 7.5."""

    class Unreadable(MemoryStore):
        troubles = 2

        async def read_chunks(self, run, path, port, attempt):
            if self.troubles:
                self.troubles -= 1
                raise StorageTrouble("the disk is away")
            return await super().read_chunks(run, path, port, attempt)

    tasks = [{"id": "emit", "type": "test.emit"}, {"id": "gate", "type": "test.gate"}]
    definition = definition_of(tasks, outputs={"numbers": "emit.numbers"})
    server = Server(definition, Unreadable())
    async with server:
        await server.until_event("TaskCompleted", "emit")
    Gate.open("gate")
    server.runner = server.background("two")
    async with server:
        kept = await server.until_status(RunStatus.COMPLETED)

    assert outputs_of(kept) == {"numbers": [0, 1, 2]}
    assert vars(server.store)["troubles"] == 0


@virtual
async def test_a_run_that_the_store_does_not_let_go_is_found_by_the_next_claim():
    """Engine 7.5."""

    class Clinging(MemoryStore):
        troubles = 1

        async def release(self, owner, runs, *rest):
            if self.troubles:
                self.troubles -= 1
                raise StorageTrouble("the disk is away")
            await super().release(owner, runs, *rest)

    Gate.open("one", "two")
    store = Clinging()
    async with Server(CHAIN, store) as server:
        await server.until_status(RunStatus.COMPLETED)
        other = store.submit(CHAIN, encode({}))
        await server.until(lambda: store.runs[other].status is RunStatus.COMPLETED)

    assert store.troubles == 0


@virtual
async def test_a_runner_that_never_began_stops():
    """Engine 5.1."""
    server = Server(CHAIN)
    await server.runner.stop()

    assert server.kept.status is RunStatus.QUEUED


@virtual
async def test_what_a_runner_claims_as_it_stops_it_gives_back():
    """Engine 5.1, 6.3."""

    class Slow(MemoryStore):
        async def claim(self, *asked):
            await asyncio.sleep(1)
            return await super().claim(*asked)

    server = Server(CHAIN, Slow())
    server.runner.start()
    await asyncio.sleep(0.5)
    await server.runner.stop()

    assert server.kept.owner == ""
    assert kinds_of(server.kept) == []
