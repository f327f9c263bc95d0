"""What no drawing may have, whatever task types are installed."""

import json
from typing import Any

import pytest

from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.shape import check_shape


def drawing(**changes: Any) -> GraphDefinition:
    """Two tasks of types that nobody has, joined, with an input and an output."""
    document: dict[str, Any] = {
        "v": 1,
        "name": "shape",
        "inputs": [{"name": "n", "type": "int"}],
        "tasks": [{"id": "one", "type": "no.such"}, {"id": "two", "type": "no.such"}],
        "dataflows": [
            {"from": "$inputs.n", "to": "one.x"},
            {"from": "one.y", "to": "two.x"},
            {"from": "one.[error]", "to": "two.fault"},
        ],
        "outputs": [{"name": "m", "from": "two.y"}],
    }
    return GraphDefinition.from_json(json.dumps(document | changes))


def flow(source: str, target: str) -> dict[str, Any]:
    return {"dataflows": [{"from": source, "to": target}]}


def test_a_drawing_of_types_that_are_not_installed_has_a_shape_all_the_same():
    """Engine 3.1."""
    check_shape(drawing())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tasks": [{"id": "a b", "type": "t"}], "dataflows": [], "outputs": []}, "'a b' is no id"),
    ({"tasks": [{"id": "one", "type": "t"}] * 2}, "Two tasks have the id 'one'"),
    ({"inputs": [{"name": "2"}]}, "'2' is no name for an input"),
    ({"inputs": [{"name": "n"}] * 2}, "Two inputs are called 'n'"),
    ({"outputs": [{"name": "a-b", "from": "two.y"}]}, "'a-b' is no name for an output"),
    ({"outputs": [{"name": "m", "from": "two.y"}] * 2}, "Two outputs are called 'm'"),
    ({"outputs": [{"name": "m", "from": "gone.y"}]}, "There is no task 'gone' for 'gone.y'"),
    (flow("one.y", "$inputs.n"), r"Nothing can flow into '\$inputs\.n'"),
    (flow("one.y", "two.[error]"), r"Nothing can flow into 'two\.\[error\]'"),
    (flow("one.y", "gone.x"), "There is no task 'gone' for 'gone.x'"),
    (flow("gone.y", "two.x"), "There is no task 'gone' for 'gone.y'"),
    (flow("$inputs.k", "two.x"), "There is no input 'k'"),
    (flow("two.y", "two.x"), "circle"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
@pytest.mark.parametrize("inside", [False, True])
def test_what_no_drawing_may_have_is_said_in_one_sentence_of_every_level(changes, said, inside):
    """Engine 3.1."""
    drawn = drawing(**changes)
    if inside:
        graph = {**json.loads(drawn.to_json()), "v": 1}
        task = {"id": "box", "type": "flow.graph", "graph": graph}
        drawn = drawing(tasks=[task], dataflows=[], outputs=[])
    with pytest.raises(DefinitionError, match=said) as refusal:
        check_shape(drawn)
    assert "\n" not in refusal.value.sentence
