"""A task that nobody has put anywhere stands beside its neighbour, and on nothing else."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from runner.editing.acts import carry_out, read_edit
from runner.editing.draft import Draft
from runner.editing.placing import GAP, ROOM, WIDTH
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry

REGISTRY = default_registry()
COUNT = "text.count_words"


def drawn(*acts):
    draft = Draft(definition=GraphDefinition())
    for act in acts:
        draft = carry_out(read_edit(act), draft, REGISTRY).draft
    return draft.sheet.positions


def test_after_a_port_it_stands_to_the_right_and_before_one_to_the_left():
    first = {"op": "add", "type": "text.answer", "at": [1000, 64]}
    after = {"op": "add", "type": COUNT, "source": "answer.text"}
    assert drawn(first, after)["count_words"] == (1000 + WIDTH + GAP, 64)
    before = {"op": "add", "type": "data.transform", "target": "answer.question"}
    assert drawn(first, before)["transform"] == (1000 - WIDTH - GAP, 64)


def test_by_itself_it_stands_below_and_where_it_was_put_it_stays():
    spots = drawn({"op": "add", "type": COUNT}, {"op": "add", "type": COUNT})
    assert spots["count_words_2"] == (spots["count_words"][0], spots["count_words"][1] + ROOM)
    assert drawn({"op": "add", "type": COUNT, "at": [7, 9]}) == {"count_words": (7, 9)}


def test_subtasks_stand_in_a_row():
    act = {"op": "subtask", "path": "graph", "type": "data.transform"}
    spots = drawn({"op": "add", "type": "flow.graph"}, act, act)
    first, second = spots["graph/transform"], spots["graph/transform_2"]
    assert second == (first[0] + WIDTH + GAP, first[1])


@given(st.lists(st.integers(-1, 5), max_size=8))
def test_however_many_are_added_none_stands_on_another(sources):
    acts = [{"op": "add", "type": "text.answer"}]
    acts += [
        {"op": "add", "type": COUNT} | ({} if source < 0 else {"source": "answer.text"})
        for source in sources
    ]
    for (a, b), (c, d) in combinations(drawn(*acts).values(), 2):
        assert abs(a - c) >= WIDTH or abs(b - d) >= ROOM
