"""What users of other workflow tools reported of their streams, as claims about this engine.

R6. The projects and numbers are those of public issues; a title is quoted only where it was found.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from runner.execution.inline import TaskGraphRunner
from runner.graph.definition import GraphDefinition
from runner.graph.ports import Chunks
from runner.graph.task import Task, task
from runner.run.status import RunStatus
from tests.drive import outputs_of
from tests.handshake import (
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
WAYS = ("one", "two", "three")


def branch(port: str = "way") -> dict[str, Any]:
    """Write a branch of three ways that another port chooses."""
    cases = [{"name": name, "if": {"port": port, "is": "==", "value": index}}
             for index, name in enumerate(WAYS)]  # fmt: skip
    return control("branch", branches=cases)


def number(value: int) -> dict[str, Any]:
    return {"type": "test.number", "inputs": {"value": value}}


@pytest.mark.parametrize("taken", range(3))
async def test_a_stream_passes_branches_that_join_in_one_task(taken):
    """Engine 3.4, 4.6. Dify 22686: "Streaming output fails in workflows with multiple conditional
    branches joining into a single node"."""
    talks = {f"talk_{name}": "shake.talk-after" for name in WAYS}
    flows = [f"branch.{name} > talk_{name}.after" for name in WAYS]
    flows += [f"talk_{name}.result > merge.values" for name in WAYS]
    run = await Handshake().drive(
        written(
            {"way": number(taken), "value": number(0), "branch": branch(), **talks,
             "merge": control("merge"), "pass": "shake.pass", "hear": "shake.hear"},
            "value.result > branch.value; way.result > branch.way; " + "; ".join(flows)
            + "; merge.value > pass.numbers; pass.result > hear.numbers",
            outputs={"heard": "hear.result"},
        )
    )  # fmt: skip
    assert outputs_of(run) == {"heard": HEARD}
    others = [name for index, name in enumerate(WAYS) if index != taken]
    assert [steps_of(run, f"talk_{name}") for name in others] == [["TaskSkipped"]] * 2


@pytest.mark.parametrize("shape", ["join", "merge"])
async def test_a_merge_upstream_does_not_hold_back_a_later_stream(shape):
    """Engine 4.2, 4.6. Dify 16882: "The streaming ouput blocked after multiple nodes merged into
    one"."""
    tasks = {"a": number(0), "b": number(0), "talk": "shake.talk-after", "hear": "shake.hear"}
    if shape == "join":
        tasks["join"] = "test.add"
        flows = "a.result > join.values; b.result > join.values; join.result > talk.after"
    else:
        tasks |= {"branch": branch(), "merge": control("merge")}
        flows = (
            "a.result > branch.value; b.result > branch.way; branch.one > merge.values; "
            "branch.two > merge.values; merge.value > talk.after"
        )
    run = await Handshake().drive(
        written(tasks, f"{flows}; talk.result > hear.numbers", outputs={"heard": "hear.result"})
    )
    assert outputs_of(run) == {"heard": HEARD}


@pytest.mark.parametrize(("one", "two"), [(0, 4), (4, 0), (2, 2)])
async def test_parallel_streams_into_one_list_port_come_whole_and_in_the_order_drawn(one, two):
    """Engine 3.2, 4.6, 5.10. Dify 30679: "Out-of-order streaming events and incorrect content
    sequencing during parallel workflow execution"."""
    run = await drive_written(
        {"a": {"type": "test.emit", "config": {"yields": one}},
         "b": {"type": "test.emit", "inputs": {"count": 5}, "config": {"yields": two}},
         "braid": "test.braid", "double": "test.double"},
        "a.numbers > braid.streams; b.numbers > braid.streams; a.numbers > double.numbers",
        outputs={"all": "braid.result", "doubled": "double.numbers"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 1, 2, 0, 1, 2, 3, 4], "doubled": [0, 2, 4]}
    for path, count in (("a", 3), ("b", 5), ("double", 3)):
        stored = events_of(run, "ChunksStored", path)
        numbers = [index for each in stored for index in range(each.first, each.last + 1)]
        assert numbers == list(range(count))


async def test_a_graph_output_streams_chunk_by_chunk_through_a_pass_through_task():
    """Engine 2.9, 4.6, 4.11. n8n 25982: "Streaming is not working in Respond to webhook node"."""
    shake = Handshake()
    graph = written({"talk": "shake.talk", "pass": "shake.pass"}, "talk.result > pass.numbers",
                    outputs={"said": "pass.result"})  # fmt: skip
    run = TaskGraphRunner(shake.registry).start(GraphDefinition.from_json(text_of(graph)))
    chunks = []
    async with asyncio.timeout(20):
        async for chunk in run.stream("said"):
            shake.heard.set()
            chunks.append(chunk)
        assert await run.outputs() == {"said": HEARD}
    assert chunks == HEARD


@pytest.mark.parametrize(
    ("name", "title"), [("ai-agent", "AI Agent"), ("Z_9", ""), ("x", "🙂 Renamed agent")]
)
async def test_a_task_streams_the_same_whatever_it_is_called(name, title):
    """Engine 2.7. n8n 30270: "Streaming does not work properly if the AI Agent has any other name
    than "AI Agent".". R16."""

    async def logged(task: str, **more: Any) -> tuple[list[tuple[str, str]], Any]:
        run = await Handshake().drive(
            written({task: {"type": "shake.talk", **more}, "hear": "shake.hear"},
                    f"{task}.result > hear.numbers", outputs={"heard": "hear.result"})
        )  # fmt: skip
        return [(kind, "it" if path == task else path) for kind, path in log_of(run)], outputs_of(
            run
        )

    assert await logged(name, title=title) == await logged("a")


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_branch_before_a_producer_does_not_turn_its_stream_into_one_chunk(depth):
    """Engine 4.6. Dify 12362: "Adding If-Else node before LLM node breaks streaming output"."""
    branches = {f"b{index}": branch() for index in range(depth)}
    ends = ["zero.result", *(f"b{index}.one" for index in range(depth))]
    flows = [f"{end} > b{index}.value" for index, end in enumerate(ends[:-1])]
    flows += [f"zero.result > b{index}.way" for index in range(depth)]
    run = await Handshake().drive(
        written(
            {"zero": number(0), **branches, "talk": "shake.talk", "hear": "shake.hear"},
            "; ".join([*flows, f"{ends[-1]} > talk.after", "talk.result > hear.numbers"]),
            outputs={"heard": "hear.result"},
        )
    )
    assert outputs_of(run) == {"heard": HEARD}
    assert [each.chunks for each in events_of(run, "StreamClosed", "talk")] == [4]


async def test_a_long_chain_before_a_producer_does_not_turn_its_stream_into_one_chunk():
    """Engine 4.6. Dify 11985: "When the workflow configuration becomes long, the stream output
    format is lost"."""
    names = [f"t{index}" for index in range(50)]
    tasks = {name: {"type": "test.add", "inputs": {"values": []}} for name in names[:1]}
    tasks |= {name: {"type": "test.add"} for name in names[1:]}
    flows = [f"{one}.result > {other}.values" for one, other in pairwise(names)]
    run = await Handshake().drive(
        written({**tasks, "talk": "shake.talk", "hear": "shake.hear"},
                "; ".join([*flows, "t49.result > talk.after", "talk.result > hear.numbers"]),
                outputs={"heard": "hear.result"})
    )  # fmt: skip
    assert outputs_of(run) == {"heard": HEARD}


def talkers() -> tuple[type[Task], ...]:
    """Give three producers that each wait for the first chunks of the others."""
    begun: list[str] = []
    all_begun = asyncio.Event()

    @task(name="waits.for-others", effect="none")
    async def waits(context: Any) -> AsyncIterator[int]:
        yield 1
        begun.append(context.path)
        if len(begun) == len(WAYS):
            all_begun.set()
        await all_begun.wait()
        yield 2

    return (waits,)


async def test_every_one_of_parallel_producers_streams_at_the_same_time():
    """Engine 4.6. Dify 27022: "The problem of some outputs not being able to be streamed due to
    LLM node parallelism"; 18703: "Parallel LLM nodes in the workflow cannot stream output
    results."."""
    run = await drive_written(
        dict.fromkeys(WAYS, "waits.for-others"), "", *talkers(),
        outputs={name: f"{name}.result" for name in WAYS},
    )  # fmt: skip
    assert outputs_of(run) == {name: [1, 2] for name in WAYS}
    kinds = [kind for kind, _ in log_of(run) if kind in {"StreamOpened", "StreamClosed"}]
    assert kinds == ["StreamOpened"] * 3 + ["StreamClosed"] * 3


@task(name="plain.text", effect="none", blocking=False)
def plain(text: str) -> str:
    """A text as a whole."""
    return f"<{text}>"


@task(name="final.text", effect="none")
async def final_text(text: Chunks[str]) -> str:
    """A text read as a stream, at its end."""
    whole: str = await text.final()
    return f"<{whole}>"


async def test_a_streamed_port_gives_its_plain_consumer_the_whole_value():
    """Engine 4.2, 4.3. Langflow 7687: "ChatOutputComponent return empty string to next component
    if stream=true"."""
    run = await drive_written(
        {"words": {"type": "test.words", "inputs": {"text": "a b c"}}, "plain": "plain.text",
         "final": "final.text"},
        "words.result > plain.text; words.result > final.text", plain, final_text,
        outputs={"words": "words.result", "plain": "plain.result", "final": "final.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"words": "abc", "plain": "<abc>", "final": "<abc>"}
    log = log_of(run)
    assert log.index(("StreamClosed", "words")) < log.index(("TaskStarted", "plain"))


# ── the same, for what no issue was cited ───────────────────────────────────────────────────────

ITEM = written({"add": "test.add"}, "$inputs.item > add.values", inputs={"item": "int"},
               outputs={"sum": "add.result"})  # fmt: skip


async def test_item_i_of_a_map_starts_at_chunk_i():
    """Engine 4.10: the producer waits until the first item has begun."""
    begun = asyncio.Event()

    @task(name="says.begun", effect="none")
    async def says(number: int) -> int:
        begun.set()
        return number

    @task(name="waits.begun", effect="none")
    async def waits() -> AsyncIterator[int]:
        yield 1
        await begun.wait()
        yield 2

    item = written({"says": "says.begun"}, "$inputs.item > says.number", inputs={"item": "int"},
                   outputs={"number": "says.result"})  # fmt: skip
    run = await drive_written(
        {"waits": "waits.begun", "map": control("map", item, over=["item"])},
        "waits.result > map.item", says, waits, outputs={"all": "map.number"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [1, 2]}


@pytest.mark.parametrize("as_finished", [False, True])
async def test_the_items_of_a_map_stream_in_their_order(as_finished):
    """Engine 4.10: items end in reverse; `as_finished` says [index, value] at once."""
    done = [asyncio.Event() for _ in range(3)]
    done[2].set()

    @task(name="ends.in-reverse", effect="none")
    async def ends(number: int) -> int:
        await done[number].wait()
        if number:
            done[number - 1].set()
        return 10 * number

    item = written({"ends": "ends.in-reverse"}, "$inputs.item > ends.number",
                   inputs={"item": "int"}, outputs={"number": "ends.result"})  # fmt: skip
    how = {"as_finished": True} if as_finished else {"stream": True}
    run = await drive_written(
        {"emit": {"type": "test.emit", "inputs": {"count": 3}},
         "map": control("map", item, over=["item"], **how)},
        "emit.numbers > map.item", ends, outputs={"all": "map.number"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 10, 20]}
    chunks = [text for each in run.chunks if each.path == "map" for text in each.items]
    assert chunks == (["[2,20]", "[1,10]", "[0,0]"] if as_finished else ["0", "10", "20"])


async def test_a_fallback_starts_its_stream_again():
    """Engine 4.10: what the first alternative streamed counts no longer."""
    graph = written({"bad": {"type": "test.fail", "inputs": {"chunks": 2}}, "good": "test.emit"})
    run = await drive_written(
        {"try": control("fallback", graph), "double": "test.double"},
        "try.numbers > double.numbers",
        outputs={"doubled": "double.numbers", "numbers": "try.numbers"},
    )
    assert outputs_of(run) == {"doubled": [0, 2, 4], "numbers": [0, 1, 2]}


async def test_a_handled_error_does_not_stop_the_stream_of_the_success_path():
    """Engine 3.3, 4.6. Dify 14997: "Error Handling Fail Branch will break LLM streaming
    output"."""
    run = await Handshake().drive(
        written(
            {"talk": "shake.talk", "hear": "shake.hear", "said": "test.fault"},
            "talk.result > hear.numbers; talk.[error] > said.fault",
            outputs={"heard": "hear.result"},
        )
    )
    assert outputs_of(run) == {"heard": HEARD}
    assert steps_of(run, "said") == ["TaskSkipped"]


@pytest.mark.parametrize("kind", ["map", "while"])
async def test_an_answer_inside_a_loop_or_map_is_seen_while_it_streams(kind):
    """Engine 4.10, 4.11. Dify 38867: "Answer Node not work in iteration (Also missing "message"
    event in SSE response )"."""
    inner = written(
        {"talk": "shake.talk", "hear": "shake.hear", "sum": "test.add", "three": number(3)},
        "$inputs.n > talk.after; talk.result > hear.numbers; three.result > sum.values",
        inputs={"n": "int"}, outputs={"n": "sum.result"},
    )  # fmt: skip
    if kind == "map":
        tasks = {"emit": {"type": "test.emit", "inputs": {"count": 1}},
                 "loop": control("map", inner, over=["n"])}  # fmt: skip
        flows = "emit.numbers > loop.n"
    else:
        turns = {"port": "n", "is": "<", "value": 3}
        tasks = {"emit": number(0), "loop": control("while", inner, condition=turns)}
        flows = "emit.result > loop.n"
    run = await Handshake().drive(written(tasks, flows))
    log = log_of(run)
    assert run.status is RunStatus.COMPLETED
    assert log.index(("StreamOpened", "loop[0]/talk")) < log.index(("TaskCompleted", "loop"))


async def test_one_map_does_not_hold_back_the_branch_beside_it():
    """Engine 4.6, 5.7. Dify 34882: "Chatflow: Parallel iteration node blocks downstream nodes in
    other concurrent branches"."""
    over = asyncio.Event()

    @task(name="waits.for-chain", effect="none")
    async def waits(number: int) -> int:
        await over.wait()
        return number

    @task(name="ends.chain", effect="none")
    async def ends(numbers: Chunks[int]) -> int:
        total: list[int] = await numbers.final()
        over.set()
        return sum(total)

    item = written({"waits": "waits.for-chain"}, "$inputs.item > waits.number",
                   inputs={"item": "int"}, outputs={"number": "waits.result"})  # fmt: skip
    run = await drive_written(
        {"emit": "test.emit", "map": control("map", item, over=["item"], limit=1),
         "one": "test.double", "two": "test.double", "end": "ends.chain"},
        "emit.numbers > map.item; emit.numbers > one.numbers; one.numbers > two.numbers; "
        "two.numbers > end.numbers", waits, ends,
        outputs={"all": "map.number", "sum": "end.result"},
    )  # fmt: skip
    assert outputs_of(run) == {"all": [0, 1, 2], "sum": 12}


async def test_a_chain_of_five_hears_the_first_chunk_through_everything_at_once():
    """Engine 4.6: series, compound, branch, merge and map side by side on one stream."""
    inner = written({"in": "shake.pass"}, "$inputs.numbers > in.numbers",
                    inputs={"numbers": "list[int]"}, outputs={"numbers": "in.result"})  # fmt: skip
    run = await Handshake().drive(
        written(
            {"talk": "shake.talk", "p1": "shake.pass", "box": control("graph", inner),
             "way": number(0), "branch": branch(), "merge": control("merge"), "p2": "shake.pass",
             "map": control("map", ITEM, over=["item"], stream=True), "hear": "shake.hear"},
            chain("talk", "p1", "box") + "; box.numbers > branch.value; way.result > branch.way; "
            "branch.one > merge.values; branch.two > merge.values; merge.value > p2.numbers; "
            "p2.result > map.item; map.sum > hear.numbers",
            outputs={"heard": "hear.result"},
        )
    )  # fmt: skip
    assert outputs_of(run) == {"heard": HEARD}
