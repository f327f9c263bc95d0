"""The sheet: positions, notes and frames, within bounds, in a file and back."""

import json

import pytest

from runner.editing.draft import Draft
from runner.editing.sheet import FAR, LARGE, NOTE_LETTERS, THINGS, TITLE_LETTERS, Sheet
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition

WHOLE = {
    "positions": {"$inputs": [-32, 0], "a": [16, 32]},
    "notes": {"n": {"box": [0, 0, 100, 50], "text": "why", "inside": "a"}},
    "frames": {"f": {"box": [0, 0, 100, 50], "title": "Part"}},
}


def test_a_sheet_survives_a_file():
    assert Sheet.from_document(WHOLE).to_document() == WHOLE
    assert Sheet.from_document({}).to_document() == {}


def test_a_file_holds_both_and_the_definition_reads_its_own_part_only():
    """Engine 1.1."""
    document = {
        "v": 1,
        "name": "x",
        "tasks": [{"id": "a", "type": "flow.map", "graph": {"name": "b"}}],
    }
    draft = Draft.from_json(json.dumps(document | {"layout": WHOLE}))
    text = draft.to_json()
    assert json.loads(text)["layout"] == WHOLE
    assert Draft.from_json(text).to_json() == text
    assert GraphDefinition.from_json(text) == draft.definition


def test_what_belongs_to_no_task_and_no_level_is_taken_off():
    draft = Draft.from_json(json.dumps({"v": 1, "layout": WHOLE}))
    assert draft.sheet.to_document() == {
        "positions": {"$inputs": [-32, 0]},
        "frames": WHOLE["frames"],
    }


def note(**changes):
    return {"notes": {"n": {"box": [0, 0, 9, 9]} | changes}}


@pytest.mark.parametrize(
    "document",
    [
        {"positions": {"a": [FAR, -FAR]}},
        note(box=[0, 0, LARGE, LARGE]),
        note(text="x" * NOTE_LETTERS),
        {"frames": {"f": {"box": [0, 0, 9, 9], "title": "x" * TITLE_LETTERS}}},
        {"positions": {f"t{number}": [0, 0] for number in range(THINGS)}},
    ],
)
def test_at_a_limit_it_is_taken(document):
    assert Sheet.from_document(document).to_document() == document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "must be an object"),
        ({"colours": {}}, "no section 'colours'"),
        ({"positions": []}, "must be an object"),
        ({"positions": {"a": [FAR + 1, 0]}}, "within"),
        ({"positions": {"a": [True, 0]}}, "within"),
        ({"positions": {"a": ["1", 0]}}, "within"),
        ({"positions": {"a": [float("nan"), 0]}}, "within"),
        ({"positions": {"a": [1]}}, "list of 2 numbers"),
        ({"notes": {"n": {}}}, "list of 4 numbers"),
        ({"notes": {"n": {"shoe": 1}}}, "no field 'shoe'"),
        (note(box=[0, 0, LARGE + 1, 9]), "larger than"),
        (note(box=[0, 0, 0, 9]), "or empty"),
        (note(text="x" * (NOTE_LETTERS + 1)), "longer than"),
        (note(text=5), "must be a text"),
        (note(text="\0"), "NUL"),
        ({"frames": {"f": {"box": [0, 0, 9, 9], "title": "x" * (TITLE_LETTERS + 1)}}}, "longer"),
        ({"positions": {f"t{number}": [0, 0] for number in range(THINGS + 1)}}, "more than"),
    ],
)
def test_beyond_a_limit_it_is_refused_with_one_sentence(document, said):
    with pytest.raises(DefinitionError, match=said):
        Sheet.from_document(document)
