"""Two runners and a store in trouble: each run has one owner, and what is asked reaches it."""

import asyncio

import pytest

from runner.errors import StorageTrouble
from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.asked import CHAIN, Server, quiet
from tests.drive import definition_of, kinds_of, outputs_of
from tests.gates import Gate
from tests.virtual_time import virtual


@pytest.fixture(autouse=True)
def gates():
    Gate.reset()


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
