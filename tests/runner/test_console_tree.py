"""The tree: which rows it has, and what they say."""

from datetime import UTC, datetime

import pytest

from runner.console.picture import ITEMS, Picture, details_of
from runner.execution.store import Entry
from runner.graph.definition import GraphDefinition
from runner.run import events as happened
from tests.drive import definition_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MAP = {
    "id": "each",
    "type": "flow.map",
    "title": "Each one",
    "config": {"over": ["x"]},
    "graph": {"tasks": [{"id": "p", "type": "t"}, {"id": "q", "type": "t"}]},
}
INSIDE = {"id": "inner", "type": "flow.graph", "graph": {"tasks": [{"id": "leaf", "type": "t"}]}}
LOOP = {"id": "loop", "type": "flow.while", "graph": {"tasks": [{"id": "step", "type": "t"}]}}
RACE = {
    "id": "race",
    "type": "flow.first_of",
    "graph": {"tasks": [{"id": "a", "type": "t"}, {"id": "b", "type": "t"}]},
}
SUB = {"id": "sub", "type": "flow.subgraph", "config": {"workflow": "other"}}
ERROR = happened.TaskError(type="ValueError", message="no\nluck")


@pytest.fixture
def picture():
    """The picture of a compound and a map."""
    return picture_of(INSIDE, MAP)


def picture_of(*tasks, **workflows):
    """Give the picture of a definition."""
    return Picture(GraphDefinition.from_json(definition_of(list(tasks))), workflows)


def tell(picture, *events, items=()):
    for event in events:
        picture.take(Entry(1, AT, event), items)


def drawn(picture):
    """Give what is drawn: depth, title and details of each row."""
    return [
        f"{'  ' * depth}{title} {details_of(row)}".rstrip()
        for row, depth, title in picture.visible()
    ]


def ran(path):
    """Give the events of a task that runs and completes."""
    return happened.TaskStarted(path, 1), happened.TaskCompleted(path, 1)


def test_the_tree_shows_tasks_that_have_not_begun(picture):
    assert [(row.path, depth, row.status) for row, depth, _ in picture.visible()] == [
        ("inner", 0, "pending"),
        ("inner/leaf", 1, "pending"),
        ("each", 0, "pending"),
    ]


def test_a_map_counts_items_that_are_wholly_done(picture):
    tell(picture, happened.TaskStarted("each", 1), happened.TaskExpanded("each", 0, 2))
    tell(picture, *ran("each[0]/p"), *ran("each[1]/p"), *ran("each[0]/q"))

    assert picture.rows["each"].done == 1
    assert drawn(picture)[2:] == [
        "Each one 1/2 ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌ 50%",
        "  [1]",
        "    p",
    ]


def test_of_many_items_a_few_are_drawn_below_their_map(picture):
    tell(picture, *(happened.TaskStarted(f"each[{index}]/p", 1) for index in range(20)))
    paths = [row.path for row, _, _ in picture.visible() if row.is_scope]

    assert paths == [f"each[{index}]" for index in range(ITEMS)]


def test_items_that_failed_stay_in_the_tree_when_their_map_has(picture):
    tell(picture, happened.TaskStarted("each", 1), happened.TaskExpanded("each", 0, 2))
    tell(picture, *ran("each[0]/p"), happened.TaskFailed("each[1]/p", 1, ERROR))
    tell(picture, happened.TaskUpstreamFailed("each[1]/q", "each[1]/p"))
    tell(picture, happened.TaskFailed("each", 1, ERROR))

    assert drawn(picture)[2:] == [
        "Each one no luck",
        "  [1]",
        "    p no luck",
        "    q by each[1]/p",
    ]


def test_a_map_that_is_done_says_how_many_items_it_had(picture):
    tell(picture, happened.TaskStarted("each", 1), happened.TaskExpanded("each", 0, 2))
    tell(picture, happened.TaskStarted("each[0]/p", 1), happened.TaskCompleted("each", 1))

    assert drawn(picture)[2:] == ["Each one 2 items"]


def test_a_loop_shows_the_turn_it_is_in():
    picture = picture_of(LOOP)
    tell(picture, happened.TaskStarted("loop", 1), happened.TaskExpanded("loop", 0, True))
    tell(picture, *ran("loop[0]/step"), happened.TaskExpanded("loop", 1, True))
    tell(picture, happened.TaskStarted("loop[1]/step", 1))
    during = drawn(picture)
    tell(picture, happened.TaskCompleted("loop[1]/step", 1), happened.TaskCompleted("loop", 1))

    assert during == ["loop begins turn 2", "  turn 2 step"]
    assert drawn(picture) == ["loop 2 turns"]


def test_a_race_shows_its_alternatives_and_who_won():
    picture = picture_of(RACE)
    tell(picture, happened.TaskStarted("race", 1), happened.TaskExpanded("race", 0, 2))
    during = drawn(picture)
    tell(picture, *ran("race/b"), happened.TaskDecided("race", 1))
    tell(picture, happened.TaskCancelled("race/a", 1), happened.TaskCompleted("race", 1))

    assert during == ["race has 2 alternatives", "  a", "  b"]
    assert drawn(picture) == ["race is won by b", "  a", "  b"]
    assert picture.rows["race/a"].status == "cancelled"


def test_the_tasks_of_a_workflow_are_drawn_with_their_titles():
    leaf = {"id": "leaf", "type": "t", "title": "A leaf"}
    other = GraphDefinition.from_json(definition_of([leaf]))
    known, unknown = picture_of(SUB, other=other), picture_of(SUB)
    for each in (known, unknown):
        tell(each, happened.TaskExpanded("sub", 0, 0), happened.TaskStarted("sub/leaf", 1))

    assert drawn(known) == ["sub", "  A leaf"]
    assert drawn(unknown) == ["sub", "  leaf"]


def test_a_loop_within_a_map_is_a_tree_within_a_tree():
    outer = {"id": "each", "type": "flow.map", "graph": {"tasks": [LOOP]}}
    picture = picture_of(outer)
    tell(picture, happened.TaskExpanded("each[1]/loop", 0, True))
    tell(picture, happened.TaskStarted("each[1]/loop[0]/step", 1))

    assert drawn(picture) == ["each", "  [1] loop begins turn 1", "    turn 1 step"]


def test_a_control_that_is_dropped_forgets_what_was_inside(picture):
    """Engine 4.7."""
    tell(picture, happened.TaskStarted("each", 1), happened.TaskExpanded("each", 0, 2))
    tell(picture, happened.TaskStarted("each[0]/p", 1), happened.TaskDropped("each", 1, "inner"))

    assert drawn(picture)[2:] == ["Each one again: what it read of inner no longer counts"]
    assert picture.rows["each"].width is None


@pytest.mark.parametrize(
    ("event", "details"),
    [
        (happened.TaskQueued("inner/leaf", "2 of 2 are taken"), "2 of 2 are taken"),
        (
            happened.TaskAwaiting("inner/leaf", 1, "input", {"title": "Which?"}),
            "an answer: Which?",
        ),
        (happened.TaskAnswered("inner/leaf", 1, "input", "bob"), ""),
        (happened.TaskRetrying("inner/leaf", 1, ERROR, 2.0), "attempt 2 in 2.0 s: no luck"),
        (happened.TaskFailed("inner/leaf", 1, ERROR, handled=True), "handled: no luck"),
        (happened.TaskSkipped("inner/leaf", "disabled"), "disabled"),
        (happened.TaskCached("inner/leaf", 1), "from the cache"),
        (happened.TaskStuck("inner/leaf", 1), "stuck"),
        (happened.TaskProgressed("inner/leaf", 1, 0.5, "half"), f"{'━' * 12}{'╌' * 12} 50% half"),
    ],
)
def test_a_row_says_what_keeps_its_task(picture, event, details):
    """Engine 5.2."""
    tell(picture, happened.TaskStarted("inner/leaf", 1), event)

    assert details_of(picture.rows["inner/leaf"]) == details


def test_text_grows_and_other_chunks_replace_each_other(picture):
    stored = happened.ChunksStored("each", "port", 1, 0, 1, 4)
    tell(picture, happened.StreamOpened("each", "port", 1))
    before = details_of(picture.rows["each"])
    tell(picture, stored, items=('"a "', '"b"'))
    grown = details_of(picture.rows["each"])
    tell(picture, stored, items=("1", "2"))

    assert (before, grown, details_of(picture.rows["each"])) == ("", "… a b", "… 2")


def test_the_tree_says_of_the_run_what_a_line_would(picture):
    tell(picture, happened.RunCompleted({}, 1))

    assert (picture.status, picture.note) == ("completed", ", 1 handled error")
