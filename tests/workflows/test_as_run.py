"""A run beside its definition: the differences in words."""

import json

from runner.graph.definition import GraphDefinition
from workflows.as_run import KeptTask, differing
from workflows.blueprint import blueprint
from workflows.outline import outline_of

BIG = {"port": "score", "is": ">", "value": 10}
HOSTILE = "\"><img src=x onerror=alert(1)>'&"


def _task(id, kind="test.number", **more):
    return {"id": id, "type": kind, "title": id.title()} | more


DRAWN = json.dumps(
    {
        "v": 1,
        "tasks": [
            _task(
                "choose",
                "flow.branch",
                config={"branches": [{"name": "big", "if": BIG}], "otherwise": "small"},
            ),
            _task("each", "flow.map", graph={"tasks": [_task("one")]}),
            _task("off", disabled=True),
            _task("end"),
        ],
    }
)


def _differing(*kept, **trial):
    found = differing(
        outline_of(DRAWN),
        GraphDefinition.from_json(DRAWN),
        [KeptTask(*each) for each in kept],
        **trial,
    )
    return [(each.path, each.title, each.said) for each in found]


def test_a_run_that_went_as_drawn_differs_nowhere():
    assert _differing(("end", "completed", None, "")) == []


def test_a_map_says_into_how_many_items_it_expanded():
    assert _differing(("each", "running", 12, "")) == [("each", "Each", "expanded ×12")]


def test_a_branch_names_the_output_that_was_not_taken():
    found = _differing(("choose", "completed", None, '["small"]'))

    assert found == [("choose", "Choose", "branch big not taken")]


def test_an_item_is_counted_by_its_drawn_place_and_opens_the_box_around_it():
    kept = [(f"each[{number}]/one", "cached", None, "") for number in range(3)]

    assert _differing(*kept) == [("each", "Each › One", "cached ×3")]


def test_a_disabled_task_and_one_that_was_skipped_are_told_apart():
    found = _differing(("off", "skipped", None, ""), ("end", "skipped", None, ""))

    assert found == [("off", "Off", "disabled"), ("end", "End", "skipped")]


def test_a_trial_says_what_it_was_given_and_what_it_left_out():
    found = _differing(pinned=("choose",), left_out=("end",))

    assert found == [
        ("choose", "Choose", "given, not run"),
        ("end", "End", "left out of this trial"),
    ]


def test_the_definition_is_drawn_without_ids_and_says_differences_as_text():
    drawn = "".join(blueprint(DRAWN, address=lambda _: HOSTILE, said={"each": HOSTILE}))

    assert " id=" not in drawn
    assert "<img" not in drawn
    assert drawn.count('class="box ') == 4
    assert "&lt;img" in drawn
