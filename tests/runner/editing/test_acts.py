"""What each act does to a draft, and the sentence where it cannot."""

from functools import partial
from typing import Any

import pytest

from runner.editing.acts import carry_out, read_edit
from runner.editing.draft import Draft
from runner.editing.edit import end_in_words, free_id, free_name, title_of
from runner.editing.joining import fits
from runner.editing.pasting import clip_of
from runner.errors import DefinitionError
from runner.graph.checking import examine
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.registry import default_registry
from tests.drive import drive, outputs_of
from tests.runner.editing.acting import REGISTRY


def chain():
    """Two numbers, added, added again with the first one, and a note about the sum."""
    drawn = [
        ("one", "test.number"), ("two", "test.number"), ("sum", "test.add"), ("more", "test.add"),
        ("note", "test.note"),
    ]  # fmt: skip
    flows = [("one", "sum"), ("two", "sum"), ("sum", "more"), ("one", "more"), ("more", "note")]
    draft = Draft(definition=GraphDefinition(name="chain"))
    for task_id, kind in drawn:
        inputs = {"value": 2} if kind == "test.number" else {}
        task = DefinedTask(id=task_id, type=kind, inputs=inputs)
        draft = draft.changed("", partial(GraphDefinition.with_task, task=task))
    for source, target in flows:
        ends: dict[str, Any] = {"source": f"{source}.result", "target": f"{target}.values"}
        draft = draft.changed("", partial(GraphDefinition.with_dataflow, **ends))
    return draft.changed("", lambda level: level.with_output("sum", "more.result"))


def do(draft, op, **arguments):
    """Do an act, as a browser says it."""
    return carry_out(read_edit({"op": op, **arguments}), draft, REGISTRY).draft


def flows(draft, level=""):
    """The dataflows of a level, as pairs."""
    return [(flow.source, flow.target) for flow in draft.level(level).dataflows]


def ids(draft, level=""):
    """The tasks of a level."""
    return [task.id for task in draft.level(level).tasks]


async def sum_of(draft):
    """What the draft gives when it runs."""
    return outputs_of(await drive(draft.definition.to_json(), {}))


def test_a_task_gets_a_free_id_and_stands_where_it_was_put():
    draft = do(do(Draft(definition=GraphDefinition()), "add", type="test.add"), "add",
               type="test.add", at=[40.4, 80.6])  # fmt: skip
    assert ids(draft) == ["add", "add_2"]
    assert draft.sheet.positions["add_2"] == (40, 81)


def test_a_task_added_at_a_port_is_joined_to_it():
    draft = do(chain(), "add", type="test.note", source="sum.result")
    assert ("sum.result", "note_2.values") in flows(draft)


def test_a_task_that_does_not_fit_the_port_says_so():
    with pytest.raises(DefinitionError, match=r"has no input that takes what sum\.result gives"):
        do(chain(), "add", type="flow.graph", source="sum.result")


def test_removing_tasks_takes_their_dataflows_and_outputs_along():
    draft = do(chain(), "remove", ids=["more"])
    assert ids(draft) == ["one", "two", "sum", "note"]
    assert flows(draft) == [("one.result", "sum.values"), ("two.result", "sum.values")]
    assert draft.definition.outputs == ()


def test_a_dataflow_that_does_not_fit_is_refused_with_the_reason():
    """Engine 3.1."""
    with pytest.raises(DefinitionError, match="note"):
        do(chain(), "connect", source="one.result", target="note.nothing")


def test_a_dataflow_that_closes_a_circle_is_refused_and_names_it():
    """Engine 3.1."""
    with pytest.raises(DefinitionError, match=r"go in a circle: .*sum"):
        do(chain(), "connect", source="more.result", target="sum.values")


def test_a_port_that_takes_one_dataflow_gives_up_the_one_it_had():
    draft = do(chain(), "add", type="test.emit")
    draft = do(draft, "add", type="test.total", source="emit.numbers")
    draft = do(do(draft, "add", type="test.emit"), "connect",
               source="emit_2.numbers", target="total.numbers")  # fmt: skip
    assert [flow for flow in flows(draft) if flow[1] == "total.numbers"] == [
        ("emit_2.numbers", "total.numbers")
    ]


def test_a_dataflow_takes_the_place_of_a_constant():
    draft = do(chain(), "set", path="note", section="inputs", name="values", value=[1])
    draft = do(draft, "connect", source="sum.result", target="note.values")
    assert draft.task("note").inputs == {}


@pytest.mark.parametrize("section", ["config", "inputs"])
def test_an_expression_is_given_as_a_definition_writes_it(section):
    written = {"values": {"$expression": "[1]"}}
    alone = do(chain(), "set", path="note", section=section, name="values", value=written["values"])
    whole = do(chain(), "task", path="note", **{section: written})
    assert alone.task("note").to_document()[section] == written
    assert whole.task("note").to_document()[section] == written


def test_what_connects_inside_of_a_compound_may_leave_its_own_input_open():
    draft = do(do(chain(), "add", type="flow.graph"), "add", level="graph", type="test.note")
    draft = do(draft, "input", level="graph", port={"name": "values", "type": "list[int]"})
    draft = do(draft, "connect", level="graph", source="$inputs.values", target="note.values")
    assert flows(draft, "graph") == [("$inputs.values", "note.values")]
    assert "needs its input values" in draft.definition.check(REGISTRY)[0].sentence


async def test_a_task_put_into_a_dataflow_lets_the_value_through():
    draft = do(chain(), "insert", source="sum.result", target="more.values", type="test.add")
    assert ("sum.result", "add.values") in flows(draft)
    assert ("add.result", "more.values") in flows(draft)
    assert await sum_of(draft) == await sum_of(chain())


def test_a_task_taken_out_leaves_its_ends_joined():
    draft = do(chain(), "bridge", id="more")
    assert ("sum.result", "note.values") in flows(draft)


@pytest.mark.parametrize("chosen", [["sum"], ["sum", "more"], ["one", "two", "sum"], ["one"]])
async def test_a_compound_made_of_tasks_gives_the_same(chosen):
    """Engine 2.7."""
    draft = do(chain(), "group", ids=chosen, title="Part")
    assert ids(draft, "part") == chosen
    assert draft.definition.check(REGISTRY) == []
    assert await sum_of(draft) == await sum_of(chain())


@pytest.mark.parametrize("chosen", [["sum"], ["sum", "more"], ["one", "two", "sum"], ["one"]])
async def test_a_compound_taken_apart_is_what_it_was(chosen):
    draft = do(do(chain(), "group", ids=chosen, title="Part"), "unpack", path="part")
    assert sorted(ids(draft)) == sorted(ids(chain()))
    assert sorted(flows(draft)) == sorted(flows(chain()))
    assert await sum_of(draft) == await sum_of(chain())


def test_tasks_with_another_between_them_make_no_compound():
    with pytest.raises(DefinitionError, match="sum lies between these tasks; add it to the group"):
        do(chain(), "group", ids=["one", "more"])


def test_places_follow_their_tasks_into_a_compound_and_out_of_it():
    draft = do(chain(), "move", positions={"sum": [10, 20]})
    draft = do(draft, "group", ids=["sum"], title="Part")
    assert draft.sheet.positions == {"part/sum": (10, 20)}
    assert do(draft, "unpack", path="part").sheet.positions == {"sum": (10, 20)}


def test_tasks_notes_and_frames_move_in_one_act_and_keep_their_size_and_words():
    draft = do(chain(), "note", id="n", note={"box": [0, 0, 30, 40], "text": "Look"})
    draft = do(draft, "frame", id="f", frame={"box": [0, 0, 50, 60], "title": "Part"})
    moved = do(draft, "move", positions={"sum": [1, 2]}, notes={"n": [3, 4]}, frames={"f": [5, 6]})
    assert moved.sheet.positions["sum"] == (1, 2)
    assert (moved.sheet.notes["n"].box, moved.sheet.notes["n"].text) == ((3, 4, 30, 40), "Look")
    assert moved.sheet.frames["f"].box == (5, 6, 50, 60)


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"positions": {"sum": [1, 2]}}, "Move sum"),
        ({"notes": {"n": [1, 2]}}, "Move 1 note"),
        ({"positions": {"sum": [1, 2], "one": [0, 0]}, "frames": {"f": [1, 2]}},
         "Move 2 tasks and 1 frame"),
        ({}, "Move nothing"),
    ],
)  # fmt: skip
def test_a_move_is_called_after_what_it_moves(moved, words):
    assert read_edit({"op": "move", **moved}).words(chain()) == words


@pytest.mark.parametrize("kind", ["note", "frame"])
def test_a_note_or_frame_that_is_gone_is_not_moved(kind):
    with pytest.raises(DefinitionError, match=f"There is no such {kind}."):
        do(chain(), "move", **{f"{kind}s": {"gone": [1, 2]}})


def test_what_is_pasted_keeps_the_dataflows_among_it_and_with_links_those_into_it():
    clip = clip_of(chain(), "", ["sum", "more"])
    alone = do(chain(), "paste", clip=clip)
    linked = do(chain(), "paste", clip=clip, links=True)
    assert ("sum_2.result", "more_2.values") in flows(alone)
    assert ("two.result", "sum_2.values") not in flows(alone)
    assert ("two.result", "sum_2.values") in flows(linked)


@pytest.mark.parametrize(
    "clip",
    [
        {},
        {"graph": []},
        {"graph": {"v": 1, "tasks": [{"id": "a", "type": "b"}]}, "links": [["x"]]},
        {"graph": {"v": 1, "tasks": []}, "links": [["a.b", "c.d"]]},
        {"graph": {"v": 1, "tasks": [{"id": "a"}]}},
        {"graph": {"v": 1, "tasks": [{"id": "a", "type": "b"}] * 2}},
    ],
)
def test_rubbish_in_the_clipboard_is_refused(clip):
    with pytest.raises(DefinitionError):
        do(chain(), "paste", clip=clip)


def test_an_input_that_is_renamed_stays_connected():
    draft = do(chain(), "input", port={"name": "extra", "type": "int"})
    draft = do(draft, "connect", source="$inputs.extra", target="sum.values")
    draft = do(draft, "input", port={"name": "other", "type": "int"}, was="extra")
    assert ("$inputs.other", "sum.values") in flows(draft)


def test_a_map_can_be_drawn_inside_at_once():
    draft = do(do(Draft(definition=GraphDefinition()), "add", type="flow.map"), "add",
               level="map", type="test.add", source="$inputs.item")  # fmt: skip
    assert flows(draft, "map") == [("$inputs.item", "add.values")]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ({"op": "fly"}, "cannot be understood"),
        ({}, "cannot be understood"),
        ({"op": "remove", "ids": []}, "at ids"),
        ({"op": "remove", "ids": ["nobody"]}, "There is no task 'nobody'"),
        ({"op": "title", "path": "one", "title": "x" * 201}, "at title"),
        ({"op": "title", "path": "one/two", "title": "x"}, "nothing inside of 'one'"),
        ({"op": "add", "type": "no.such"}, "There is no task type"),
        ({"op": "add", "type": "test.add", "shoe": 1}, "at .*shoe"),
        ({"op": "move", "positions": {"one": [float("nan"), 1]}}, "finite"),
        ({"op": "move", "positions": {"one": [1e9, 1]}}, "at positions"),
        ({"op": "set", "path": "one", "section": "graph", "name": "x"}, "at section"),
        ({"op": "set", "path": "one", "section": "config", "name": "x", "value": "\0"}, "NUL"),
        ({"op": "note", "id": "n", "note": {"box": [0, 0, 0, 9]}}, "empty"),
        ({"op": "note", "id": "<b>", "note": {"box": [0, 0, 9, 9]}}, "named by letters"),
        ({"op": "note", "id": "n", "note": {"box": [0, 0, 9, 9], "inside": "x"}}, "no task 'x'"),
        ({"op": "order", "ids": ["one"]}, "each task of the level once"),
        ({"op": "input", "port": {"name": "x", "type": "fish"}}, "is no type"),
        ({"op": "output", "name": "sum", "source": "one.result"}, "'sum' already"),
        ({"op": "input", "port": {"name": "x"}, "was": "y"}, "no input 'y'"),
        ({"op": "expose", "end": "one.nothing", "side": "input"}, "no input 'one.nothing'"),
        ({"op": "expose", "end": "nobody.x", "side": "output"}, "no output 'nobody.x'"),
        ({"op": "remove-note", "id": "n"}, "no such note"),
        ({"op": "remove-frame", "id": "f"}, "no such frame"),
        ({"op": "move", "positions": {"nobody": [1, 1]}}, "no task 'nobody'"),
        ({"op": "move", "positions": {"x/$inputs": [1, 1]}}, "no task 'x'"),
        ({"op": "unpack", "path": "one"}, "is no compound"),
        (
            {"op": "insert", "source": "sum.result", "target": "more.values", "type": "flow.graph"},
            "no input that takes",
        ),
        ({"op": "add", "type": "flow.graph", "target": "more.values"}, "no output that more"),
        (
            {
                "op": "insert",
                "source": "sum.result",
                "target": "more.values",
                "type": "flow.branch",
            },
            "flow.branch cannot be used as it is",
        ),
    ],
)
def test_an_act_that_cannot_be_is_refused_with_one_sentence(act, said):
    with pytest.raises(DefinitionError, match=said) as refusal:
        carry_out(read_edit(act), chain(), REGISTRY)
    assert "\n" not in refusal.value.sentence


def test_an_input_is_not_renamed_to_one_that_is_there():
    draft = do(chain(), "input", port={"name": "a", "type": "int"})
    draft = do(draft, "input", port={"name": "b", "type": "int"})
    with pytest.raises(DefinitionError, match="'a' already"):
        do(draft, "input", port={"name": "a", "type": "int"}, was="b")


def test_an_output_that_comes_from_an_input_follows_its_new_name():
    draft = do(chain(), "input", port={"name": "a", "type": "int"})
    draft = do(draft, "output", name="same", source="$inputs.a")
    draft = do(draft, "input", port={"name": "b", "type": "int"}, was="a")
    assert draft.definition.outputs[-1].source == "$inputs.b"


def test_a_task_that_stands_alone_is_put_into_a_dataflow():
    draft = do(chain(), "add", type="test.add")
    draft = do(draft, "insert", source="sum.result", target="more.values", id="add", at=[1, 2])
    assert ("add.result", "more.values") in flows(draft)
    assert draft.sheet.positions == {"add": (1, 2)}


def test_a_compound_is_not_made_around_a_task_whose_error_is_taken_outside():
    draft = do(chain(), "add", type="test.fault")
    draft = do(draft, "connect", source="sum.[error]", target="fault.fault")
    with pytest.raises(DefinitionError, match="Whoever takes the error of sum must be"):
        do(draft, "group", ids=["sum"], title="Part")


def test_a_compound_taken_apart_keeps_what_was_set_at_its_border():
    draft = do(chain(), "group", ids=["more"], title="Part")
    draft = do(draft, "input", level="part", port={"name": "extra", "type": "int", "default": 7})
    draft = do(draft, "connect", level="part", source="$inputs.extra", target="more.values")
    draft = do(draft, "output", level="part", name="extra", source="$inputs.extra")
    unpacked = do(draft, "unpack", path="part")
    assert unpacked.task("more").inputs == {"values": 7}


def test_tasks_of_a_type_that_is_not_installed_can_be_grouped_and_lose_nothing():
    """R17."""
    text = (
        '{"v":1,"tasks":[{"id":"a","type":"acme.Ocr","config":{"x":1}},{"id":"b","type":"test.note"}],'
        '"dataflows":[{"from":"a.text","to":"b.values"}]}'
    )
    draft = do(Draft.from_json(text), "group", ids=["b"], title="Part")
    assert draft.level("part").inputs[0].type == "any"
    assert draft.task("a").config == {"x": 1}


def test_what_is_copied_and_gone_cannot_be_copied():
    with pytest.raises(DefinitionError, match="no longer there"):
        clip_of(chain(), "", ["nobody"])


def test_what_is_pasted_stands_where_it_was_put_or_a_step_beside():
    draft = do(chain(), "move", positions={"sum": [10, 20], "more": [110, 20]})
    clip = clip_of(draft, "", ["sum", "more"])
    beside = do(draft, "paste", clip=clip).sheet.positions
    there = do(draft, "paste", clip=clip, at=[500, 500]).sheet.positions
    assert (beside["sum_2"], beside["more_2"]) == ((42, 52), (142, 52))
    assert (there["sum_2"], there["more_2"]) == ((500, 500), (600, 500))


def test_links_from_inputs_that_are_not_there_are_left_out():
    draft = do(chain(), "input", port={"name": "n", "type": "int"})
    draft = do(draft, "connect", source="$inputs.n", target="sum.values")
    clip = clip_of(draft, "", ["sum"])
    assert ("$inputs.n", "sum_2.values") in flows(do(draft, "paste", clip=clip, links=True))
    assert not [flow for flow in flows(do(chain(), "paste", clip=clip, links=True))
                if flow[0] == "$inputs.n"]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"), [("Größe 1", "Gr__e_1"), ("???", "task"), ("x" * 99, "x" * 56)]
)
def test_an_id_is_made_of_any_words(wanted, found):
    assert free_id(GraphDefinition(), wanted) == found


@pytest.mark.parametrize(("wanted", "found"), [("1st", "_1st"), ("a-b", "a_b"), ("n", "n_3")])
def test_a_name_is_made_of_any_words(wanted, found):
    assert free_name(wanted, ["n", "n_2"]) == found


def test_titles_and_ends_are_said_also_of_what_is_not_there():
    assert title_of(chain(), "nobody") == "nobody"
    assert end_in_words(chain(), "", "$inputs.n") == "input n"


def test_a_task_that_is_not_set_up_yet_is_added_without_a_dataflow():
    draft = do(chain(), "add", type="flow.branch", source="sum.result")
    assert "branch" in ids(draft)
    assert flows(draft) == flows(chain())


def test_a_graph_without_an_inside_is_not_taken_apart():
    empty = Draft.from_json('{"v":1,"tasks":[{"id":"g","type":"flow.graph"}]}')
    with pytest.raises(DefinitionError, match="g has nothing inside"):
        do(empty, "unpack", path="g")


def test_a_draft_with_problems_can_be_connected_all_the_same():
    draft = do(chain(), "add", type="flow.branch")
    assert draft.definition.check(REGISTRY)
    draft = do(draft, "connect", source="two.result", target="more.values")
    assert ("two.result", "more.values") in flows(draft)


def test_a_task_taken_out_between_ends_that_do_not_fit_leaves_them_open():
    draft = do(chain(), "add", type="test.emit")
    draft = do(draft, "add", type="test.total", source="emit.numbers")
    draft = do(draft, "connect", source="one.result", target="emit.count")
    draft = do(draft, "add", type="flow.graph")
    assert ("one.result", "total.numbers") in flows(do(draft, "bridge", id="emit"))


def test_ends_that_are_none_do_not_fit():
    checked = examine(chain().definition, REGISTRY)
    assert not fits(checked, "nonsense", "more.values")
    assert not fits(checked, "gone.result", "more.values")
    assert fits(checked, "one.result", "more.values")


def test_a_task_taken_out_where_nothing_fits_leaves_nothing_joined():
    draft = do(chain(), "add", type="test.emit")
    draft = do(draft, "add", type="test.first", source="emit.numbers")
    assert not [
        flow for flow in flows(do(draft, "bridge", id="emit")) if flow[1].startswith("first")
    ]


def test_a_port_led_out_of_its_graph_takes_type_and_default_along():
    draft = do(chain(), "expose", end="two.value", side="input")
    (port,) = draft.definition.inputs
    assert (port.name, port.type) == ("value", "int")
    assert ("$inputs.value", "two.value") in flows(draft)
    again = do(draft, "expose", end="one.value", side="input")
    assert [each.name for each in again.definition.inputs] == ["value", "value_2"]


def with_one_not_installed():
    """The chain, and a task of a type that is not installed."""
    odd = DefinedTask(id="odd", type="no.such")
    return chain().changed("", partial(GraphDefinition.with_task, task=odd))


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ({"source": "odd.x"}, r"no input that takes what odd\.x gives"),
        ({"target": "odd.x"}, r"no output that odd\.x takes"),
    ],
)
def test_nothing_is_joined_to_a_task_whose_type_is_not_installed(ends, said):
    with pytest.raises(DefinitionError, match=said):
        do(with_one_not_installed(), "add", type="test.number", **ends)


def test_a_task_added_at_an_error_takes_it():
    """Engine 3.3."""
    draft = do(chain(), "add", type="test.fault", source="one.[error]")
    assert flows(draft)[-1] == ("one.[error]", "fault.fault")


def test_a_task_added_before_a_port_gives_the_first_of_its_outputs_that_fits():
    draft = Draft(definition=GraphDefinition())
    for act in (
        {"op": "add", "type": "text.count_words"},
        {"op": "add", "type": "environment.summary", "target": "count_words.text"},
    ):
        draft = carry_out(read_edit(act), draft, default_registry()).draft
    assert flows(draft) == [("summary.report", "count_words.text")]
