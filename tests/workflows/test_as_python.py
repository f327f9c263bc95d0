"""A definition as a program: run again, it gives the same definition, byte for byte."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.graph.definition import DefinedTask, GraphDefinition, GraphPort
from runner.graph.expression import Expression
from tests import strategies
from workflows.as_python import as_python

HOSTILE = "'''\"\"\"\\\n\r\u2028\u202e{x!r}');import os\nraise SystemExit(1)#"


def again(definition):
    """What the program of a definition builds."""
    names: dict = {}
    exec(as_python(definition), names)  # noqa: S102 - that it can be run is the claim
    return names["graph"].definition.to_json()


@given(strategies.definitions())
def test_the_program_builds_the_same_definition_byte_for_byte(text):
    drawn = GraphDefinition.from_json(text)
    assert again(drawn) == drawn.to_json()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_text_stays_text(words):
    drawn = GraphDefinition(
        title=words,
        help=HOSTILE,
        inputs=(GraphPort(name="a", type="str", default=words, help=HOSTILE),),
        tasks=(DefinedTask(id="t", type="x.y", title=HOSTILE, config={words: [words, HOSTILE]}),),
    )
    assert again(drawn) == drawn.to_json()


VALUES = [
    Decimal("1.50"),
    datetime(2026, 5, 4, tzinfo=UTC),
    b"\x00'",
    Expression("len(text) > 'a'"),
    [None, True, -1, 2.5, {"$x": {"deep": ["'"]}}],
]


@pytest.mark.parametrize("value", VALUES)
def test_any_value_that_a_definition_can_hold_is_written(value):
    task = DefinedTask(id="t", type="x.y", inputs={"in": value}, policy={"timeout": 60})
    drawn = GraphDefinition(tasks=(task,))
    assert again(drawn) == drawn.to_json()


def test_what_is_inside_is_built_first_and_every_field_is_kept():
    inner = {
        "name": "inner",
        "inputs": [{"name": "q", "type": "int", "minimum": 0}],
        "tasks": [{"id": "x", "type": "a.b"}],
    }
    tasks = [
        {"id": "a", "type": "flow.graph", "title": "Outer", "disabled": True, "graph": inner},
        {"id": "b", "type": "not.installed"},
    ]
    document = {
        "v": 1, "name": "demo", "help": "So.", "fail_fast": True, "tasks": tasks,
        "inputs": [{"name": "may", "type": "str", "required": False, "ui": "multiline"}],
        "dataflows": [{"from": "a.r", "to": "b.v"}],
        "outputs": [{"name": "o", "from": "b.r", "title": "Out", "help": "it"}],
    }  # fmt: skip
    drawn = GraphDefinition.from_json(json.dumps(document))
    assert again(drawn) == drawn.to_json()
    assert as_python(drawn).index("graph_1 = ") < as_python(drawn).index("graph = ")
