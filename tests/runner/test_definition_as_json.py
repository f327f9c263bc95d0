"""A definition as JSON: the same bytes each time, and one sentence for what is none."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import DefinitionError
from runner.graph.dataflow import Dataflow
from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.reading import MAX_BYTES
from runner.graph.registry import TaskRegistry
from tests.drawing import INNER, SPLIT, definition, flow

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
numbers = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    numbers | st.booleans() | texts | st.binary(max_size=5) | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
graph_ports = st.builds(
    GraphPort, name=names, type=texts, default=anything, title=texts, help=texts, ui=texts,
    minimum=numbers, maximum=numbers, required=st.booleans(),
)  # fmt: skip
named_values = st.dictionaries(texts, anything, max_size=3)


def definitions(depth=2):
    inner = st.none() | definitions(depth - 1) if depth else st.none()
    tasks = st.builds(
        DefinedTask, id=ids, type=texts, title=texts, disabled=st.booleans(),
        config=named_values, inputs=named_values, graph=inner,
    )  # fmt: skip
    outputs = st.builds(GraphOutput, name=names, source=texts, title=texts, help=texts)
    return st.builds(
        GraphDefinition,
        name=texts, title=texts, help=texts,
        inputs=st.lists(graph_ports, max_size=3).map(tuple),
        outputs=st.lists(outputs, max_size=3).map(tuple),
        tasks=st.lists(tasks, max_size=3).map(tuple),
        dataflows=st.lists(st.builds(Dataflow, texts, texts), max_size=3).map(tuple),
    )  # fmt: skip


@given(definitions())
def test_a_definition_survives_json_byte_for_byte(drawn):
    text = drawn.to_json()
    read = GraphDefinition.from_json(text)
    assert read == drawn
    assert read.to_json() == text
    assert GraphDefinition.from_json(text.encode()) == drawn


@given(definitions())
def test_any_definition_can_be_checked(drawn):
    for problem in drawn.check(TaskRegistry()):
        assert problem.sentence


def test_the_order_of_names_makes_no_difference():
    one = definition(tasks=[{"id": "a", "type": "x", "config": {"a": 1, "b": 2}}])
    other = definition(tasks=[{"type": "x", "id": "a", "config": {"b": 2, "a": 1}}])
    assert one.to_json() == other.to_json()


def test_empty_fields_are_left_out():
    made = definition(title="", inputs=[], tasks=[{"id": "a", "type": "x", "config": {}}])
    assert made.to_json() == '{"v":1,"name":"demo","tasks":[{"id":"a","type":"x"}]}'


def test_a_default_of_null_means_that_an_input_may_be_left_out():
    (port,) = definition(inputs=[{"name": "a", "default": None}]).inputs
    assert not port.required
    assert '"required":false' in definition(inputs=[{"name": "a", "default": None}]).to_json()


def deep(levels):
    return "[" * levels + "]" * levels


def document(**fields):
    return json.dumps({"v": 1, **fields})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON: Expecting value in line 1, column 1."),
        ("{", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        ("[]", "the definition has to be an object."),
        ("{}", 'write "v": 1'),
        ('{"v":2}', 'write "v": 1'),
        ('{"v":true}', "'v' of the definition has to be a number."),
        ('{"v":1,"v":1}', "says 'v' twice"),
        ('{"v":NaN}', "holds NaN"),
        ('{"v":1e999}', "1e999 is too large"),
        ('{"v":' + "1" * 5000 + "}", "too many digits"),
        ('{"v":1,"extra":1}', "the definition has an unknown field 'extra'."),
        ('{"v":1,"name":5}', "'name' of the definition has to be text."),
        ('{"v":1,"tasks":{}}', "'tasks' of the definition has to be a list."),
        ('{"v":1,"tasks":[5]}', "number 1 of tasks has to be an object."),
        ('{"v":1,"tasks":[{"id":"a"}]}', "number 1 of tasks has no 'type'."),
        (document(tasks=[{"id": "a", "type": "x", "config": []}]), "has to be an object."),
        (document(tasks=[{"id": "a", "type": "x", "disabled": 1}]), "has to be true or false."),
        (document(tasks=[{"id": "a", "type": "x", "graph": {"b": 1}}]), "the graph of a has an"),
        (document(dataflows=[{"from": "a.b"}]), "number 1 of dataflows has no 'to'."),
        (document(inputs=[{"name": "a", "size": 1}]), "unknown field 'size'"),
        (document(title="a\0"), "'title' of the definition: Text with a NUL"),
        ('{"v":1,"title":"\\ud800"}', "surrogate"),
        ('{"v":1,"tasks":[{"id":"a","type":"x","config":{"\\u0000":1}}]}', "NUL"),
        (document(tasks=[{"id": "a", "type": "x", "config": {"a": {"$x": "1"}}}]), "The tag $x"),
        (document(inputs=[{"name": "a", "default": {"$bytes": "?"}}]), "is no bytes value"),
        ('{"v":1,"inputs":[{"name":"a","default":' + deep(65) + "}]}", "is nested too deep"),
        (deep(100_000), "is nested too deep"),
        ('"' + '\\"' * 500_000, "is not JSON"),
        (" " * (MAX_BYTES + 1), "is larger than 5 MiB"),
        (document(tasks=[{}] * 10_001), "more than 10000 tasks"),
    ],
)  # fmt: skip
def test_what_is_no_definition_is_refused_in_one_sentence(text, said):
    with pytest.raises(DefinitionError) as caught:
        GraphDefinition.from_json(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 250


VALID = document(
    inputs=[{"name": "a", "type": "int", "default": 1}],
    tasks=[SPLIT, {"id": "in", "type": "flow.graph", "graph": INNER}],
    dataflows=[flow("$inputs.a", "split.size")],
    outputs=[{"name": "b", "from": "split.passages"}],
)


@given(st.data())
def test_a_broken_definition_raises_nothing_else(data):
    start = data.draw(st.integers(0, len(VALID)))
    end = data.draw(st.integers(start, min(len(VALID), start + 12)))
    middle = data.draw(st.text(max_size=3) | st.sampled_from(['"', "{", "null", "1e999", "[]"]))
    with suppress(DefinitionError):
        GraphDefinition.from_json(VALID[:start] + middle + VALID[end:]).check(TaskRegistry())


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_that_is_something_else_raises_nothing_else(value):
    with pytest.raises(DefinitionError):
        GraphDefinition.from_json(json.dumps(value))


def test_what_cannot_be_written_is_refused():
    for title in ("a\0", "\ud800"):
        with pytest.raises(DefinitionError):
            GraphDefinition(title=title).to_json()
    with pytest.raises(DefinitionError, match="type object"):
        GraphDefinition(tasks=(DefinedTask(id="a", type="x", inputs={"a": object()}),)).to_json()
    assert GraphDefinition(title="\\u0000").to_json()
