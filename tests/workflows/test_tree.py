"""The tree of a run: what is open, what a filter leaves, and pages."""

from urllib.parse import parse_qs

import pytest

from workflows.rows import Count, Row
from workflows.tree import OPEN_AT_MOST, ROWS, Asked, asked_of_query, tree_of


def rows(*paths, **statuses):
    """Rows by path; a path that others begin with is a compound."""
    found = {}
    for path in paths:
        is_compound = any(other.startswith(f"{path}/") for other in paths)
        found[path] = Row(
            path=path,
            title=path.rpartition("/")[2].title(),
            kind="compound" if is_compound else "task",
            status=statuses.get(path.replace("/", "_"), "pending"),
        )
    return found


SMALL = ("load", "clean", "clean/split", "clean/deep", "clean/deep/rank", "report")


def shown(tree):
    return [line.row.path for line in tree.lines]


def large(**statuses):
    """More rows than start open: one compound with all of them, and one task after it."""
    inside = [f"many/t{number}" for number in range(OPEN_AT_MOST)]
    return rows("many", *inside, "last", **statuses)


def test_a_small_run_starts_open():
    assert shown(tree_of(rows(*SMALL), Asked())) == list(SMALL)


def test_a_large_run_starts_closed():
    """R3."""
    tree = tree_of(large(), Asked())
    assert shown(tree) == ["many", "last"]
    assert tree.lines[0].expanded == "false"


def test_a_compound_with_a_failure_inside_starts_open():
    tree = tree_of(large(many_t7="failed"), Asked())
    assert tree.count == OPEN_AT_MOST + 2


def test_the_address_of_a_row_turns_it_and_turns_it_back():
    first = tree_of(rows(*SMALL), Asked())
    closed = tree_of(rows(*SMALL), _followed(first, "clean"))
    assert shown(closed) == ["load", "clean", "report"]
    again = tree_of(rows(*SMALL), _followed(closed, "clean"))
    assert shown(again) == list(SMALL)


def _followed(tree, path):
    """What the address beside a row asks for."""
    (address,) = [line.turn for line in tree.lines if line.row.path == path]
    return asked_of_query(parse_qs(address.removeprefix("?")))


@pytest.mark.parametrize(("every", "count"), [("closed", 3), ("open", 6)])
def test_all_can_be_opened_and_closed_at_once(every, count):
    tree = tree_of(rows(*SMALL), Asked(every=every))
    assert tree.count == count


def test_a_filter_by_name_keeps_what_the_found_rows_are_inside_of():
    tree = tree_of(rows(*SMALL), Asked(words="RANK"))
    assert shown(tree) == ["clean", "clean/deep", "clean/deep/rank"]
    assert tree.hidden == 3


def test_a_filter_by_state_finds_tasks_and_maps_that_hold_some():
    found = rows(*SMALL, load="failed", clean="failed", clean_split="completed")
    counts = (Count(status="failed", number=2), Count(status="completed", number=9))
    found["report"] = Row(path="report", title="Report", kind="map", counts=counts)
    assert shown(tree_of(found, Asked(only="failed"))) == ["load", "report"]


def test_pages_hold_every_row_once():
    """R3."""
    flat = rows(*(f"t{number}" for number in range(2 * ROWS + 1)))
    seen, asked = [], Asked()
    while True:
        tree = tree_of(flat, asked)
        seen += shown(tree)
        if not tree.next:
            break
        asked = asked_of_query(parse_qs(tree.next.removeprefix("?")))
    assert seen == list(flat)
    assert (tree.first, tree.last, tree.count) == (2 * ROWS + 1, 2 * ROWS + 1, 2 * ROWS + 1)


@pytest.mark.parametrize(
    "query",
    [
        {"page": ["0"]},
        {"page": ["-1"]},
        {"page": ["١"]},
        {"page": ["9" * 99]},
        {"only": ["everything"]},
        {"every": ["<b>"]},
        {"open": ["../../etc"], "close": [""]},
    ],
)
def test_rubbish_in_an_address_counts_as_not_asked(query):
    assert shown(tree_of(rows(*SMALL), asked_of_query(query))) == list(SMALL)


def test_a_page_past_the_end_is_the_last_one():
    tree = tree_of(rows(*SMALL), Asked(page=99))
    assert shown(tree) == list(SMALL)
    assert tree.previous == ""


def test_an_empty_filter_says_nothing_twice():
    tree = tree_of(rows(*SMALL), Asked(words="nothing like it"))
    assert (tree.lines, tree.first, tree.last, tree.hidden) == ((), 0, 0, 6)
