"""Conditions: what a tree may say, what it reads, and when it holds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import RunnerError, ValueFault
from runner.graph.conditions import check_condition, condition_in_words, holds


def asked(port: str, test: str, *value: Any, path: Any = None) -> dict[str, Any]:
    """Write one test."""
    return (
        {"port": port, "is": test}
        | ({"value": value[0]} if value else {})
        | ({} if path is None else {"path": path})
    )


@pytest.mark.parametrize(
    ("found", "test", "value", "expected"),
    [
        (1, "==", 1.0, True),
        (True, "==", 1, False),
        ("a", "!=", "b", True),
        (3, "<", 4, True),
        (4, "<=", 4, True),
        ("b", ">", "a", True),
        (datetime(2026, 1, 1, tzinfo=UTC), ">=", datetime(2025, 1, 1, tzinfo=UTC), True),
        ("a", "in", ["a", "b"], True),
        (1, "in", [True], False),
        ("ell", "in", "hello", True),
        (None, "in", "hello", False),
        ("c", "not in", ["a"], True),
        ([1, 2], "contains", 2, True),
        ({"a": 1}, "contains", "a", True),
        (None, "contains", "a", False),
        ("hello", "contains", "ell", True),
    ],
)
def test_a_value_is_compared_as_json(found, test, value, expected):
    assert holds(asked("x", test, value), {"x": found}) is expected


@pytest.mark.parametrize(
    ("found", "empty"),
    [(None, True), ("", True), ([], True), ({}, True), (0, False), (False, False), ("a", False)],
)
def test_empty_is_what_has_nothing_in_it(found, empty):
    assert holds(asked("x", "empty"), {"x": found}) is empty
    assert holds(asked("x", "not empty"), {"x": found}) is not empty


def test_a_path_digs_and_leads_to_nothing_where_there_is_nothing():
    values = {"x": {"scores": [1, 5]}}
    assert holds(asked("x", ">", 4, path=["scores", -1]), values)
    for path in (["scores", 9], ["scores", "a"], ["other", 0], [0]):
        assert holds(asked("x", "empty", path=path), values)
    assert holds(asked("y", "empty"), values)


def test_groups_are_all_any_and_not():
    yes, no = asked("x", "true"), asked("x", "false")
    values = {"x": True}
    assert holds({"all": [yes, yes]}, values)
    assert not holds({"all": [yes, no]}, values)
    assert holds({"any": [no, yes]}, values)
    assert not holds({"any": [no, no]}, values)
    assert holds({"not": no}, values)


@pytest.mark.parametrize(
    ("found", "tree", "said"),
    [
        ("a", asked("x", "<", 3), "x is the text 'a', which cannot be compared with 3."),
        (None, asked("x", ">", 3), "x is nothing, which cannot be compared with 3."),
        (True, asked("x", ">", 0), "x is True, which cannot be compared with 0."),
        ([1], asked("x", "<", [2]), "x is the list [1], which cannot be compared with"),
        (1, asked("x", "true"), "x is 1, which is neither true nor false."),
        ({"a": [2]}, asked("x", "false", path=["a", 0]), "x.a[0] is 2, which is neither"),
        (5, asked("x", "contains", 5), "5 can hold no such thing as 5."),
        ("a", asked("x", "contains", 5), "the text 'a' can hold no such thing as 5."),
    ],
)
def test_what_cannot_be_compared_is_said(found, tree, said):
    check_condition(tree)
    with pytest.raises(RunnerError) as caught:
        holds(tree, {"x": found})
    assert said in caught.value.sentence


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ("x > 3", "A condition is an object with"),
        ({}, "names the port it reads, not nothing"),
        ({"all": []}, "'all' of a condition is a list of conditions, at least one"),
        ({"any": {"port": "x"}}, "'any' of a condition is a list"),
        ({"not": []}, "A condition is an object"),
        ({"all": [asked("x", "true")], "port": "y"}, "has nothing beside it"),
        (asked("x y", "true"), "names the port it reads, not the text 'x y'"),
        (asked("x", "~"), "The test of x is one of ==, !=,"),
        ({"port": "x", "is": ["=="]}, "The test of x is one of"),
        (asked("x", "empty", 1), "'x is empty' takes no value"),
        (asked("x", "=="), "'x == …' needs a value"),
        (asked("x", "in", 3), "needs a list or a text, not 3"),
        (asked("x", "true", path="a"), "The path into x is a list of names"),
        (asked("x", "true", path=[True]), "The path into x is a list of names"),
        ({**asked("x", "true"), "if": 1}, "A condition has no 'if'"),
    ],
)
def test_a_tree_that_is_no_condition_is_refused_with_a_sentence(tree, said):
    with pytest.raises(ValueFault) as caught:
        check_condition(tree)
    assert said in caught.value.sentence


def test_a_tree_nested_too_deep_is_refused():
    tree: dict[str, Any] = asked("x", "true")
    for _ in range(100):
        tree = {"not": tree}
    with pytest.raises(ValueFault, match="A condition is an object"):
        check_condition(tree)


def test_a_condition_says_what_it_reads_in_words():
    tree = {
        "all": [
            asked("score", ">=", 0.5, path=["best", 0]),
            {"any": [asked("name", "not empty"), {"not": asked("done", "true")}]},
        ]
    }
    assert check_condition(tree) == {"score", "name", "done"}
    assert condition_in_words(tree) == (
        "score.best[0] >= 0.5 and (name is not empty or not done is true)"
    )


tests_of_x = st.builds(asked, st.just("x"), st.sampled_from(["==", "!=", "<", ">="]), st.integers())


@given(st.recursive(
    tests_of_x,
    lambda inner: st.one_of(
        st.builds(lambda each: {"not": each}, inner),
        st.builds(lambda each: {"all": each}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda each: {"any": each}, st.lists(inner, min_size=1, max_size=3)),
    ),
), st.integers())  # fmt: skip
def test_a_checked_condition_about_numbers_always_has_an_answer(tree, number):
    assert check_condition(tree) == {"x"}
    assert holds({"not": tree}, {"x": number}) is not holds(tree, {"x": number})
