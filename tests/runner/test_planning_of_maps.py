"""Maps in a plan: one task outside, and the same tasks for the same items each time."""

import pytest

from runner.errors import DefinitionError
from runner.graph.planning import unfold
from runner.graph.task_graph import Constant, ItemOf, OutputOf
from tests.saying import (
    INNER,
    TEXT,
    compound,
    graph_of,
    mapped,
    outputs,
    planned,
    registry_of_saying,
)

BODY = graph_of(
    ["up: upper", "echo: echo"],
    ["$inputs.text > up.text", "$inputs.times > up.times", "up.result > echo.text"],
    inputs=[*TEXT, {"name": "times", "type": "int", "default": 2}],
    outputs=outputs(loud="echo.text", same="$inputs.times"),
)


@pytest.fixture
def registry():
    return registry_of_saying()


def with_map(registry, body=BODY, **fields):
    return planned(
        registry,
        ["join: join", {**mapped("each", body, ["text"]), **fields}, "all: join"],
        ["$inputs.texts > join.texts", "join.texts > each.text", "each.loud > all.texts"],
        inputs=[{"name": "texts", "type": "list[str]"}],
        given={"texts": ["a", "b"]},
    )


def test_a_map_stays_one_task_with_lists_outside(registry):
    graph = with_map(registry)
    each = graph.tasks["each"]
    assert each.sources == {"text": OutputOf("join", "texts"), "times": Constant("2")}
    assert each.task.inputs["text"].type == list[str]
    assert each.task.outputs["same"].type == list[int]
    assert (each.task.over, each.task.limit) == (("text",), 8)
    assert graph.tasks["all"].sources["texts"] == OutputOf("each", "loud")


def test_a_map_unfolds_into_the_tasks_of_its_items(registry):
    found = unfold(with_map(registry).tasks["each"], 2)
    assert [*found.tasks] == ["each[0]/up", "each[0]/echo", "each[1]/up", "each[1]/echo"]
    second = found.tasks["each[1]/up"]
    assert second.sources == {"text": ItemOf("each", "text", 1), "times": Constant("2")}
    assert (second.parent, second.dependencies) == ("each", ())
    assert found.scopes[1].outputs == {
        "loud": OutputOf("each[1]/echo", "text"),
        "same": Constant("2"),
    }
    assert found.dependants["each[0]/up"] == ("each[0]/echo",)


def test_an_unfolding_is_the_same_every_time(registry):
    each = with_map(registry).tasks["each"]
    one, other = unfold(each, 3), unfold(each, 3)
    assert [*one.tasks] == [*other.tasks]
    assert [each.outputs for each in one.scopes] == [each.outputs for each in other.scopes]
    assert [task.sources for task in one.tasks.values()] == [
        task.sources for task in other.tasks.values()
    ]
    assert unfold(each, 0).tasks == {}


def test_a_map_and_a_compound_inside_a_map_unfold_in_turn(registry):
    inner = graph_of(
        [compound("in", INNER), "up: upper"],
        ["$inputs.word > in.text", "$inputs.other > up.text"],
        inputs=[{"name": "word", "type": "str"}, {"name": "other", "type": "str"}],
        outputs=outputs(text="in.text"),
    )
    body = graph_of(
        [mapped("inner", inner, ["word"]), "join: join"],
        ["$inputs.words > inner.word", "$inputs.text > inner.other", "inner.text > join.texts"],
        inputs=[{"name": "words", "type": "list[str]"}, *TEXT],
        outputs=outputs(text="join.text"),
    )
    graph = planned(
        registry,
        ["say: say", {**mapped("outer", body, ["words"]), "inputs": {"words": [["a"], ["b"]]}}],
        ["say.text > outer.text"],
    )
    first = unfold(graph.tasks["outer"], 2)
    again = unfold(first.tasks["outer[1]/inner"], 1)
    assert first.tasks["outer[1]/inner"].sources["word"] == ItemOf("outer", "words", 1)
    path = "outer[1]/inner[0]/in/first"
    assert again.tasks[path].sources["text"] == ItemOf("outer[1]/inner", "word", 0)
    assert again.tasks["outer[1]/inner[0]/up"].sources["text"] == OutputOf("say", "text")
    assert again.compounds["outer[1]/inner[0]/in"].parent == "outer[1]/inner"
    assert again.tasks["outer[1]/inner[0]/in/second"].first_chunk == {"text"}


def test_an_output_that_is_skipped_in_every_item_is_not_taken(registry):
    body = {**BODY, "tasks": [BODY["tasks"][0], {**BODY["tasks"][1], "disabled": True}]}
    found = unfold(with_map(registry, body).tasks["each"], 1)
    assert "loud" not in found.scopes[0].outputs
    assert found.skipped == ("each[0]/echo",)


def test_only_a_control_unfolds(registry):
    graph = with_map(registry)
    with pytest.raises(DefinitionError, match="join is no control"):
        unfold(graph.tasks["join"], 2)
    with pytest.raises(DefinitionError, match="is a map"):
        graph.tasks["each"].task.execute({}, None)
