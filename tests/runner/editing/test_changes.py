"""What differs between two drafts: found, applied, taken back, and told apart."""

from typing import Any

import pytest

from runner.editing.acts import carry_out, read_edit
from runner.editing.changes import Change, StaleEdit, applied, collisions, differences
from runner.editing.draft import Draft
from tests.runner.editing.acting import REGISTRY
from tests.runner.editing.test_acts import chain, do

BOX = [0, 0, 32, 32]
#: Every kind of act, each on what the ones before left.
ALL: list[dict[str, Any]] = [
    {"op": "add", "type": "test.note", "at": [16, 32]},
    {"op": "remove", "ids": ["note_2"]},
    {"op": "add", "type": "test.note", "target": "note.values"},
    {"op": "remove", "ids": ["note", "note_2"]},
    {"op": "title", "path": "sum", "title": "Sum"},
    {"op": "disable", "paths": ["sum"]},
    {"op": "disable", "paths": ["sum", "more"], "disabled": False},
    {"op": "set", "path": "one", "section": "inputs", "name": "value", "value": 5},
    {"op": "set", "path": "one", "section": "inputs", "name": "value", "unset": True},
    {"op": "task", "path": "one", "title": "First", "inputs": {"value": 2}, "disabled": False},
    {"op": "connect", "source": "two.result", "target": "more.values"},
    {"op": "disconnect", "source": "two.result", "target": "more.values"},
    {"op": "insert", "source": "sum.result", "target": "more.values", "type": "test.add"},
    {"op": "bridge", "id": "add"},
    {"op": "order", "ids": ["two", "one", "more", "sum"]},
    {"op": "input", "port": {"name": "n", "type": "int"}},
    {"op": "input", "port": {"name": "m", "type": "int", "default": 3}, "was": "n"},
    {"op": "remove-input", "name": "m"},
    {"op": "output", "name": "other", "source": "one.result"},
    {"op": "output", "name": "third", "source": "two.result", "was": "other"},
    {"op": "remove-output", "name": "third"},
    {"op": "expose", "end": "two.value", "side": "input"},
    {"op": "remove-input", "name": "value"},
    {"op": "expose", "end": "one.result", "side": "output"},
    {"op": "remove-output", "name": "result"},
    {"op": "graph", "title": "Chain", "help": "Adds.", "fail_fast": True},
    {"op": "move", "positions": {"one": [0, 0], "two": [0, 64], "$inputs": [-320, 0]}},
    {"op": "move", "positions": {"one": None}, "tidy": True},
    {"op": "note", "id": "n1", "note": {"box": BOX, "text": "why"}},
    {"op": "note", "id": "n1", "note": {"box": BOX, "text": "because"}},
    {"op": "remove-note", "id": "n1"},
    {"op": "frame", "id": "f1", "frame": {"box": BOX, "title": "Part"}},
    {"op": "frame", "id": "f1", "frame": {"box": BOX, "title": "Whole"}},
    {"op": "remove-frame", "id": "f1"},
    {"op": "group", "ids": ["sum", "more"], "title": "Part"},
    {"op": "order", "level": "part", "ids": ["sum", "more"]},
    {"op": "title", "path": "part/sum", "title": "Inner"},
    {"op": "group", "ids": ["two"], "title": "Group"},
    {"op": "graph", "level": "part", "title": "Part of it"},
    {"op": "unpack", "path": "part"},
]  # fmt: skip


def test_every_act_has_a_name_can_be_taken_back_and_survives_a_file():
    """R5."""
    draft = chain()
    for asked in ALL:
        done = carry_out(read_edit(asked), draft, REGISTRY)
        assert done.words
        assert done.changes, asked
        kept = [Change.from_document(each.to_document()) for each in done.changes]
        assert applied(draft, kept).to_json() == done.draft.to_json(), asked
        back = applied(done.draft, [each.turned() for each in kept])
        assert back.to_json() == draft.to_json(), asked
        assert Draft.from_json(done.draft.to_json()) == done.draft
        draft = done.draft


def changes_of(draft, **asked):
    return carry_out(read_edit(asked), draft, REGISTRY).changes


@pytest.mark.parametrize(
    ("word", "asked"),
    [
        ("added", {"op": "input", "port": {"name": "n", "type": "int"}}),
        ("changed", {"op": "title", "path": "one", "title": "x"}),
        ("removed", {"op": "disconnect", "source": "more.result", "target": "note.values"}),
    ],
)
def test_a_change_says_what_became_of_its_thing(word, asked):
    assert [change.word for change in changes_of(chain(), **asked)] == [word]


@pytest.mark.parametrize(
    ("mine", "meanwhile", "said"),
    [
        ({"op": "title", "path": "one", "title": "a"}, {"op": "title", "path": "one", "title": "b"},
         "Task one has been changed since"),
        ({"op": "title", "path": "one", "title": "a"}, {"op": "remove", "ids": ["one"]},
         "Task one is no longer there"),
        ({"op": "remove", "ids": ["note"]}, {"op": "add", "type": "test.note"},
         "Task note is there already"),
        ({"op": "disconnect", "source": "more.result", "target": "note.values"},
         {"op": "remove", "ids": ["note"]}, "Task note is no longer there"),
        ({"op": "connect", "source": "two.result", "target": "more.values"},
         {"op": "disconnect", "source": "two.result", "target": "more.values"},
         "The dataflow from two.result to more.values is no longer there"),
        ({"op": "graph", "title": "a"}, {"op": "graph", "title": "b"}, "The title has been changed"),
        ({"op": "move", "positions": {"one": [1, 1]}}, {"op": "move", "positions": {"one": [2, 2]}},
         "The place of one has been changed"),
        ({"op": "note", "id": "n", "note": {"box": BOX}},
         {"op": "note", "id": "n", "note": {"box": BOX, "text": "x"}}, "The note has been changed"),
        ({"op": "output", "name": "two", "source": "two.result"},
         {"op": "output", "name": "two", "source": "one.result", "was": "two"},
         "The output two has been changed"),
        ({"op": "remove-output", "name": "sum"}, {"op": "remove", "ids": ["more"]},
         "Task more is no longer there"),
    ],
)  # fmt: skip
def test_what_was_changed_since_is_not_taken_back_and_says_what(mine, meanwhile, said):
    """R5."""
    draft = chain()
    done = carry_out(read_edit(mine), draft, REGISTRY)
    later = carry_out(read_edit(meanwhile), done.draft, REGISTRY).draft
    with pytest.raises(StaleEdit, match=said.replace(".", r"\.")):
        applied(later, [change.turned() for change in done.changes])


def test_a_compound_is_not_taken_away_with_what_somebody_did_inside():
    """R5."""
    draft = chain()
    done = carry_out(read_edit({"op": "group", "ids": ["sum"], "title": "Part"}), draft, REGISTRY)
    later = do(done.draft, "title", path="part/sum", title="Mine")
    with pytest.raises(StaleEdit, match="Task part has been changed since"):
        applied(later, [change.turned() for change in done.changes])


def test_an_act_inside_of_what_is_gone_is_not_taken_back():
    draft = do(chain(), "group", ids=["sum"], title="Part")
    inner = carry_out(read_edit({"op": "title", "path": "part/sum", "title": "x"}), draft, REGISTRY)
    later = do(inner.draft, "unpack", path="part")
    with pytest.raises(StaleEdit, match="stood inside of part, which is no longer there"):
        applied(later, [change.turned() for change in inner.changes])


def test_acts_on_different_things_do_not_collide():
    draft = do(chain(), "group", ids=["sum"], title="Part")
    title = changes_of(draft, op="title", path="one", title="x")
    assert not collisions(title, changes_of(draft, op="move", positions={"one": [1, 1]}))
    assert not collisions(title, changes_of(draft, op="title", path="two", title="x"))
    assert collisions(title, changes_of(draft, op="disable", paths=["one"]))


def test_what_is_inside_of_what_comes_or_goes_collides_with_it():
    draft = do(chain(), "group", ids=["sum"], title="Part")
    gone = changes_of(draft, op="remove", ids=["part"])
    inside = changes_of(draft, op="title", path="part/sum", title="x")
    border = changes_of(draft, op="graph", level="part", title="x")
    for theirs in (inside, border):
        assert collisions(gone, theirs)
        assert collisions(theirs, gone)


def test_a_control_that_gets_a_graph_is_one_change():
    plain = Draft.from_json('{"v":1,"tasks":[{"id":"m","type":"flow.map"}]}')
    filled = Draft.from_json('{"v":1,"tasks":[{"id":"m","type":"flow.map","graph":{"name":"b"}}]}')
    (change,) = differences(plain, filled)
    assert change.thing == ("task", "", "m")
    assert applied(filled, [change.turned()]) == plain


def test_equal_dataflows_are_told_apart_by_number():
    once = '{"from":"a.x","to":"b.y"}'
    tasks = '"tasks":[{"id":"a","type":"t"},{"id":"b","type":"t"}]'
    one = Draft.from_json(f'{{"v":1,{tasks},"dataflows":[{once}]}}')
    two = Draft.from_json(f'{{"v":1,{tasks},"dataflows":[{once},{once}]}}')
    (change,) = differences(one, two)
    assert change.thing == ("dataflow", "", "a.x", "b.y", "2")
    assert applied(two, [change.turned()]) == one


def test_a_task_that_got_an_inside_since_is_not_taken_away():
    without = Draft.from_json('{"v":1,"tasks":[{"id":"m","type":"flow.map"}]}')
    (added,) = differences(Draft.from_json('{"v":1}'), without)
    filled = Draft.from_json('{"v":1,"tasks":[{"id":"m","type":"flow.map","graph":{"name":"b"}}]}')
    with pytest.raises(StaleEdit, match="Task m has something inside since"):
        applied(filled, [added.turned()])


def test_the_order_of_tasks_is_a_change_of_its_own():
    draft = chain()
    (change,) = changes_of(draft, op="order", ids=["two", "one", "sum", "more", "note"])
    assert change.thing == ("order", "", "tasks")


def test_alike_dataflows_keep_their_order():
    """R5."""
    tasks = '"tasks":[{"id":"a","type":"t"},{"id":"b","type":"t"}]'
    first, second = '{"from":"a.x","to":"b.y"}', '{"from":"b.x","to":"b.y"}'
    one = Draft.from_json(f'{{"v":1,{tasks},"dataflows":[{first},{second}]}}')
    other = Draft.from_json(f'{{"v":1,{tasks},"dataflows":[{second},{second},{first}]}}')
    changes = differences(one, other)
    assert applied(one, changes) == other
    assert applied(other, [each.turned() for each in reversed(changes)]) == one


def test_a_compound_that_changes_outside_and_inside_is_two_changes():
    draft = do(chain(), "group", ids=["sum"], title="Part")
    both = do(do(draft, "title", path="part", title="Other"), "title", path="part/sum", title="x")
    assert {change.thing for change in differences(draft, both)} == {
        ("task", "", "part"), ("task", "part", "sum"),
    }  # fmt: skip
    assert applied(both, [each.turned() for each in differences(draft, both)]) == draft
