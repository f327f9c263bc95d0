"""A changed drawing is checked as a file would be."""

import math
from typing import Any

import pytest

from runner.editing.changes import Change, applied
from runner.editing.draft import Draft
from runner.editing.rereading import reread
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.reading import MAX_DATAFLOWS, MAX_TASKS

TASK = {"id": "a", "type": "test.number"}
FLOW = {"from": "a.result", "to": "b.value"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"tasks": [TASK] * (MAX_TASKS + 1)}, "more than 10000 tasks"),
        ({"tasks": [], "dataflows": [FLOW] * (MAX_DATAFLOWS + 1)}, "more than 50000 dataflows"),
    ],
)
def test_a_drawing_does_not_grow_beyond_what_a_file_may_have(document: dict[str, Any], said):
    with pytest.raises(DefinitionError, match=said):
        reread(document, {})


@pytest.mark.parametrize(
    ("value", "said"), [(math.nan, "holds NaN"), ("\ud800", "a lone surrogate")]
)
def test_a_change_brings_no_value_that_a_file_could_not_keep(value, said):
    """Engine 2.3."""
    change = Change(thing=("input", "", "n"), after={"name": "n", "default": value})
    with pytest.raises(DefinitionError, match=said):
        applied(Draft(definition=GraphDefinition()), [change])
