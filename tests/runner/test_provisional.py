"""Provisional results: what was read from a stream counts only once its producer completed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runner.errors import StreamFailed
from runner.execution import run_executor
from runner.graph.ports import Chunks
from runner.graph.task import task
from runner.run.status import RunStatus
from tests.drive import outputs_of
from tests.handshake import drive_written, events_of, log_of, steps_of
from tests.planned import control, written
from tests.saving import Unsteady

AGAIN = {"retry": {"attempts": 3, "delay": 0}}
TWICE = {"retry": {"attempts": 2, "delay": 0}}


class Flaky:
    """Streams of attempts that can be told apart: 10, 11, … in the first, 20, 21, … then.

    The first `failures` attempts fail after three chunks, once somebody has said `go_on`.
    """

    def __init__(self, failures: int = 1, *, waits: bool = False) -> None:
        self.go_on = asyncio.Event()
        if not waits:
            self.go_on.set()

        @task(name="flaky.stream", effect="none")
        async def flaky(context: Any) -> AsyncIterator[int]:
            for number in range(3):
                yield 10 * context.attempt + number
                await asyncio.sleep(0)
            if context.attempt <= failures:
                await self.go_on.wait()
                raise ValueError("no such luck")

        self.task = flaky


SECOND = [20, 21, 22]


def flaky(policy: Any = AGAIN) -> dict[str, Any]:
    return {"type": "flaky.stream", "policy": policy}


@task(name="sees.all", effect="none")
async def sees_all(numbers: Chunks[int], context: Any) -> list[int]:
    """All numbers of a stream; the log has what each attempt saw."""
    found = []
    async for number in numbers:
        context.log.info("%s", number)
        found.append(number)
    return found


async def test_a_retry_supersedes_the_chunks_of_the_failed_attempt():
    """Engine 4.7, 5.5: never mixed, and both streams are marked."""
    run = await drive_written(
        {"flaky": flaky(), "double": "test.double", "all": "sees.all"},
        "flaky.result > double.numbers; double.numbers > all.numbers", Flaky().task, sees_all,
        outputs={"all": "all.result", "doubled": "double.numbers", "numbers": "flaky.result"},
    )  # fmt: skip
    doubled = [40, 42, 44]
    assert outputs_of(run) == {"all": doubled, "doubled": doubled, "numbers": SECOND}
    for path in ("flaky", "double"):
        (superseded,) = events_of(run, "StreamSuperseded", path)
        assert superseded.attempt == 1
    assert steps_of(run, "double").count("TaskDropped") == 1
    assert steps_of(run, "all").count("TaskStarted") == 2


async def test_no_chunk_of_a_failed_attempt_is_read_after_one_of_the_next():
    """Engine 4.7."""
    run = await drive_written(
        {"flaky": flaky(), "all": "sees.all"}, "flaky.result > all.numbers",
        Flaky(2).task, sees_all, outputs={"all": "all.result"},
    )  # fmt: skip
    seen = [int(each.message) for each in events_of(run, "TaskLogged", "all")]
    assert seen == sorted(seen)
    assert outputs_of(run) == {"all": [30, 31, 32]}


async def test_every_attempt_is_seen_in_the_log():
    """Engine 5.5: attempts are visible."""
    run = await drive_written({"flaky": flaky()}, "", Flaky(2).task)
    retries = events_of(run, "TaskRetrying", "flaky")
    assert [(each.attempt, each.error.message, each.by) for each in retries] == [
        (1, "no such luck", ""), (2, "no such luck", "")]  # fmt: skip
    assert [each.attempt for each in events_of(run, "TaskStarted", "flaky")] == [1, 2, 3]
    assert steps_of(run, "flaky")[-1] == "TaskCompleted"


async def test_pure_tasks_that_ran_ahead_are_dropped_and_run_again():
    """Engine 4.7: a whole chain below, however far it has come."""
    source = Flaky(waits=True)

    @task(name="lets.go", effect="none")
    async def lets_go(values: list[int]) -> int:
        source.go_on.set()
        return sum(values)

    run = await drive_written(
        {"flaky": flaky(), "first": "test.first", "sum": "test.add", "more": "test.add",
         "end": "lets.go"},
        "flaky.result > first.numbers; first.result > sum.values; first.result > more.values; "
        "sum.result > more.values; more.result > end.values", source.task, lets_go,
        outputs={"end": "end.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"end": 40}
    for path in ("first", "sum", "more", "end"):
        steps = steps_of(run, path)
        assert steps == ["TaskStarted", "TaskDropped", "TaskStarted", "TaskCompleted"]


async def test_nothing_provisional_is_kept_before_what_it_was_read_from():
    """Engine 4.7: checkpoints in the order of the graph."""
    run = await drive_written(
        {"emit": {"type": "test.emit", "config": {"yields": 9}}, "double": "test.double",
         "first": "test.first", "sum": "test.add", "braid": "test.braid"},
        "emit.numbers > double.numbers; double.numbers > first.numbers; "
        "first.result > sum.values; emit.numbers > braid.streams; double.numbers > braid.streams",
    )  # fmt: skip
    log = log_of(run)
    started = {path: log.index(("TaskStarted", path)) for path in ("first", "sum")}
    done = [path for kind, path in log if kind == "TaskCompleted"]
    assert max(started.values()) < log.index(("TaskCompleted", "emit"))
    for before, after in [("emit", "double"), ("double", "first"), ("first", "sum"),
                          ("double", "braid")]:  # fmt: skip
        assert done.index(before) < done.index(after)
    seqs = {path: kept.seq for path, kept in run.checkpoints.items()}
    assert [path for path, _ in sorted(seqs.items(), key=lambda each: each[1])] == done


async def test_a_task_with_an_effect_never_starts_on_what_is_provisional():
    """Engine 4.7, 4.8: not even on the plain result of a pure task that ran ahead."""
    run = await drive_written(
        {"flaky": flaky(), "first": "test.first", "note": "test.note"},
        "flaky.result > first.numbers; first.result > note.values", Flaky().task,
        outputs={"note": "note.result"},
    )  # fmt: skip
    log = log_of(run)
    assert outputs_of(run) == {"note": 20}
    assert steps_of(run, "note") == ["TaskStarted", "TaskCompleted"]
    assert log.index(("TaskCompleted", "flaky")) < log.index(("TaskStarted", "note"))


@task(name="never.minds", effect="none")
async def never_minds(numbers: Chunks[int]) -> list[int]:
    """What it could read: a failure of the stream is none of its own."""
    found = []
    try:
        async for number in numbers:
            found.append(number)  # noqa: PERF401 - what came before the failure counts
    except StreamFailed:
        found.append(-1)
    return found


@task(name="minds.badly", effect="none")
async def minds_badly(numbers: Chunks[int]) -> int:
    """Fails in its own way when the stream does."""
    try:
        return sum(await numbers.final())
    except StreamFailed as fault:
        raise ValueError("my own failure") from fault


@pytest.mark.parametrize("reader", [never_minds, minds_badly])
async def test_a_consumer_cannot_turn_a_failed_stream_into_its_own_end(reader):
    """Engine 4.7: it ends upstream-failed, and pays no retry of its own."""
    run = await drive_written(
        {"fail": {"type": "test.fail", "inputs": {"chunks": 3}},
         "reads": {"type": reader.name, "policy": AGAIN}},
        "fail.numbers > reads.numbers", reader,
    )  # fmt: skip
    assert run.status is RunStatus.FAILED
    assert steps_of(run, "reads") == ["TaskStarted", "TaskDropped", "TaskUpstreamFailed"]
    assert not run.checkpoints["reads"].has_result


@pytest.mark.parametrize("reader", [never_minds, minds_badly])
async def test_a_consumer_that_catches_the_failure_runs_again_on_the_next_attempt(reader):
    """Engine 4.7."""
    run = await drive_written(
        {"flaky": flaky(), "reads": reader.name}, "flaky.result > reads.numbers",
        Flaky().task, reader, outputs={"all": "reads.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": SECOND if reader is never_minds else 63}


@task(name="raises.it", effect="none")
async def raises_it(number: int) -> int:
    """Raises what only a stream should."""
    raise StreamFailed("elsewhere", "result")


async def test_a_body_that_says_that_some_stream_failed_fails_like_any_other():
    """Engine 4.7: no consumer ever hangs."""
    run = await drive_written(
        {"one": "test.number", "raises": "raises.it"}, "one.result > raises.number", raises_it
    )
    (failed,) = events_of(run, "TaskFailed", "raises")
    assert failed.error.type == "StreamFailed"


async def test_a_handled_failure_skips_those_who_had_begun_on_the_stream():
    """Engine 3.3: after the last attempt only."""
    run = await drive_written(
        {"flaky": flaky({"retry": {"attempts": 2, "delay": 0}}), "all": "sees.all",
         "said": "test.fault"},
        "flaky.result > all.numbers; flaky.[error] > said.fault", Flaky(2).task, sees_all,
        outputs={"said": "said.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"said": "no such luck"}
    assert steps_of(run, "all")[-1] == "TaskSkipped"
    assert run.entries[-1].event.handled == 1  # type: ignore[attr-defined] # RunCompleted


# ── decisions and unfoldings below a provisional result ─────────────────────────────────────────

ITEM = written(
    {"add": "test.add"}, "$inputs.item > add.values",
    inputs={"item": "int"}, outputs={"sum": "add.result"},
)  # fmt: skip


async def test_a_map_over_a_stream_that_fails_unfolds_anew():
    """Engine 4.7, 4.10: expansions below are dropped and made again."""
    run = await drive_written(
        {"flaky": flaky(), "map": control("map", ITEM, over=["item"])},
        "flaky.result > map.item", Flaky().task, outputs={"sums": "map.sum"},
    )  # fmt: skip
    assert outputs_of(run) == {"sums": SECOND}


async def test_a_decision_made_on_a_provisional_result_is_made_again():
    """Engine 1.3, 4.7."""

    @task(name="decides.once", effect="none")
    async def decides(numbers: Chunks[int], context: Any) -> int:
        first = await anext(aiter(numbers))
        decided: int = await context.decide("first", lambda: first)
        await numbers.final()
        return decided

    run = await drive_written(
        {"flaky": flaky(), "decides": "decides.once"}, "flaky.result > decides.numbers",
        Flaky().task, decides, outputs={"first": "decides.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"first": 20}


async def test_a_branch_on_a_failed_stream_decides_again():
    """Engine 4.7: what passed through it was superseded."""
    case = {"name": "yes", "if": {"port": "way", "is": "==", "value": 1}}
    run = await drive_written(
        {"flaky": flaky(), "way": "test.number", "all": "sees.all",
         "branch": control("branch", branches=[case])},
        "flaky.result > branch.value; way.result > branch.way; branch.yes > all.numbers",
        Flaky().task, sees_all, outputs={"all": "all.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": SECOND}
    assert steps_of(run, "all").count("TaskStarted") == 2


async def test_a_merge_passes_the_stream_of_the_next_attempt():
    """Engine 4.6, 4.7."""
    run = await drive_written(
        {"flaky": flaky(), "merge": control("merge"), "all": "sees.all"},
        "flaky.result > merge.values; merge.value > all.numbers", Flaky().task, sees_all,
        outputs={"all": "all.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": SECOND}


async def test_a_merge_takes_another_stream_when_the_one_it_took_fails_for_good():
    """Engine 3.3, 4.7: its first decision was provisional."""
    run = await drive_written(
        {"flaky": flaky(), "emit": "test.emit", "merge": control("merge"), "all": "sees.all",
         "said": "test.fault"},
        "flaky.result > merge.values; emit.numbers > merge.values; merge.value > all.numbers; "
        "flaky.[error] > said.fault", Flaky(9).task, sees_all,
        outputs={"all": "all.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 1, 2]}
    assert [each.decision for each in events_of(run, "TaskDecided", "merge")][-1] == 1


async def test_a_sub_graph_passes_the_stream_of_the_next_attempt():
    """Engine 2.7, 4.7: a stream that is retried inside, and one that flows in."""
    inner = written(
        {"double": "test.double"}, "$inputs.numbers > double.numbers",
        inputs={"numbers": "list[int]"}, outputs={"numbers": "double.numbers"},
    )  # fmt: skip
    run = await drive_written(
        {"flaky": flaky(), "box": control("graph", inner), "all": "sees.all",
         "said": "test.fault"},
        "flaky.result > box.numbers; box.numbers > all.numbers; box.[error] > said.fault",
        Flaky().task, sees_all, outputs={"all": "all.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [40, 42, 44]}


async def test_the_late_chunks_of_a_dropped_body_are_refused():
    """Engine 4.7, 5.8: a body that goes on though its input was superseded."""
    refused = []

    @task(name="goes.on", effect="none")
    async def goes_on(numbers: Chunks[int], context: Any) -> AsyncIterator[int]:
        async for number in numbers:
            try:
                yield number
            except BaseException as fault:
                refused.append(type(fault).__name__)
                raise
        if context.attempt == 1:
            yield 99

    run = await drive_written(
        {"flaky": flaky(), "goes": "goes.on"}, "flaky.result > goes.numbers",
        Flaky().task, goes_on, outputs={"all": "goes.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": SECOND}
    assert 99 not in [int(item) for each in run.chunks for item in each.items]


@pytest.mark.parametrize("steps", range(1, 9))
async def test_an_item_of_a_stream_that_was_taken_back_unfolds_nothing_in_the_next_attempt(
    monkeypatch, steps
):
    """Engine 4.7, 5.8. A drain that gives way leaves what was recorded for its next slice."""
    monkeypatch.setattr(run_executor, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(run_executor, "LOOK_EVERY", steps)
    fails = {"type": "saving.unsteady", "config": {"failures": 9, "after": 1}, "policy": TWICE}
    item = written({"add": "test.add"}, "$inputs.item > add.values", inputs={"item": "int"})
    run = await drive_written(
        {
            "none": {"type": "saving.unsteady", "inputs": {"count": 0}},
            "fails": fails, "told": "test.fault",
            "either": "flow.merge", "each": control("map", item, over=["item"]),
            "beside": fails, "told_too": "test.fault", "other": "flow.merge",
        },
        "fails.[error] > told.fault; fails.numbers > either.values; "
        "none.numbers > either.values; either.value > each.item; "
        "beside.[error] > told_too.fault; beside.numbers > other.values; none.numbers > other.values",
        Unsteady,
    )  # fmt: skip
    assert run.status is RunStatus.COMPLETED
    assert not [each for each in events_of(run, "TaskStarted") if each.path == "each[0]/add"]
