"""Conditions as rows: what is shown says what is meant, and what is not touched stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ValueFault
from workflows.condition_rows import ALONE, TESTS, ConditionRows, TestRow, rows_in, tree_of

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-99, 99), st.text(max_size=9), st.just("5"),
    st.just("true"), st.just('"x"'), st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
PATHS = st.lists(st.one_of(st.text(max_size=5), st.integers(-3, 9)), max_size=3)


@st.composite
def conditions(draw):
    """One test of a condition."""
    word = draw(st.sampled_from(sorted(TESTS)))
    tree = {"port": draw(st.sampled_from(["value", "score"])), "is": word}
    if path := draw(PATHS):
        tree["path"] = path
    if word in {"in", "not in"}:
        tree["value"] = draw(st.lists(st.integers(0, 9), max_size=3))
    elif word not in ALONE:
        tree["value"] = draw(VALUES)
    return tree


@given(st.lists(conditions(), min_size=2, max_size=4), st.sampled_from(["all", "any"]))
def test_what_rows_show_means_what_was_there(trees, match):
    tree = {match: trees}
    assert tree_of(rows_in(tree), known=None) == tree


@given(conditions())
def test_one_test_needs_no_group(tree):
    assert tree_of(rows_in(tree), known=None) == tree


@pytest.mark.parametrize(
    "tree",
    [{"all": [{"port": "a", "is": "true"}]}, {"not": {"port": "a", "is": "true"}},
     {"any": [{"all": [{"port": "a", "is": "empty"}]}, {"port": "b", "is": "true"}]}],
)  # fmt: skip
def test_what_is_not_touched_stays_as_it_was_written(tree):
    assert tree_of(rows_in(tree), known=tree) is tree


def test_what_nests_is_shown_as_json_and_can_be_begun_anew():
    nested = {"not": {"port": "a", "is": "true"}}
    assert '"not"' in rows_in(nested).text
    assert tree_of(ConditionRows(text=""), known=nested) is None
    assert tree_of(ConditionRows(text='{"port": "a", "is": "false"}'), known=nested) == {
        "port": "a", "is": "false",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["{", "7", '{"port": 1}', '{"all": []}', "[" * 9000])
def test_json_that_is_no_condition_is_refused_with_one_sentence(text):
    with pytest.raises(ValueFault) as refusal:
        tree_of(ConditionRows(text=text), known=None)
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize("row", [TestRow(port="1x"), TestRow(port="a", test="near"),
                                 TestRow(port="a", test="in", value="7")])  # fmt: skip
def test_a_row_that_makes_no_sense_is_refused(row):
    with pytest.raises(ValueFault):
        tree_of(ConditionRows(tests=[row]), known=None)


def test_empty_rows_say_nothing_and_a_row_without_a_port_means_the_value():
    assert tree_of(ConditionRows(tests=[TestRow(), TestRow()]), known=None) is None
    assert tree_of(ConditionRows(tests=[TestRow(value="5")]), known=None) == {
        "port": "value", "is": "==", "value": 5,
    }  # fmt: skip
