"""A budget of retries holds over processes: a crash gives nobody another attempt; a person does."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from runner.errors import MissingCredential
from runner.execution.memory import MemoryRun, MemoryStore
from runner.graph.building import GraphBuilder
from runner.graph.loops import Map
from runner.graph.task import task
from runner.run.checkpoint import TaskCheckpoint
from runner.run.events import SHORT_CHARACTERS, TaskError, TaskRetrying
from runner.run.status import RunStatus
from tests.handshake import events_of, registry_with, text_of
from tests.planned import control, written
from tests.runs import crash_everywhere
from tests.tasks import Emit, observe
from tests.under_way import begin, submit_and_begin
from tests.virtual_time import virtual

AGAIN: dict[str, Any] = {"retry": {"attempts": 3, "delay": 0}}
PATIENT: dict[str, Any] = {"retry": {"attempts": 3, "delay": 10, "jitter": False}}


@task(name="never.works", effect="none")
async def never_works(context: Any, item: int = 0) -> int:
    """Fail, at some length."""
    observe(context)
    raise ValueError("no such luck " * 100)


def boxed(inner: dict[str, Any]) -> dict[str, Any]:
    """A task that fails, in what grants three attempts."""
    return written({"box": {**inner, "policy": PATIENT}})


ITEM = written({"one": "never.works"}, "$inputs.item > one.item",
               inputs={"item": "int"}, outputs={"number": "one.result"})  # fmt: skip
GRAPHS = {
    "": written({"one": {"type": "never.works", "policy": PATIENT}}),
    "box": boxed(control("graph", written({"one": "never.works"}))),
    "map": written(
        {"box": {**control("map", ITEM, over=["item"]), "inputs": {"item": [5]}, "policy": PATIENT}}
    ),
}


async def killed_after(graph: dict[str, Any], retries: int) -> MemoryStore:
    """Kill the process while it waits, with so many attempts granted."""
    run = await submit_and_begin(text_of(graph), registry=registry_with(never_works))
    await run.until(lambda: len(run.events("TaskRetrying")) >= retries)
    assert len(run.events("TaskRetrying")) == retries
    await run.kill()
    return run.store


async def gone_on(store: MemoryStore) -> MemoryRun:
    """Let the next process drive the only run to its end."""
    (run,) = store.runs
    return await (await begin(store, run, registry_with(never_works))).end()


@virtual
@pytest.mark.parametrize("retries", [1, 2])
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=["task", "compound", "map"])
async def test_a_killed_process_gives_no_further_attempts(graph, retries):
    """Engine 5.5, 7.9: three attempts in all, whoever grants them, whatever dies in between."""
    run = await gone_on(await killed_after(graph, retries))
    assert run.status is RunStatus.FAILED
    assert len(events_of(run, "TaskRetrying")) == 2


@virtual
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=["task", "compound", "map"])
async def test_a_person_who_lets_a_run_go_on_gives_every_budget_anew(graph):
    """Engine 5.5, 7.6."""
    store = await killed_after(graph, 1)
    run = await gone_on(store)
    store.ask(run.id, "resume", "alice")
    (stored,) = await store.claim("test", 1)
    assert stored.reopened
    await store.release("test", [run.id])
    await gone_on(store)
    assert len(events_of(run, "TaskRetrying")) == 4
    assert run.status is RunStatus.FAILED


@virtual
async def test_the_record_says_in_short_how_the_last_attempt_failed():
    """Engine 5.5, 6.4: without trace, and at most a line of it."""
    store = await killed_after(GRAPHS["box"], 2)
    (run,) = store.runs.values()
    kept = run.checkpoints["box"]
    assert (kept.has_result, kept.failures) == (False, 2)
    assert kept.last_error is not None
    assert (kept.last_error.type, kept.last_error.task) == ("ValueError", "box/one")
    assert (len(kept.last_error.message), kept.last_error.trace) == (SHORT_CHARACTERS, "")


async def test_no_budget_of_an_item_is_larger_for_a_crash_at_any_moment(monkeypatch):
    """Engine 4.7, 5.5, 7.9: of a task, and of a compound, along a stream."""
    inner, box = GraphBuilder("inner"), GraphBuilder("box")
    number = inner.input("item", "int")
    box.output("two", box.add("each", never_works, item=box.input("item", "int")).result)
    inner.output("one", inner.add("alone", never_works, item=number, policy=AGAIN).result)
    inner.output("two", inner.add("box", box.as_task(), item=number, policy=AGAIN).two)
    graph = GraphBuilder("graph")
    graph.add(
        "map", Map.of(inner.as_task(), over=["item"]), item=graph.add("emit", Emit, count=1).numbers
    )
    for ran in await crash_everywhere(graph, monkeypatch):
        granted = [each for each in ran.events if isinstance(each, TaskRetrying)]
        assert Counter(each.by or each.path for each in granted) == {
            "map[0]/alone": 2,
            "map[0]/box": 2,
        }


async def test_an_attempt_that_a_person_grants_is_charged_to_nobody():
    """Engine 5.5, 6.6: a credential that was renewed uses up no attempt."""

    @task(name="wants.more", effect="none")
    async def wants_more(context: Any) -> int:
        if context.attempt == 1:
            raise MissingCredential("mail")
        if context.attempt == 2:
            raise ValueError("not yet")
        return 3

    graph = {"one": {"type": "wants.more", "policy": {"retry": {"attempts": 2, "delay": 0}}}}
    run = await submit_and_begin(
        text_of(written(graph, outputs={"number": "one.result"})),
        registry=registry_with(wants_more),
    )
    await run.until_event("TaskAwaiting", "one")
    run.executor.renew("alice")
    kept = await run.end()
    assert kept.status is RunStatus.COMPLETED
    assert [each.actor for each in events_of(kept, "TaskRetrying")] == ["alice", ""]
    assert kept.checkpoints["one"].failures == 1


FAILED = TaskError(type="ValueError", message="no", trace="Traceback", task="one")
KEPT = TaskCheckpoint(path="one", attempt=3, seq=9, failures=2, last_error=FAILED.short())


@pytest.mark.parametrize(
    ("kept", "opened"),
    [
        (KEPT, replace(KEPT, failures=0)),
        (replace(KEPT, error=FAILED), replace(KEPT, failures=0, done=False)),
        (replace(KEPT, ended="cancelled"), replace(KEPT, failures=0, done=False)),
        (
            replace(KEPT, error=FAILED, handled=True),
            replace(KEPT, error=FAILED, handled=True, failures=0),
        ),
    ],
    ids=["completed", "failed", "cancelled", "handled"],
)
def test_a_reopened_record_has_its_budget_whole_and_says_how_it_had_failed(kept, opened):
    """Engine 5.5, 7.6."""
    assert kept.reopened() == opened


def test_a_record_that_has_nothing_to_reopen_stays_what_it_is():
    """Engine 7.6: so that a store writes it no second time."""
    kept = TaskCheckpoint(path="one", attempt=1, seq=2)
    assert kept.reopened() is kept


def test_a_record_of_the_second_version_has_counted_no_failures():
    """Promise P11."""
    said = json.dumps({"v": 2, "path": "one", "attempt": 2, "seq": 7, "done": False})
    kept = TaskCheckpoint.from_json(said)
    assert (kept.attempt, kept.failures, kept.last_error) == (2, 0, None)
