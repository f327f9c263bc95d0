"""Saved state: what a body keeps on its way, and what it may do with it later."""

import asyncio
from typing import Any

import pytest

from runner.execution import run_log
from runner.execution.memory import MemoryRun
from runner.graph.task import Task, task
from runner.graph.values import decode
from runner.run.status import RunStatus
from tests import saving
from tests.drive import outputs_of
from tests.handshake import drive_written, events_of, registry_with, steps_of, text_of
from tests.planned import control, written
from tests.saving import PUSHED, live
from tests.under_way import UnderWay, begin, submit_and_begin

SAVERS: tuple[type[Task], ...] = (saving.Count, saving.Totals)
COUNTED = text_of(
    written(
        {"count": {"type": "saving.count", "config": {"every": 2, "yields": 1}},
         "totals": {"type": "saving.totals", "config": {"every": 1}}, "double": "test.double",
         "note": "test.note"},
        "count.numbers > totals.numbers; totals.numbers > double.numbers; "
        "totals.result > note.values",
        outputs={"numbers": "count.numbers", "totals": "totals.numbers",
                 "doubled": "double.numbers", "note": "note.result"},
    )
)  # fmt: skip
WHOLE = {
    "numbers": [0, 1, 2, 3, 4, 5], "totals": [0, 1, 3, 6, 10, 15],
    "doubled": [0, 2, 6, 12, 20, 30], "note": 15,
}  # fmt: skip


def chunks_of(run: MemoryRun, path: str, attempt: int) -> list[int]:
    """Give the kept chunks of an attempt; they are numbered without gap or overlap."""
    found: list[int] = []
    for each in run.chunks:
        if (each.path, each.attempt) == (path, attempt):
            assert each.first == len(found)
            found += [decode(item) for item in each.items]
    return found


async def dies_after(commits: list[int]) -> MemoryRun:
    """Run the counting graph through crashes after so many commits each."""
    return await live(COUNTED, commits, registry_with(*SAVERS))


# ── crashes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [1, 4])
async def test_a_crash_after_any_commit_changes_nothing(monkeypatch, batch):
    """Engine 7.4, 7.9: a streaming task and its consumer, both with saved state."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", batch)
    whole = await dies_after([])
    assert outputs_of(whole) == WHOLE
    resumed = 0
    for commits in range(len(whole.entries)):
        run = await dies_after([commits, commits % 7])
        assert run.status is RunStatus.COMPLETED
        assert outputs_of(run) == WHOLE, commits
        for path in ("count", "totals"):
            (completed,) = events_of(run, "TaskCompleted", path)
            kept = chunks_of(run, path, completed.attempt)
            assert kept == WHOLE["numbers" if path == "count" else "totals"], commits
            resumed += len(events_of(run, "StreamResumed", path))
    assert resumed > 0


async def test_what_was_saved_is_not_pushed_again(monkeypatch):
    """Engine 7.4: the prefix is kept for the new attempt."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    whole = await dies_after([])
    saves = [each.seq for each in whole.entries if each.event.kind == "StateSaved"
             and getattr(each.event, "path", "") == "count"]  # fmt: skip
    at = saves[1]
    PUSHED.clear()
    run = await dies_after([at])
    (event,) = events_of(run, "StreamResumed", "count")
    assert (event.attempt, event.chunks) == (2, 3)
    assert [number for path, number in PUSHED if path == "count"].count(0) == 1
    assert chunks_of(run, "count", 2) == [0, 1, 2, 3, 4, 5]


async def test_what_came_after_the_saved_state_counts_no_longer():
    """Engine 7.4: the rest is superseded, and comes anew."""

    class Saves(saving.Count):
        name = "saves.early"

        async def execute(self, inputs, context):
            if context.saved_state is None:
                await context.push_chunk("numbers", 1)
                await context.save_state("one")
                await context.push_chunk("numbers", 99)
                raise ValueError("after a chunk too many")
            assert context.saved_state == "one"
            assert context.resume_stream("numbers") == 1
            await context.push_chunk("numbers", 2)

    policy = {"retry": {"attempts": 2, "delay": 0}}
    run = await drive_written(
        {"saves": {"type": "saves.early", "policy": policy}, "double": "test.double"},
        "saves.numbers > double.numbers", Saves,
        outputs={"numbers": "saves.numbers", "doubled": "double.numbers"},
    )  # fmt: skip
    assert outputs_of(run) == {"numbers": [1, 2], "doubled": [2, 4]}
    assert chunks_of(run, "saves", 2) == [1, 2]
    assert [each.attempt for each in events_of(run, "StreamSuperseded", "saves")] == [1]


async def test_a_task_with_saved_state_inside_a_map_goes_on_after_any_crash(monkeypatch):
    """Engine 4.10, 7.4: items of a map along a stream are not there before their chunks."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    item = written({"count": "saving.count", "total": "test.total"},
                   "$inputs.item > count.count; count.numbers > total.numbers",
                   inputs={"item": "int"}, outputs={"total": "total.result"})  # fmt: skip
    graph = text_of(
        written({"emit": {"type": "test.emit", "inputs": {"count": 4}, "config": {"yields": 4}},
                 "map": control("map", item, over=["item"])}, "emit.numbers > map.item",
                outputs={"totals": "map.total"})
    )  # fmt: skip
    registry = registry_with(*SAVERS)
    whole = await live(graph, [], registry)
    assert outputs_of(whole) == {"totals": [0, 0, 1, 3]}
    for commits in range(len(whole.entries)):
        run = await live(graph, [commits], registry)
        assert outputs_of(run) == {"totals": [0, 0, 1, 3]}, commits


# ── what a body may do with it ──────────────────────────────────────────────────────────────────


async def test_each_save_in_a_loop_is_kept_when_it_returns():
    """Engine 7.4: it commits with all earlier chunks and the places in the streams."""
    under_way: list[UnderWay] = []
    begun = asyncio.Event()

    class Checks(saving.Count):
        name = "checks.saves"

        async def execute(self, inputs, context):
            for number in range(20):
                await context.push_chunk("numbers", number)
                await context.save_state({"number": number})
                kept = under_way[0].kept
                saved = kept.checkpoints["checks"].saved
                assert saved is not None
                assert decode(saved.value) == {"number": number}
                assert saved.outputs == {"numbers": number + 1}
                assert len(chunks_of(kept, "checks", 1)) == number + 1

    @task(name="waits.first", effect="none")
    async def waits() -> int:
        await begun.wait()
        return 20

    graph = written({"waits": "waits.first", "checks": "checks.saves"},
                    "waits.result > checks.count")  # fmt: skip
    under_way.append(await submit_and_begin(text_of(graph), registry=registry_with(Checks, waits)))
    begun.set()
    kept = await under_way[0].end()
    assert kept.status is RunStatus.COMPLETED
    assert len(events_of(kept, "StateSaved", "checks")) == 20
    assert kept.checkpoints["checks"].saved is None


async def test_the_idempotency_key_is_the_same_in_every_attempt_and_life():
    """Engine 7.1: the hash of run and path."""
    keys: dict[str, set[str]] = {}

    @task(name="tells.key", effect="repeatable", retry=2)
    async def tells(context: Any) -> int:
        keys.setdefault(context.path, set()).add(context.idempotency_key)
        await context.save_state(context.attempt)
        if context.attempt < 3:
            raise ValueError("once more")
        return 1

    policy = {"retry": {"attempts": 9, "delay": 0}}
    graph = written({"one": {"type": "tells.key", "policy": policy},
                     "two": {"type": "tells.key", "policy": policy}})  # fmt: skip
    run = await live(text_of(graph), [5, 4, 3], registry_with(tells))
    assert run.status is RunStatus.COMPLETED
    assert {path: len(found) for path, found in keys.items()} == {"one": 1, "two": 1}
    assert keys["one"] != keys["two"]


async def refused(body: Any) -> str:
    """Run one body of a streaming task; give what it failed with."""

    class Refused(saving.Count):
        name = "is.refused"

        async def execute(self, inputs, context):
            await body(context)

    run = await drive_written({"one": "is.refused"}, "", Refused)
    (failed,) = events_of(run, "TaskFailed")
    return str(failed.error.message)


async def test_a_stream_without_saved_state_cannot_be_resumed():
    """Engine 7.4."""

    async def body(context: Any) -> None:
        context.resume_stream("numbers")

    assert "has no saved state" in await refused(body)


async def test_a_stream_that_has_begun_cannot_be_resumed():
    """Engine 7.4."""

    async def body(context: Any) -> None:
        await context.save_state(1)
        await context.push_chunk("numbers", 1)
        context.resume_stream("numbers")

    assert "has no saved state" in await refused(body)

    class Late(saving.Count):
        name = "resumes.late"

        async def execute(self, inputs, context):
            if context.saved_state is None:
                await context.save_state(1)
                raise ValueError("once more")
            await context.push_chunk("numbers", 1)
            context.resume_stream("numbers")

    policy = {"retry": {"attempts": 2, "delay": 0}}
    run = await drive_written({"late": {"type": "resumes.late", "policy": policy}}, "", Late)
    (failed,) = events_of(run, "TaskFailed", "late")
    assert "has chunks already" in failed.error.message


async def test_a_stream_saved_without_a_chunk_is_resumed_from_none():
    """Engine 7.4."""

    class Empty(saving.Count):
        name = "saves.first"

        async def execute(self, inputs, context):
            if context.saved_state is None:
                await context.save_state("begun")
                raise ValueError("once more")
            assert context.resume_stream("numbers") == 0
            await context.push_chunk("numbers", 1)

    policy = {"retry": {"attempts": 2, "delay": 0}}
    run = await drive_written({"one": {"type": "saves.first", "policy": policy}}, "", Empty,
                              outputs={"numbers": "one.numbers"})  # fmt: skip
    assert outputs_of(run) == {"numbers": [1]}
    assert "StreamResumed" not in steps_of(run, "one")


async def test_a_body_that_began_its_stream_anew_may_go_on_from_the_old_state_later():
    """Engine 7.4: the state stays until it is saved again."""

    class Anew(saving.Count):
        name = "begins.anew"

        async def execute(self, inputs, context):
            if context.attempt == 1:
                await context.push_chunk("numbers", 1)
                await context.save_state("one")
            elif context.attempt == 2:
                await context.push_chunk("numbers", 77)
            else:
                assert context.resume_stream("numbers") == 1
                await context.push_chunk("numbers", 2)
                return
            raise ValueError("once more")

    policy = {"retry": {"attempts": 3, "delay": 0}}
    run = await drive_written({"one": {"type": "begins.anew", "policy": policy}}, "", Anew,
                              outputs={"numbers": "one.numbers"})  # fmt: skip
    assert outputs_of(run) == {"numbers": [1, 2]}


async def test_a_state_whose_chunks_are_gone_is_not_used():
    """Engine 7.4: without its prefix the attempt begins anew."""
    registry = registry_with(*SAVERS)
    graph = written({"count": {"type": "saving.count", "config": {"every": 1}}},
                    outputs={"numbers": "count.numbers"})  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event("StateSaved", "count")
    await run.kill()
    run.kept.chunks.clear()
    PUSHED.clear()
    kept = await (await begin(run.store, run.run, registry)).end()
    assert outputs_of(kept) == {"numbers": [0, 1, 2, 3, 4, 5]}
    assert PUSHED[0] == ("count", 0)
