"""A subtask is joined as the task around it needs it; conditions as rows and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.editing.acts import carry_out, read_edit
from runner.editing.draft import Draft
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry

REGISTRY = default_registry()


def added(holder, *kinds):
    """A drawing with one task around these subtasks, each added at the end; its inside."""
    draft = Draft(definition=GraphDefinition())
    acts = [{"op": "add", "type": holder}]
    path = holder.rpartition(".")[2]
    acts += [{"op": "subtask", "path": path, "type": kind} for kind in kinds]
    for act in acts:
        draft = carry_out(read_edit(act), draft, REGISTRY).draft
    return draft.level(path)


def flows(level):
    return [(each.source, each.target) for each in level.dataflows]


def ports(level):
    return [each.name for each in level.inputs], [(e.name, e.source) for e in level.outputs]


def test_in_a_series_each_takes_what_the_one_before_gives_and_the_last_gives_the_outputs():
    level = added("flow.graph", "text.keywords", "text.count_words")
    assert flows(level)[0] == ("$inputs.question", "keywords.question")
    assert [target for _, target in flows(level)] == ["keywords.question", "count_words.text"]
    assert [name for name, _ in ports(level)[1]] == list(
        REGISTRY.get("text.count_words").Outputs.model_fields
    )


def test_what_is_not_set_up_yet_is_joined_by_the_ports_of_its_type():
    level = added("flow.graph", "data.transform", "data.transform")
    assert flows(level) == [
        ("$inputs.value", "transform.value"), ("transform.result", "transform_2.value"),
    ]  # fmt: skip
    assert ports(level) == (["value"], [("result", "transform_2.result")])


def test_alternatives_take_the_same_inputs_and_name_no_outputs():
    level = added("flow.fallback", "data.transform", "data.transform")
    assert flows(level) == [
        ("$inputs.value", "transform.value"), ("$inputs.value", "transform_2.value"),
    ]  # fmt: skip
    assert ports(level) == (["value"], [])


@pytest.mark.parametrize(
    ("loop", "inputs", "kept"), [("flow.while", ["value"], "value"),
                                 ("flow.reduce", ["item", "so_far"], "so_far")],
)  # fmt: skip
def test_a_loop_hands_its_output_on_under_the_name_of_an_input(loop, inputs, kept):
    level = added(loop, "data.transform", "data.transform")
    assert ports(level) == (inputs, [(kept, "transform_2.result")])


def test_outputs_that_a_person_chose_stay():
    draft = Draft(definition=GraphDefinition())
    for act in (
        {"op": "add", "type": "flow.graph"},
        {"op": "subtask", "path": "graph", "type": "data.transform"},
        {"op": "subtask", "path": "graph", "type": "data.transform"},
        {"op": "output", "level": "graph", "name": "first", "source": "transform.result"},
        {"op": "subtask", "path": "graph", "type": "data.transform"},
    ):
        draft = carry_out(read_edit(act), draft, REGISTRY).draft
    assert ("first", "transform.result") in ports(draft.level("graph"))[1]


@pytest.mark.parametrize("path", ["keywords", "gone"])
def test_where_there_is_no_inside_nothing_is_added(path):
    draft = Draft(definition=GraphDefinition())
    draft = carry_out(read_edit({"op": "add", "type": "text.keywords"}), draft, REGISTRY).draft
    act = read_edit({"op": "subtask", "path": path, "type": "text.keywords"})
    with pytest.raises(DefinitionError):
        carry_out(act, draft, REGISTRY)


@given(st.lists(st.sampled_from(sorted(kind.name for kind in REGISTRY)), max_size=3))
def test_whatever_is_added_the_drawing_stays_one_that_can_be_read(kinds):
    for holder in ("flow.graph", "flow.map", "flow.first_of", "flow.reduce"):
        assert len(added(holder, *kinds).tasks) == len(kinds)
