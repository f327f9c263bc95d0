"""What a run does, seen from its log and its outputs (memory store)."""

import asyncio
from typing import Any

from runner.execution.memory import MemoryStore
from runner.graph.values import encode
from runner.run.status import RunStatus
from tests.drive import definition_of, drive, executor_of, go_on, kinds_of, outputs_of

EMIT = {"id": "emit", "type": "test.emit", "inputs": {"count": 5}}


async def test_tasks_in_series_and_in_parallel_give_their_outputs():
    run = await drive(
        definition_of(
            [
                {"id": "one", "type": "test.number", "inputs": {"value": 1}},
                {"id": "two", "type": "test.number", "inputs": {"value": 2}},
                {"id": "sum", "type": "test.add"},
            ],
            [("one.result", "sum.values"), ("two.result", "sum.values")],
            outputs={"total": "sum.result"},
        )
    )

    assert run.status is RunStatus.COMPLETED
    assert outputs_of(run) == {"total": 3}


async def test_events_are_numbered_without_a_gap():
    run = await drive(definition_of([EMIT]))

    assert [each.seq for each in run.entries] == list(range(1, len(run.entries) + 1))


async def test_a_first_chunk_dependant_starts_before_its_source_ends():
    run = await drive(
        definition_of(
            [EMIT, {"id": "double", "type": "test.double"}],
            [("emit.numbers", "double.numbers")],
            outputs={"doubled": "double.numbers"},
        )
    )
    log = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]

    assert log.index(("TaskStarted", "double")) < log.index(("TaskCompleted", "emit"))
    assert log.index(("StreamOpened", "emit")) < log.index(("TaskStarted", "double"))
    assert outputs_of(run) == {"doubled": [0, 2, 4, 6, 8]}


async def test_a_task_with_an_effect_waits_for_the_end_of_a_stream():
    run = await drive(
        definition_of(
            [EMIT, {"id": "total", "type": "test.total"}],
            [("emit.numbers", "total.numbers")],
            outputs={"total": "total.result"},
        )
    )
    log = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]

    assert log.index(("TaskCompleted", "emit")) < log.index(("TaskStarted", "total"))
    assert outputs_of(run) == {"total": 10}


async def test_a_result_read_from_a_stream_counts_only_once_the_stream_completed():
    run = await drive(
        definition_of(
            [EMIT, {"id": "first", "type": "test.first"}], [("emit.numbers", "first.numbers")]
        )
    )
    log = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]

    assert log.index(("TaskCompleted", "emit")) < log.index(("TaskCompleted", "first"))


async def test_a_failed_stream_takes_back_what_was_read_from_it():
    run = await drive(
        definition_of(
            [
                {"id": "fail", "type": "test.fail", "inputs": {"chunks": 3}},
                {"id": "first", "type": "test.first"},
                {"id": "sum", "type": "test.add"},
                {"id": "apart", "type": "test.number"},
            ],
            [("fail.numbers", "first.numbers"), ("first.result", "sum.values")],
        )
    )

    assert run.status is RunStatus.FAILED
    assert kinds_of(run, "first")[-1] == "TaskUpstreamFailed"
    assert kinds_of(run, "sum")[-1] == "TaskUpstreamFailed"
    assert "StreamSuperseded" in kinds_of(run, "fail")
    assert kinds_of(run, "apart")[-1] == "TaskCompleted"


async def test_a_failure_is_data_with_its_message_and_its_own_frames():
    run = await drive(definition_of([{"id": "fail", "type": "test.fail"}]))
    event: Any = run.entries[-1].event
    error = event.error

    assert (error.type, error.message, error.task) == ("ValueError", "no such luck", "fail")
    assert "run_executor" not in error.trace


async def test_a_cancelled_run_stops_its_bodies_and_begins_nothing_more():
    store = MemoryStore()
    run = store.submit(definition_of([{"id": "hang", "type": "test.hang"}]), encode({}))
    (stored,) = await store.claim("test", 1)
    executor = executor_of(store, stored)
    driving = asyncio.create_task(executor.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    executor.cancel("alice")
    await asyncio.wait_for(driving, 5)

    assert store.runs[run].status is RunStatus.CANCELLED
    assert kinds_of(store.runs[run], "hang") == ["TaskStarted", "TaskCancelled"]


async def test_a_stopped_run_goes_on_in_another_executor():
    store = MemoryStore()
    definition = definition_of(
        [{"id": "one", "type": "test.number"}, {"id": "hang", "type": "test.hang"}]
    )
    run = store.submit(definition, encode({}))
    (stored,) = await store.claim("test", 1)
    executor = executor_of(store, stored)
    driving = asyncio.create_task(executor.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await executor.stop()
    await asyncio.wait_for(driving, 5)
    await store.release("test", [run])

    (again,) = await store.claim("test", 1)

    assert again.status is RunStatus.INTERRUPTED
    assert [each.path for each in again.checkpoints] == ["one"]


async def test_a_failed_run_resumes_and_keeps_what_was_done():
    store = MemoryStore()
    definition = definition_of(
        [{"id": "one", "type": "test.number"}, {"id": "fail", "type": "test.fail"}]
    )
    run = store.submit(definition, encode({}))
    await go_on(store)
    store.ask(run, "resume", "alice")
    await go_on(store)

    kinds = kinds_of(store.runs[run], "one")
    assert kinds.count("TaskStarted") == 1
    assert kinds_of(store.runs[run], "fail").count("TaskFailed") == 2


async def test_a_map_runs_its_body_for_each_item_and_keeps_their_order():
    body = {
        "v": 1,
        "name": "body",
        "inputs": [{"name": "item", "type": "int"}],
        "outputs": [{"name": "total", "from": "add.result"}],
        "tasks": [{"id": "add", "type": "test.add"}],
        "dataflows": [{"from": "$inputs.item", "to": "add.values"}] * 2,
    }
    run = await drive(
        definition_of(
            [
                EMIT,
                {
                    "id": "each",
                    "type": "flow.map",
                    "config": {"over": ["item"], "limit": 2},
                    "graph": body,
                },
            ],
            [("emit.numbers", "each.item")],
            outputs={"totals": "each.total"},
        )
    )

    assert outputs_of(run) == {"totals": [0, 2, 4, 6, 8]}
    said = ["TaskStarted", *["TaskExpanded"] * 5, "TaskDecided", "TaskCompleted"]
    assert kinds_of(run, "each") == said
    assert run.progress.fraction == 1.0


async def test_a_compound_passes_streams_and_is_over_when_its_tasks_are():
    inner = {
        "v": 1,
        "name": "inner",
        "inputs": [{"name": "numbers", "type": "list[int]"}],
        "outputs": [{"name": "numbers", "from": "double.numbers"}],
        "tasks": [{"id": "double", "type": "test.double"}],
        "dataflows": [{"from": "$inputs.numbers", "to": "double.numbers"}],
    }
    run = await drive(
        definition_of(
            [EMIT, {"id": "inside", "type": "flow.graph", "graph": inner}],
            [("emit.numbers", "inside.numbers")],
            outputs={"doubled": "inside.numbers"},
        )
    )
    log = [(each.event.kind, getattr(each.event, "path", "")) for each in run.entries]

    assert outputs_of(run) == {"doubled": [0, 2, 4, 6, 8]}
    assert log.index(("TaskStarted", "inside/double")) < log.index(("TaskCompleted", "emit"))
    assert kinds_of(run, "inside") == ["TaskStarted", "TaskCompleted"]


async def test_a_function_runs_in_a_thread_and_a_generator_streams():
    run = await drive(
        definition_of(
            [
                {"id": "shout", "type": "test.shout"},
                {"id": "words", "type": "test.words"},
            ],
            [("$inputs.text", "shout.text"), ("shout.result", "words.text")],
            inputs=[{"name": "text", "type": "str"}],
            outputs={"words": "words.result"},
        ),
        {"text": "all is <b>well</b> 🙂"},
    )

    assert outputs_of(run) == {"words": "ALLIS<B>WELL</B>🙂"}
