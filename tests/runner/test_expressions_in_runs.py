"""Expressions in settings and inputs of a graph: checked when drawn, worked out once in the run."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from runner import (
    Chunks,
    Expression,
    GraphBuilder,
    GraphDefinition,
    Map,
    Ports,
    Retry,
    RunFault,
    Task,
    TaskGraphRunner,
    ValueFault,
    expression,
    task,
)
from runner.errors import DefinitionError, ExpressionError
from runner.execution import run_log
from runner.execution.expressions import ExpressionLimits, MontyExpressions
from runner.execution.host import Host
from runner.run import events
from tests.runs import Driven

SECONDS = 20


@task(effect="none", name="say")
async def say(text: str, times: int = 1) -> str:
    return text * times


@task(effect="none", name="add_line", retry=Retry(attempts=3, delay=0))
async def add_line(path: str, line: str) -> str:
    with Path(path).open("a", encoding="utf-8") as kept:  # noqa: ASYNC230 - counted from outside
        kept.write(line + "\n")
    return line


@task(effect="none", name="twice_elsewhere", place="process")
def twice_elsewhere(number: int) -> int:
    return number * 2


@task(effect="none", name="say_stream")
async def say_stream(text: str) -> AsyncIterator[str]:
    for each in text:
        yield each


class Cut(Task):
    """Cuts a text."""

    name = "cut"
    effect = "none"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        cut: str

    class Config(Ports):
        length: Annotated[int, Field(ge=1)]
        end: str = "…"

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        return {"cut": inputs.text[: self.config.length] + self.config.end}


class Follow(Task):
    """Reads a stream."""

    name = "follow"
    effect = "none"

    class Inputs(Ports):
        text: Chunks[str]
        times: int = 1

    class Outputs(Ports):
        length: int

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        return {"length": len(await inputs.text.final()) * inputs.times}


def graph_with(part, output="result", **inputs):
    """Give a graph of one task over the inputs `text` and `count`."""
    graph = GraphBuilder("graph")
    text, count = graph.input("text", "str", default="hey"), graph.input("count", "int", default=2)
    known = {"text": text, "count": count}
    flows: Any = {port: known.get(each, each) if isinstance(each, str) else each
             for port, each in inputs.items()}  # fmt: skip
    graph.output("out", graph.add("it", part, **flows)[output])
    return graph


async def run(graph, host=None, **inputs):
    runner = TaskGraphRunner(host=host) if host else TaskGraphRunner()
    under_way = runner.start(graph.as_task(), inputs)
    outputs = await asyncio.wait_for(under_way.outputs(), SECONDS)
    return outputs["out"]


# ── the definition ──────────────────────────────────────────────────────────────────────────────


def test_an_expression_is_written_as_it_was_read_and_a_constant_like_it_stays_one():
    """Engine 8.3, 2.3."""
    given = {"a": Expression("1 + x"), "b": {"$expression": "1"}, "c": [1]}
    definition = graph_with(say, text=given["b"]).definition.with_changed_task("it", inputs=given)

    text = definition.to_json()

    assert '"a":{"$expression":"1 + x"},"b":{"$dict":{"$expression":"1"}}' in text
    assert GraphDefinition.from_json(text).task("it").inputs == given
    assert GraphDefinition.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"$expression":1}', "An expression is text"),
        ('[{"$expression":"1"}]', "The tag $expression"),
        ('{"$expression":"1","x":2}', None),
    ],
)
def test_what_only_resembles_an_expression_is_refused_or_a_constant(given, said):
    text = '{"v":1,"tasks":[{"id":"it","type":"say","inputs":{"text":' + given + "}}]}"
    document = text.replace('"tasks"', '"inputs":[],"outputs":[],"dataflows":[],"tasks"')
    if said is None:
        assert GraphDefinition.from_json(document).task("it").inputs == {
            "text": {"$expression": "1", "x": 2}
        }
    else:
        with pytest.raises(DefinitionError) as refused:
            GraphDefinition.from_json(document)
        assert said in refused.value.sentence


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("len(txt)", "Expression for input times of Say: The expression uses 'txt'; it may use"),
        ("1 +", "Expression for input times of Say: This is not an expression"),
        ("", "Expression for input times of Say: The expression is empty."),
        ("1" * 2001, "at most 2,000 characters; this one has 2,001"),
        ("times + 1", "uses 'times', which is an expression itself"),
        ("len(text)" + " " * 1991, None),
    ],
)
def test_an_expression_is_checked_when_it_is_drawn(source, said):
    """Engine 3.1, 8.3."""
    graph = graph_with(say, text="text", times=expression(source))

    problems = graph.definition.check(graph.registry)

    assert [(each.task, each.port) for each in problems] == ([("it", "times")] if said else [])
    assert said is None or said in problems[0].sentence


@pytest.mark.parametrize(
    ("part", "inputs", "said"),
    [
        (Follow, {"text": "text", "times": expression("len(text)")}, "'text', which is a stream"),
        (Map.of(say, over=["text"]), {"text": expression("[1]")}, "a control hand values on"),
    ],
)
def test_an_expression_has_no_stream_and_stands_before_no_control(part, inputs, said):
    graph = graph_with(part, output=next(iter(part.Outputs.model_fields), "result"), **inputs)

    assert said in graph.definition.check(graph.registry)[0].sentence


def test_an_input_with_an_expression_takes_no_dataflow():
    graph = graph_with(say, text="text")
    drawn = graph.definition.with_changed_task("it", inputs={"text": expression("'x'")})

    (problem,) = drawn.check(graph.registry)
    assert problem.sentence == "Input text of Say has an expression and a dataflow; take one away."


def test_a_setting_that_shapes_its_task_is_no_expression():
    with pytest.raises(ValueFault, match="Setting over of Map says what the task looks like"):
        Map.of(say, over=expression("['text']"))


def test_the_settings_beside_an_expression_are_checked_when_drawn():
    with pytest.raises(ValueFault, match="Setting end of Cut wants text, not 3"):
        Cut({"length": expression("2"), "end": 3})
    with pytest.raises(ValueFault, match="needs its setting length"):
        Cut({"end": expression("'.'")})


# ── the run ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_input_is_worked_out_of_the_other_inputs_and_those_of_the_graph():
    """Engine 8.3."""
    assert await run(graph_with(say, text="text", times=expression("len(text) - count"))) == "hey"


async def test_a_setting_is_worked_out_before_the_body():
    """Engine 8.3."""
    graph = graph_with(Cut({"length": expression("count"), "end": "!"}), "cut", text="text")

    assert await run(graph, text="hello", count=3) == "hel!"


class Repeat(Task):
    """Repeats a text."""

    name = "repeat"
    effect = "none"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        result: str

    class Config(Ports):
        times: int = 1

    async def execute(self, inputs: Any, _context: Any) -> str:
        return str(inputs.text * self.config.times)


async def test_a_setting_that_could_be_left_out_may_be_worked_out_too():
    """Engine 8.3."""
    assert (
        await run(graph_with(Repeat({"times": expression("count + 1")}), text="text"))
        == "heyheyhey"
    )


async def test_the_own_input_goes_before_one_of_the_graph_with_its_name():
    graph = graph_with(say, text="ho", times=expression("len(text)"))

    assert await run(graph, text="hello") == "hoho"


async def test_each_item_of_a_map_works_out_its_own():
    inner = graph_with(say, text="text", times=expression("len(text)"))
    graph = GraphBuilder("items")
    texts = graph.input("texts", "list[str]")
    graph.output("out", graph.add("map", Map.of(inner, over=["text"]), text=texts).out)

    assert await run(graph, texts=["a", "bc", ""]) == ["a", "bcbc", ""]


async def test_a_task_in_a_process_gets_the_value():
    graph = graph_with(twice_elsewhere, number=expression("count + 1"))

    assert await run(graph, count=4) == 10


async def test_the_end_of_a_stream_into_the_graph_around_it_is_waited_for():
    """Engine 4.2."""
    inner = graph_with(twice_elsewhere, number=expression("len(text)"))
    graph = GraphBuilder("outer")
    source = graph.add("source", say_stream, text="xyz")
    graph.output("out", graph.add("inner", inner.as_task(), text=source.result).out)

    assert await run(graph) == 6


@pytest.mark.parametrize(
    ("part", "inputs", "said"),
    [
        (say, {"text": "text", "times": expression("text / 2")},
         "Expression for input times of Say: The expression failed at character 1: TypeError"),
        (say, {"text": "text", "times": expression("text")},
         "Expression for input times of Say: Port times of Say wants a whole number"),
        (Cut({"length": expression("count - 2")}), {"text": "text"},
         "Expression for setting length of Cut: Setting length of Cut wants a whole number of"),
    ],
)  # fmt: skip
async def test_a_failure_is_the_tasks_and_names_the_place(part, inputs, said):
    """Engine 5.5, 6.4."""
    graph = graph_with(part, next(iter(part().outputs if isinstance(part, type) else part.outputs)),
                       **inputs)  # fmt: skip
    under_way = TaskGraphRunner().start(graph.as_task())

    with pytest.raises(RunFault):
        await asyncio.wait_for(under_way.outputs(), SECONDS)
    (failed,) = [each async for each in under_way.events() if isinstance(each, events.TaskFailed)]
    assert failed.error.type == "ExpressionError"
    assert said in failed.error.message
    assert "\n" not in failed.error.message


async def test_a_failed_expression_is_not_tried_again_and_no_body_runs(tmp_path):
    """Engine 5.5."""
    kept = tmp_path / "lines"
    graph = graph_with(add_line, path=str(kept), line=expression("text[99]"))
    under_way = TaskGraphRunner().start(graph.as_task())

    kinds = [each.kind async for each in under_way.events()]
    assert "TaskRetrying" not in kinds
    assert kinds[-1] == "RunFailed"
    assert not kept.exists()


async def test_the_loop_goes_on_while_a_greedy_expression_is_stopped():
    """Engine 8.3."""
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticker = asyncio.create_task(tick(), name="ticker")
    forever = "[0 for a in range(10**9) for b in range(10**9) if b < 0]"
    with pytest.raises(RunFault, match=r"takes longer than 0\.5 s"):
        await run(graph_with(say, text="text", times=expression(forever)))
    ticker.cancel()
    assert ticks >= 10


async def test_a_cancel_ends_a_run_in_the_middle_of_an_expression():
    """Engine 5.8."""
    host = Host(expressions=MontyExpressions(ExpressionLimits(seconds=60)))
    forever = "[0 for a in range(10**9) for b in range(10**9) if b < 0]"
    graph = graph_with(say, text="text", times=expression(forever))
    under_way = TaskGraphRunner(host=host).start(graph.as_task())
    async for each in under_way.events():
        if each.kind == "TaskStarted":
            under_way.cancel()
    with pytest.raises(RunFault, match="cancelled"):
        await asyncio.wait_for(under_way.outputs(), SECONDS)


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def tight():
    """Give expressions that take and give at most 12 bytes."""
    opened = MontyExpressions(ExpressionLimits(value_bytes=12, depth=10), workers=1)
    yield opened
    await opened.close()


async def test_values_up_to_the_limit_go_in_and_one_byte_more_does_not(tight):
    assert await tight.evaluate("len(x)", {"x": "a" * 10}) == 10
    with pytest.raises(ExpressionError, match="would read more than 12 bytes"):
        await tight.evaluate("len(x)", {"x": "a" * 11})


async def test_a_result_up_to_the_limit_comes_out_and_one_byte_more_does_not(tight):
    assert await tight.evaluate("'a' * 10", {}) == "a" * 10
    with pytest.raises(ExpressionError, match="gave more than 12 bytes"):
        await tight.evaluate("'a' * 11", {})


async def test_sizes_are_counted_in_bytes(tight):
    """Engine 8.3: as those of ports are."""
    assert await tight.evaluate("x + '€' * 2", {"x": "€"}) == "€€€"
    with pytest.raises(ExpressionError, match="would read more than 12 bytes"):
        await tight.evaluate("len(x)", {"x": "€€€€"})
    with pytest.raises(ExpressionError, match="gave more than 12 bytes"):
        await tight.evaluate("'€' * 4", {})


@pytest.mark.parametrize(
    "source", ["float('inf') - float('inf')", "[" * 90 + "]" * 90, "'x' * 10**7"]
)
async def test_a_result_that_cannot_be_kept_is_one_sentence(source):
    with pytest.raises(RunFault, match="Expression for input text of Say: ") as refused:
        await run(graph_with(say, text=expression(source)))
    assert "\n" not in str(refused.value)


async def test_more_expressions_than_workers_stand_in_line():
    few = MontyExpressions(workers=1, wait=0.5)
    found = await asyncio.gather(*(few.evaluate("n + 1", {"n": n}) for n in range(50)))
    await few.close()

    assert found == list(range(1, 51))


async def test_without_the_sandbox_one_sentence_is_said_and_the_rest_works(monkeypatch):
    """Engine 8.3."""
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)

    assert await run(graph_with(say, text="text")) == "hey"
    with pytest.raises(RunFault, match="need the package pydantic-monty, which is not installed"):
        await run(graph_with(say, text=expression("str(count)")))


# ── resume and rerun ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("commits", [1, 2])
async def test_a_resumed_run_works_out_the_same(tmp_path, commits, monkeypatch):
    """Engine 7.1, 7.9."""
    monkeypatch.setattr(run_log, "BATCH_ENTRIES", 1)
    kept = tmp_path / "lines"
    graph = graph_with(add_line, path=str(kept), line=expression("text.upper()"))
    more = graph.add("more", Cut({"length": expression("len(text) - 1")}), text="hello")
    graph.output("cut", more.cut)
    driven = Driven(graph)

    await driven.crash(commits)
    await driven.take_up()
    ran = await driven.end()

    assert ran.outputs == {"out": "HEY", "cut": "hell…"}
    assert set(kept.read_text(encoding="utf-8").split()) == {"HEY"}


async def test_a_cached_result_is_taken_for_the_same_values_only(tmp_path):
    """Engine 7.8."""
    kept = tmp_path / "lines"
    graph = GraphBuilder("cached")
    text = graph.input("text", "str")
    policy = {"cache": True}
    line = expression("text.upper()")
    it = graph.add("it", add_line, path=str(kept), line=line, policy=policy)
    graph.output("out", it.result)
    del text
    runner = TaskGraphRunner()

    for given in ("a", "a", "b"):
        await asyncio.wait_for(runner.start(graph.as_task(), {"text": given}).outputs(), SECONDS)

    assert kept.read_text(encoding="utf-8").split() == ["A", "B"]
