"""What differs between a definition and its run, as data and in words."""

from dataclasses import dataclass

import pytest

from runner.run.differences import Difference, differences
from runner.run.status import TaskStatus
from tests.planned import control, planned, written


@dataclass
class View:
    """A task of a run, as whoever keeps it would show it."""

    status: str = TaskStatus.COMPLETED
    scopes: int = 0
    not_taken: tuple[str, ...] = ()


SKIPPED, CACHED = View(TaskStatus.SKIPPED), View(TaskStatus.CACHED)
WHEN = {"port": "value", "is": "==", "value": 1}
ROUTE = control("branch", branches=[{"name": "yes", "if": WHEN}], otherwise="no")
BODY = written({"route": ROUTE, "on": "test.add"},
               "$inputs.item > route.value; route.yes > on.values",
               inputs={"item": "int"}, outputs={"sum": "on.result"})  # fmt: skip
DRAWN = written(
    {"off": {"type": "test.number", "disabled": True}, "up": "test.fault", "n": "test.number",
     "each": {**control("map", BODY, over=["item"]), "inputs": {"item": [1, 2, 3]}}},
    "off.[error] > up.fault",
)  # fmt: skip


def said(graph, tasks):
    return [(each.path, each.said()) for each in differences(graph, tasks)]


def test_a_run_as_drawn_has_no_differences():
    graph = planned(written({"n": "test.number"}))
    assert differences(graph, {"n": View()}) == []


def test_differences_come_in_the_order_in_which_tasks_were_drawn():
    """Engine 1.4."""
    assert said(planned(DRAWN), {"each": View(scopes=3), "n": CACHED}) == [
        ("off", "disabled"), ("up", "skipped"), ("n", "cached"), ("each", "expanded ×3"),
    ]  # fmt: skip


def test_what_was_skipped_from_the_start_is_said_once():
    tasks = {"off": SKIPPED, "up": SKIPPED}
    assert said(planned(DRAWN), tasks) == [("off", "disabled"), ("up", "skipped")]


def test_what_happens_in_many_items_is_counted():
    """Engine 1.4."""
    taken, not_taken = View(not_taken=("no",)), View(not_taken=("yes",))
    tasks = {
        "n": View(), "each": View(scopes=3), "each[0]/route": taken, "each[0]/on": View(),
        "each[1]/route": not_taken, "each[1]/on": SKIPPED,
        "each[2]/route": not_taken, "each[2]/on": SKIPPED,
    }  # fmt: skip
    found = differences(planned(DRAWN), tasks)
    assert Difference(path="each/on", kind="skipped", count=2) in found
    assert said(planned(DRAWN), tasks)[2:] == [
        ("each", "expanded ×3"),
        ("each/route", "branch no not taken"),
        ("each/route", "branch yes not taken ×2"),
        ("each/on", "skipped ×2"),
    ]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(scopes=0), ["expanded ×0"]),
        (View(scopes=1), ["expanded ×1"]),
        (View(TaskStatus.RUNNING, 2), ["expanded ×2"]),
        (View(TaskStatus.PENDING), []),
        (CACHED, ["cached"]),
    ],
)
def test_a_map_says_how_far_it_expanded(view, words):
    assert [text for path, text in said(planned(DRAWN), {"each": view}) if path == "each"] == words


def test_a_fallback_differs_only_if_it_went_on():
    inside = written({"a": "test.number", "b": "test.number"})
    graph = planned(written({"fb": control("fallback", inside)}))
    assert said(graph, {"fb": View(scopes=1), "fb/a": View()}) == []
    assert said(graph, {"fb": View(scopes=2)}) == [("fb", "expanded ×2")]


def test_a_branch_says_nothing_before_it_has_decided():
    graph = planned(written({"n": "test.number", "route": ROUTE}, "n.result > route.value"))
    assert said(graph, {"route": View(TaskStatus.PENDING, 0, ("yes", "no"))}) == []


def test_a_trial_says_what_was_pinned_and_left_out():
    """Engine 1.5."""
    chain = written({"a": "test.number", "b": "test.add", "c": "test.add"},
                    "a.result > b.values; b.result > c.values")  # fmt: skip
    graph = planned(chain, only=["b"], pins={"a": {"result": 1}})
    assert said(graph, {"b": View()}) == [("a", "pinned"), ("c", "left out")]


def test_tasks_of_other_workflows_follow_the_task_they_are_in():
    graph = planned(written({"a": "test.number", "z": "test.number"}))
    tasks = {"a/inner/deep": CACHED, "z": CACHED, "a": CACHED}
    assert [each.path for each in differences(graph, tasks)] == ["a", "a/inner/deep", "z"]
