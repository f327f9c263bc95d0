"""Which tab of the inspector opens, and what its address may ask for."""

import pytest

from runner.run.status import TaskStatus
from workflows.inspector_tabs import TITLES, Wanted, tab_of, tabs_of, wanted_of
from workflows.rows import Row


def row(status="running", **more):
    """Give a task that stands somewhere."""
    return Row(path="a", title="A", status=status, **more)


@pytest.mark.parametrize(
    ("status", "tab"),
    [
        ("pending", "input"),
        ("queued", "input"),
        ("running", "log"),
        ("streaming", "stream"),
        ("awaiting", "input"),
        ("retrying", "attempts"),
        ("completed", "output"),
        ("cached", "output"),
        ("failed", "error"),
        ("upstream-failed", "error"),
        ("skipped", "input"),
    ],
)
def test_the_tab_that_matters_where_a_task_stands_opens(status, tab):
    assert tab_of(row(status)) == tab


@pytest.mark.parametrize("status", list(TaskStatus))
def test_there_is_a_tab_for_every_status(status):
    assert tab_of(row(status)) in TITLES


def test_what_is_inside_comes_first_unless_it_failed():
    assert tab_of(row("running", kind="map")) == "items"
    assert tab_of(row("failed", kind="map")) == "error"
    assert [tab.name for tab in tabs_of(row(kind="map"), lines=0)] == list(TITLES)
    assert "items" not in [tab.name for tab in tabs_of(row(), lines=0)]


def test_tabs_say_what_there_is_to_look_at():
    marks = {tab.name: tab.mark for tab in tabs_of(row("failed", attempt=3), lines=12)}
    assert {name: mark for name, mark in marks.items() if mark} == {
        "log": "12",
        "error": "!",
        "attempts": "3",
    }


def test_an_address_asks_for_a_tab_a_way_to_show_and_an_attempt():
    query = {"tab": "output", "port": "rows", "as": "raw", "attempt": "7", "events": "all"}
    assert wanted_of(query) == Wanted(
        tab="output", port="rows", mode="raw", attempt=7, is_whole=True
    )


@pytest.mark.parametrize("attempt", ["", "-1", "x", "٣", "9" * 30, "1.5"])
def test_what_an_address_may_not_ask_for_is_not_asked_for(attempt):
    query = {"tab": "<script>", "as": "html", "attempt": attempt, "events": "1"}
    assert wanted_of(query) == Wanted()
