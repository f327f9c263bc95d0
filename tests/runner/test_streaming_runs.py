"""Streams between the tasks of whole runs: who starts when, and what everybody reads."""

import asyncio
from typing import Any

import pytest

from runner.execution import run_log
from runner.execution.memory import MemoryStore
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.drive import go_on, outputs_of
from tests.handshake import (
    FIRST,
    Handshake,
    chain,
    drive_written,
    events_of,
    log_of,
    steps_of,
    text_of,
)
from tests.planned import control, written

HEARD = [0, 1, 2, 3]
TAKEN = {"port": "way", "is": "==", "value": 1}


def nested(depth: int) -> dict[str, Any]:
    """Write a pass-through task inside so many compounds."""
    inner = written(
        {"in": "shake.pass" if depth == 1 else nested(depth - 1)}, "$inputs.numbers > in.numbers",
        inputs={"numbers": "list[int]"},
        outputs={"numbers": "in.result" if depth == 1 else "in.numbers"},
    )  # fmt: skip
    return control("graph", inner)


async def heard_through(tasks: dict[str, Any], flows: str, **rest: Any) -> Any:
    """Run a graph whose task `hear` must hear the first chunk while `talk` waits for that."""
    run = await Handshake().drive(
        written(
            {"talk": "shake.talk", **tasks, "hear": "shake.hear"}, flows,
            outputs={"heard": "hear.result"}, **rest,
        ),
    )  # fmt: skip
    assert run.status is RunStatus.COMPLETED
    assert outputs_of(run) == {"heard": HEARD}
    log = log_of(run)
    assert log.index(("TaskStarted", "hear")) < log.index(("TaskCompleted", "talk"))
    return run


# ── the first chunk passes through ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [0, 3, 20])
async def test_the_first_chunk_crosses_a_chain_without_waiting(length):
    """Engine 4.2, 4.6."""
    between = [f"p{index}" for index in range(length)]
    await heard_through(dict.fromkeys(between, "shake.pass"), chain("talk", *between, "hear"))


@pytest.mark.parametrize("depth", [1, 3, 32])
async def test_the_first_chunk_enters_and_leaves_a_compound(depth):
    """Engine 2.7, 4.6: events carry the inner path."""
    run = await heard_through(
        {"box": nested(depth)}, "talk.result > box.numbers; box.numbers > hear.numbers"
    )
    assert steps_of(run, "box" + "/in" * depth)[:2] == ["TaskStarted", "StreamOpened"]


async def test_tasks_side_by_side_get_every_chunk_while_the_producer_works():
    """Engine 4.6: fan-out gives every consumer every chunk."""
    run = await heard_through(
        {"one": "shake.pass", "two": "shake.pass", "late": "test.total"},
        "talk.result > one.numbers; talk.result > two.numbers; two.result > late.numbers; "
        "one.result > hear.numbers",
    )
    (total,) = events_of(run, "TaskCompleted", "late")
    assert total.outputs == {"result": "6"}


async def test_the_first_chunk_passes_a_branch_that_reads_another_port():
    """Engine 4.6."""
    case = {"name": "yes", "if": TAKEN}
    await heard_through(
        {"branch": control("branch", branches=[case], otherwise="no"), "other": "shake.pass",
         "way": "test.number"},
        "talk.result > branch.value; way.result > branch.way; branch.yes > hear.numbers; "
        "branch.no > other.numbers",
    )  # fmt: skip


async def test_the_first_chunk_passes_a_merge_of_one_taken_stream():
    """Engine 3.4, 4.6."""
    case = {"name": "yes", "if": TAKEN}
    run = await heard_through(
        {"branch": control("branch", branches=[case], otherwise="no"), "way": "test.number",
         "one": "shake.pass", "two": "shake.pass", "merge": control("merge")},
        "talk.result > branch.value; way.result > branch.way; branch.yes > one.numbers; "
        "branch.no > two.numbers; one.result > merge.values; two.result > merge.values; "
        "merge.value > hear.numbers",
    )  # fmt: skip
    assert steps_of(run, "two") == ["TaskSkipped"]


async def test_the_first_chunk_enters_a_workflow_used_as_a_task():
    """Engine 2.7, 4.6: a graph whose failure is handled streams all the same."""
    box = nested(1)
    await heard_through(
        {"box": box, "said": "test.fault"},
        "talk.result > box.numbers; box.numbers > hear.numbers; box.[error] > said.fault",
    )


async def test_the_first_chunk_enters_a_fallback_and_leaves_it():
    """Engine 4.6, 4.10."""
    inner = written({"first": "shake.pass"}, "$inputs.numbers > first.numbers",
                    inputs={"numbers": "list[int]"})  # fmt: skip
    await heard_through(
        {"try": control("fallback", inner)}, "talk.result > try.numbers; try.result > hear.numbers"
    )


async def test_a_branch_that_reads_the_streamed_port_waits_and_says_so():
    """Engine 4.6: its condition needs the whole value."""
    case = {"name": "yes", "if": {"port": "value", "is": "not empty"}}
    run = await drive_written(
        {"emit": "test.emit", "branch": control("branch", branches=[case]), "first": "test.first"},
        "emit.numbers > branch.value; branch.yes > first.numbers",
    )
    log = log_of(run)
    assert log.index(("TaskCompleted", "emit")) < log.index(("TaskStarted", "branch"))
    assert log.index(("TaskStarted", "branch")) < log.index(("TaskStarted", "first"))
    assert run.status is RunStatus.COMPLETED


# ── who starts when ─────────────────────────────────────────────────────────────────────────────


class Pair(Task):
    """Two streams read in full."""

    name = "two.streams"
    effect = "none"

    class Inputs(Ports):
        left: Chunks[int]
        right: Chunks[int]

    class Outputs(Ports):
        result: list[int]

    async def execute(self, inputs, context):
        left, right = await asyncio.gather(inputs.left.final(), inputs.right.final())
        return left + right


async def test_a_consumer_starts_when_every_stream_has_a_first_chunk_or_is_closed():
    """Engine 4.2, 4.3: an empty closed stream counts as ready."""
    run = await drive_written(
        {"emit": {"type": "test.emit", "config": {"yields": 5}},
         "empty": {"type": "test.emit", "inputs": {"count": 0}, "config": {"yields": 1}},
         "pair": "two.streams"},
        "emit.numbers > pair.left; empty.numbers > pair.right", Pair,
        outputs={"all": "pair.result"},
    )  # fmt: skip
    log = log_of(run)
    started = log.index(("TaskStarted", "pair"))
    assert log.index(("StreamOpened", "emit")) < started < log.index(("TaskCompleted", "emit"))
    assert log.index(("StreamClosed", "empty")) < started
    assert outputs_of(run) == {"all": [0, 1, 2]}


class Closing(Task):
    """A stream on a port that is final, beside one that is not."""

    name = "final.port"
    effect = "none"

    class Outputs(Ports):
        late: list[int]
        early: list[int]

    @staticmethod
    def streaming():
        return {"late": Stream(readiness="final", mode="append"), "early": FIRST}

    async def execute(self, inputs, context):
        await context.push_chunk("late", 1)
        await context.push_chunk("early", 2)
        context.close_stream("late")
        await asyncio.sleep(0)
        await context.push_chunk("early", 3)


async def test_a_port_that_is_final_lets_its_reader_start_when_the_producer_is_done():
    """Engine 4.2: for plain inputs and final ports, when the producer's attempt completes."""
    run = await drive_written(
        {"both": "final.port", "late": "test.total", "first": "test.first", "early": "test.first"},
        "both.late > late.numbers; both.late > first.numbers; both.early > early.numbers", Closing,
        outputs={"late": "late.result", "first": "first.result", "early": "early.result"},
    )  # fmt: skip
    log = log_of(run)
    done = log.index(("StreamClosed", "both"), log.index(("StreamClosed", "both")) + 1)
    assert log.index(("TaskStarted", "early")) < done
    assert log.index(("TaskStarted", "first")) > done
    assert outputs_of(run) == {"late": 1, "first": 1, "early": 2}


async def test_a_plain_input_waits_for_the_whole_value_of_a_stream():
    """Engine 4.2."""
    run = await drive_written(
        {"emit": "test.emit", "shown": control("merge"), "join": "test.braid"},
        "emit.numbers > shown.values; emit.numbers > join.streams",
        outputs={"shown": "shown.value", "joined": "join.result"},
    )
    assert outputs_of(run) == {"shown": [0, 1, 2], "joined": [0, 1, 2]}


@pytest.mark.parametrize("effect", ["repeatable", "once"])
async def test_a_task_with_an_effect_waits_for_the_end_of_what_it_reads(effect):
    """Engine 4.8: it never starts on a provisional input."""

    @task(name="has.effect", effect=effect)
    async def acts(numbers: Chunks[int]) -> int:
        return sum([number async for number in numbers])

    run = await drive_written(
        {"emit": {"type": "test.emit", "config": {"yields": 3}}, "double": "test.double",
         "acts": "has.effect"},
        "emit.numbers > double.numbers; double.numbers > acts.numbers", acts,
    )  # fmt: skip
    log = log_of(run)
    assert log.index(("TaskCompleted", "double")) < log.index(("TaskStarted", "acts"))
    assert steps_of(run, "acts") == ["TaskStarted", "TaskCompleted"]


# ── what is read ────────────────────────────────────────────────────────────────────────────────


@task(name="read.twice", effect="none")
async def read_twice(numbers: Chunks[int]) -> list[list[int]]:
    """What a stream gives at first, then again."""
    return [[each async for each in numbers], [each async for each in numbers]]


async def test_a_stream_is_replayed_from_its_first_chunk_then_followed():
    """Engine 4.3."""
    run = await drive_written(
        {"emit": "test.emit", "twice": "read.twice"}, "emit.numbers > twice.numbers", read_twice,
        outputs={"all": "twice.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [[0, 1, 2], [0, 1, 2]]}


@task(name="final.then-each", effect="none")
async def final_then_each(numbers: Chunks[int]) -> list[Any]:
    """The aggregate of a stream, then its chunks, then the aggregate again."""
    whole = await numbers.final()
    return [whole, [each async for each in numbers], await numbers.final()]


async def test_the_aggregate_may_be_asked_for_before_the_chunks_are_read():
    """Engine 4.3."""
    run = await drive_written(
        {"emit": {"type": "test.emit", "inputs": {"count": 200}}, "all": "final.then-each"},
        "emit.numbers > all.numbers", final_then_each, outputs={"all": "all.result"},
    )  # fmt: skip
    everything = list(range(200))
    assert outputs_of(run) == {"all": [everything] * 3}


async def test_a_stream_input_that_a_plain_value_feeds_yields_one_chunk():
    """Engine 4.3."""
    run = await drive_written(
        {"one": {"type": "test.number", "inputs": {"value": 7}}, "twice": "read.twice"},
        "one.result > twice.numbers", read_twice, outputs={"all": "twice.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [[7], [7]]}


async def test_streams_that_part_and_meet_again_arrive_whole_on_both_ways():
    """Engine 4.5, 4.6: a diamond, one side of which is longer and slower."""
    run = await drive_written(
        {"emit": {"type": "test.emit", "inputs": {"count": 300}},
         "slow": {"type": "test.double", "config": {"yields": 2}}, "more": "test.double",
         "pair": "two.streams"},
        "emit.numbers > slow.numbers; slow.numbers > more.numbers; emit.numbers > pair.left; "
        "more.numbers > pair.right", Pair, outputs={"all": "pair.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [*range(300), *range(0, 1200, 4)]}


@pytest.mark.parametrize(("one", "two"), [(0, 5), (5, 0), (1, 1)])
async def test_a_list_port_reads_each_stream_whole_in_the_order_drawn(one, two):
    """Engine 3.2, 5.10."""
    run = await drive_written(
        {"two": {"type": "test.emit", "inputs": {"count": 4}, "config": {"yields": two}},
         "one": {"type": "test.emit", "inputs": {"count": 2}, "config": {"yields": one}},
         "braid": "test.braid"},
        "one.numbers > braid.streams; two.numbers > braid.streams",
        outputs={"all": "braid.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 1, 0, 1, 2, 3]}


# ── what the log says ───────────────────────────────────────────────────────────────────────────


async def test_stored_batches_keep_the_boundaries_of_chunks():
    """Engine 4.11: chunk numbers follow on each other without gap or overlap."""
    run = await drive_written({"emit": {"type": "test.emit", "inputs": {"count": 70}}})
    stored = events_of(run, "ChunksStored", "emit")
    numbers = [number for each in stored for number in range(each.first, each.last + 1)]
    assert numbers == list(range(70))
    assert [item for each in run.chunks for item in each.items] == [str(n) for n in range(70)]
    (closed,) = events_of(run, "StreamClosed", "emit")
    assert closed.chunks == 70


# ── kept for another time ───────────────────────────────────────────────────────────────────────


async def test_a_cached_stream_comes_whole_with_its_boundaries():
    """Engine 7.8: what reads it cannot tell the difference."""
    store = MemoryStore()
    emit = {"type": "test.emit", "policy": {"cache": True}}
    graph = text_of(
        written(
            {"emit": emit, "double": "test.double", "first": "test.first"},
            "emit.numbers > double.numbers; emit.numbers > first.numbers",
            outputs={"doubled": "double.numbers", "numbers": "emit.numbers"},
        )
    )
    runs = []
    for _ in range(2):
        runs.append(store.submit(graph, encode({}), scope="team"))
        await go_on(store)
    one, two = (store.runs[run] for run in runs)
    assert outputs_of(one) == outputs_of(two) == {"doubled": [0, 2, 4], "numbers": [0, 1, 2]}
    assert sorted(steps_of(two, "emit")) == ["ChunksStored", "TaskCached", "TaskStarted"]
    assert [each.items for each in two.chunks if each.path == "emit"] == [("0", "1", "2")]


async def test_what_runs_too_far_ahead_of_its_commits_waits(monkeypatch):
    """Engine 4.5: what runs ahead of the commits is bounded."""
    monkeypatch.setattr(run_log, "STORED_AHEAD", 1)
    tasks = {f"n{index}": "test.number" for index in range(20)}
    run = await drive_written({**tasks, "sum": "test.add"}, "; ".join(
        f"{name}.result > sum.values" for name in tasks), outputs={"sum": "sum.result"})  # fmt: skip
    assert outputs_of(run) == {"sum": 20}


async def test_a_body_that_cancels_itself_fails():
    """Engine 6.4: nobody asked for its end."""

    @task(name="cancels.itself", effect="none")
    async def cancels() -> int:
        raise asyncio.CancelledError

    run = await drive_written({"one": "cancels.itself"}, "", cancels)
    (failed,) = events_of(run, "TaskFailed")
    assert failed.error.message == "The task's body was cancelled from inside."
