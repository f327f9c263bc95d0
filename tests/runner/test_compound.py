"""GraphAsTask, series, parallel and the builder: graphs that look like one task."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from runner.errors import DefinitionError
from runner.graph import (
    Branch,
    Fallback,
    GraphBuilder,
    GraphDefinition,
    Map,
    Merge,
    TaskRegistry,
    parallel,
    plan,
    series,
)
from runner.graph.compound import GraphAsTask
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task, task
from runner.graph.task_graph import Constant, OutputOf, Several


class Point(BaseModel):
    x: int


@task
async def count(text: str) -> int:
    return len(text.split())


@task
async def double(number: int, times: Annotated[int, Field(ge=1)] = 2) -> int:
    return number * times


@task
async def halves(number: int, place: Point, times: int = 2) -> dict[str, int]:
    return {"number": number // times + place.x}


class Letters(Task):
    effect = "none"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    class Config(Ports):
        case: str = "upper"

    @staticmethod
    def streaming():
        return {"text": Stream()}


class Read(Task):
    effect = "none"

    class Inputs(Ports):
        text: Chunks[str]
        numbers: Chunks[int]

    class Outputs(Ports):
        length: int
        words: list[str]


# ── the builder ─────────────────────────────────────────────────────────────────────────────────


def built():
    graph = GraphBuilder("shout", title="Shout")
    text = graph.input("text", "str", default="a b")
    loud = graph.add("loud", Letters({"case": "lower"}), text=text)
    words = graph.add("words", count, text=loud.text)
    graph.output("words", words["result"])
    graph.output("text", loud.text)
    return graph


def test_a_graph_built_in_code_can_be_planned():
    graph = built()
    found = plan(graph.definition, {}, graph.registry)
    assert found.tasks["loud"].sources["text"] == Constant('"a b"')
    assert found.tasks["loud"].task.config.case == "lower"
    assert found.tasks["words"].sources["text"] == OutputOf("loud", "text")


def test_a_graph_built_in_code_is_a_definition_like_any_other():
    graph = built()
    assert GraphDefinition.from_json(graph.definition.to_json()) == graph.definition


def test_a_graph_looks_like_a_task():
    made = built().as_task()
    assert [*made.inputs] == ["text"]
    assert (made.inputs["text"].default, made.inputs["text"].owner) == ('"a b"', "Shout")
    assert (made.outputs["text"].mode, made.outputs["words"].type) == ("append", int)
    assert (made.title, made.name) == ("Shout", "flow.graph")
    with pytest.raises(DefinitionError, match="Shout is a graph"):
        made.execute({}, None)


def test_a_graph_with_problems_is_no_task():
    graph = GraphBuilder("bad", registry=TaskRegistry())
    graph.add("words", count)
    graph.add("more", count)
    with pytest.raises(DefinitionError, match=r"needs its input text.*1 more problem") as caught:
        graph.as_task()
    assert len(caught.value.problems) == 2


def test_several_ports_give_a_list_and_values_stay_values():
    graph = GraphBuilder("lists")

    @task
    async def join(texts: list[str], names: list[str]) -> str:
        return ""

    one = graph.add("one", Letters, text="a")
    graph.add("join", join, texts=[one.text], names=["a", "b"])
    found = plan(graph.definition, {}, graph.registry).tasks["join"].sources
    assert found == {"texts": Several((OutputOf("one", "text"),)), "names": Constant('["a","b"]')}


def test_an_unknown_output_is_named():
    added = built().add("more", Letters, text="a")
    with pytest.raises(DefinitionError, match=r"Task more has no output 'txet'; it has text\."):
        _ = added.txet
    assert not hasattr(added, "__wrapped__")


def test_a_graph_is_used_inside_another():
    outer = GraphBuilder("outer")
    outer.output("words", outer.add("in", built().as_task(), text="x").words)
    found = plan(outer.definition, {}, outer.registry)
    assert [*found.tasks] == ["in/loud", "in/words"]
    assert found.compounds["in"].title == "Shout"
    assert found.outputs == {"words": OutputOf("in/words", "result")}


def test_a_map_is_used_inside_another_graph():
    inside = built()
    outer = GraphBuilder("outer", registry=inside.registry)
    each = Map({"over": ["text"]}, inside.definition, inside.registry)
    outer.output("words", outer.add("each", each, text=["x", "y"]).words)
    found = plan(outer.definition, {}, outer.registry)
    assert found.tasks["each"].task.config.limit == 8
    assert found.tasks["each"].title == "Shout"
    assert found.tasks["each"].sources["text"] == Constant('["x","y"]')


def test_an_error_is_an_output_of_every_task():
    """Engine 3.3."""

    @task
    async def apologise(fault: dict[str, str]) -> str:
        return fault["message"]

    graph = GraphBuilder("careful")
    words = graph.add("words", Letters, text="a")
    graph.output("sorry", graph.add("sorry", apologise, fault=words.error).result)
    graph.output("error", words["[error]"])
    found = plan(graph.definition, {}, graph.registry)
    assert found.tasks["words"].handles_error
    assert found.outputs["error"] == OutputOf("words", "[error]")
    assert GraphDefinition.from_json(graph.definition.to_json()) == graph.definition


def test_a_control_in_code_takes_a_builder_a_graph_or_a_task():
    for body in (built(), built().as_task(), Letters):
        each = Map.of(body, over=["text"])
        assert each.inputs["text"].type == list[str]
        assert "text" in each.outputs


def test_a_whole_graph_is_short_in_code():
    graph = GraphBuilder("short", fail_fast=True)
    text = graph.input("text", "str", default="a b")
    letters = graph.add("letters", Fallback.of(Letters, Letters), text=text)
    counted = graph.add("count", count, text=letters.text, policy={"retry": {"attempts": 3}})
    long = {"port": "count", "is": ">", "value": 3}
    route = graph.add("route", Branch({"branches": [{"name": "long", "if": long}],
                                       "otherwise": "short"}),
                      value=letters.text, count=counted.result)  # fmt: skip
    each = graph.add("each", Map.of(count, over=["text"], limit=2), text=[route.long])
    graph.output("text", graph.add("end", Merge, values=[route.short, letters.error]).value)
    graph.output("counts", each.result)
    again = GraphDefinition.from_json(graph.definition.to_json())
    assert again.to_json() == graph.definition.to_json()
    assert [*plan(again, {}, graph.registry).tasks] == [
        "letters", "count", "route", "each", "end",
    ]  # fmt: skip


# ── series ──────────────────────────────────────────────────────────────────────────────────────


def flows(made: GraphAsTask) -> set[tuple[str, str]]:
    return {(each.source, each.target) for each in made.definition.dataflows}


def test_a_series_joins_equal_names_then_only_ports():
    made = series(Letters, count, double)
    assert flows(made) == {
        ("$inputs.text", "letters.text"),
        ("letters.text", "count.text"),
        ("count.result", "double.number"),
        ("$inputs.times", "double.times"),
    }
    assert [*made.outputs] == ["result"]
    assert (made.inputs["times"].default, made.inputs["times"].minimum) == ("2", 1)


def test_a_series_that_is_not_clear_lists_both():
    with pytest.raises(DefinitionError) as caught:
        series(count, halves)
    assert "how count feeds halves: count gives result; halves takes number, place, times." in str(
        caught.value
    )


def test_a_series_of_a_series_keeps_the_inner_one_whole():
    made = series(series(Letters, name="inner"), Letters, Letters, count)
    assert [each.id for each in made.definition.tasks] == ["inner", "letters", "letters_2", "count"]
    found = plan(made.definition, {"text": "a"}, made.registry)
    assert [*found.tasks] == ["inner/letters", "letters", "letters_2", "count"]


def test_a_series_needs_a_task():
    with pytest.raises(DefinitionError, match="at least one task"):
        series()


# ── parallel ────────────────────────────────────────────────────────────────────────────────────


def test_tasks_side_by_side_share_inputs_and_name_outputs_by_task():
    made = parallel(count, Letters, double)
    assert [*made.inputs] == ["text", "number", "times"]
    assert [*made.outputs] == ["count_result", "text", "double_result"]


def test_inputs_of_one_name_and_two_types_are_told_apart():
    made = parallel(double, halves)
    assert [*made.inputs] == ["number", "times", "place", "halves_times"]
    assert made.inputs["place"].type is Any


def test_stream_inputs_are_exposed_as_whole_values():
    made = parallel(Read)
    assert (made.inputs["text"].type, made.inputs["numbers"].type) == (str, list[int])
