"""Saved state: what a body keeps on its way, and when an attempt after it may go on from there."""

import asyncio
from typing import Any

import pytest

from runner.execution import run_log
from runner.execution.memory import MemoryRun
from runner.graph.ports import Chunks
from runner.graph.registry import TaskRegistry
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


# ── when it holds ───────────────────────────────────────────────────────────────────────────────


class Source:
    """A stream whose chunks tell the attempts apart unless it `keeps` so many of them.

    Its first attempt waits at the end until it is killed.
    """

    def __init__(self, keeps: int = 0) -> None:
        class Tells(saving.Count):
            name = "tells.attempts"

            async def execute(self, inputs, context):
                begun = 0
                if context.saved_state is not None:
                    begun = context.resume_stream("numbers")
                for number in range(begun, 4):
                    await context.push_chunk("numbers", 10 * context.attempt + number)
                    if number + 1 == keeps:
                        await context.save_state(True)
                if context.attempt == 1:
                    await asyncio.Event().wait()

        self.task = Tells


class Reader:
    """Reads a stream and saves its state at chunk `at`; `found` is what each attempt began with."""

    def __init__(self, at: int, port: str = "numbers") -> None:
        found: list[Any] = []
        self.found = found

        @task(name="reads.on", effect="none")
        async def reads(numbers: Chunks[int], context: Any) -> list[int]:
            found.append(context.saved_state)
            read: list[int] = context.saved_state or []
            seen = 0
            async for number in numbers:
                seen += 1
                if seen > len(read):
                    read.append(number)
                    if seen == at:
                        await context.save_state(read)
            return read

        @task(name="reads.several", effect="none")
        async def several(streams: list[Chunks[int]], context: Any) -> list[int]:
            found.append(context.saved_state)
            read: list[int] = context.saved_state or []
            seen = 0
            for stream in streams:
                async for number in stream:
                    seen += 1
                    if seen > len(read):
                        read.append(number)
                        if seen == at:
                            await context.save_state(read)
            return read

        self.tasks = (reads, several)


async def killed_at(saved: str, graph: dict[str, Any], registry: TaskRegistry) -> UnderWay:
    """Run until a task has saved its state, kill the process, and take the run up again."""
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event("StateSaved", saved)
    await run.kill()
    return await begin(run.store, run.run, registry)


SECOND = [20, 21, 22, 23]


@pytest.mark.parametrize(
    ("keeps", "at", "found", "read"),
    [
        (0, 2, None, SECOND),
        (1, 2, None, [10, 21, 22, 23]),
        (2, 2, [10, 11], [10, 11, 22, 23]),
        (3, 2, [10, 11], [10, 11, 12, 23]),
    ],
)
async def test_it_holds_only_if_the_stream_kept_what_was_read_of_it(keeps, at, found, read):
    """Engine 7.4: dropped if an input stream's attempt changed without keeping that prefix."""
    source, reader = Source(keeps), Reader(at)
    graph = written({"source": "tells.attempts", "reads": "reads.on"},
                    "source.numbers > reads.numbers", outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry_with(source.task, *reader.tasks))
    assert outputs_of(await run.end()) == {"read": read}
    assert reader.found == [None, found]


@pytest.mark.parametrize(("keeps", "found"), [(0, None), (2, [10, 11])])
async def test_it_counts_what_was_read_of_each_of_several_streams(keeps, found):
    """Engine 3.2, 7.4."""
    source, reader = Source(keeps), Reader(2)
    graph = written({"source": "tells.attempts", "reads": "reads.several", "emit": "test.emit"},
                    "source.numbers > reads.streams; emit.numbers > reads.streams",
                    outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry_with(source.task, *reader.tasks))
    kept = found or [20, 21]
    assert outputs_of(await run.end()) == {"read": [*kept, 22, 23, 0, 1, 2]}
    assert reader.found == [None, found]


async def test_it_holds_though_its_stream_has_gone_on_and_ended_in_another_life():
    """Engine 7.4: the stream kept the prefix two lives ago."""
    source, reader = Source(2), Reader(2)
    registry = registry_with(source.task, *reader.tasks)
    graph = written({"source": "tells.attempts", "reads": "reads.on"},
                    "source.numbers > reads.numbers", outputs={"read": "reads.result"})  # fmt: skip
    run = await killed_at("reads", graph, registry)
    await run.until_event("TaskCompleted", "source")
    if run.kept.status is RunStatus.RUNNING:
        await run.kill()
        run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"read": [10, 11, 22, 23]}
    assert reader.found[1:] == [[10, 11]] * (len(reader.found) - 1)


class Below:
    """Keeps what it was given, by saved state or by a decision, then waits in its first life."""

    def __init__(self) -> None:
        self.lives = 0

        @task(name="below.saves", effect="none")
        async def saves(number: int, context: Any) -> int:
            self.lives += 1
            if context.saved_state is None:
                await context.save_state(number)
            if self.lives == 1:
                await asyncio.Event().wait()
            return context.saved_state or number

        @task(name="below.decides", effect="none")
        async def decides(number: int, context: Any) -> int:
            self.lives += 1
            decided: int = await context.decide("number", lambda: number)
            if self.lives == 1:
                await asyncio.Event().wait()
            return decided

        self.tasks = (saves, decides)


@pytest.mark.parametrize(("below", "kind"), [("below.saves", "StateSaved"),
                                             ("below.decides", "DecisionMade")])  # fmt: skip
async def test_what_was_kept_of_a_provisional_value_is_lost_with_it(below, kind):
    """Engine 4.7: saved state and decisions below a stream whose process died."""
    source, tasks = Source(), Below().tasks
    registry = registry_with(source.task, *tasks)
    graph = written({"source": "tells.attempts", "first": "test.first", "below": below},
                    "source.numbers > first.numbers; first.result > below.number",
                    outputs={"number": "below.result"})  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event(kind, "below")
    await run.kill()
    run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"number": 20}


@pytest.mark.parametrize(("below", "kind"), [("below.saves", "StateSaved"),
                                             ("below.decides", "DecisionMade")])  # fmt: skip
async def test_what_was_kept_of_a_value_that_failed_is_dropped_with_it(below, kind):
    """Engine 4.7: the same within one life."""
    go_on = asyncio.Event()

    class Fails(saving.Count):
        name = "fails.later"

        async def execute(self, inputs, context):
            await context.push_chunk("numbers", 10 * context.attempt)
            if context.attempt == 1:
                await go_on.wait()
                raise ValueError("no such luck")

    policy = {"retry": {"attempts": 2, "delay": 0}}
    graph = written({"source": {"type": "fails.later", "policy": policy}, "first": "test.first",
                     "below": below},
                    "source.numbers > first.numbers; first.result > below.number",
                    outputs={"number": "below.result"})  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry_with(Fails, *Below().tasks))
    await run.until_event(kind, "below")
    go_on.set()
    assert outputs_of(await run.end()) == {"number": 20}


async def test_a_merge_decides_anew_when_what_it_passed_was_lost_and_failed():
    """Engine 3.3, 4.7: what it took was provisional; after the crash it is not taken at all."""
    lives = []

    class Once(saving.Count):
        name = "good.once"

        async def execute(self, inputs, context):
            lives.append(context.attempt)
            if context.attempt > 1:
                raise ValueError("no such luck")
            await context.push_chunk("numbers", 1)
            await asyncio.Event().wait()

    registry = registry_with(Once)
    graph = written(
        {"once": "good.once", "emit": "test.emit", "merge": control("merge"), "said": "test.fault",
         "all": "test.double"},
        "once.numbers > merge.values; emit.numbers > merge.values; merge.value > all.numbers; "
        "once.[error] > said.fault",
        outputs={"all": "all.numbers", "said": "said.result"},
    )  # fmt: skip
    run = await submit_and_begin(text_of(graph), registry=registry)
    await run.until_event("TaskDecided", "merge")
    await run.kill()
    run = await begin(run.store, run.run, registry)
    assert outputs_of(await run.end()) == {"all": [0, 2, 4], "said": "no such luck"}


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
