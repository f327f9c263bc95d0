"""Two runs side by side, without a database."""

import pytest

from workflows.comparing import DIFF_LINES, Side, compared, compared_values, diff


def side(status="completed", seconds=1.0, outputs=None, unread=()):
    return Side(title="T", status=status, seconds=seconds, outputs=outputs, unread=frozenset(unread))  # fmt: skip


def test_the_largest_difference_in_time_comes_first_and_unknown_ones_last():
    left = {"a": side(seconds=1), "b": side(seconds=9), "c": side(seconds=None)}
    right = {"c": side(), "a": side(seconds=2), "b": side(seconds=4)}
    assert [(each.path, each.delta) for each in compared(left, right)] == [
        ("b", -5), ("a", 1), ("c", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "output", "ports"),
    [
        ({"x": "1"}, {"x": "1"}, "equal", ()),
        ({"x": "1", "y": "2"}, {"x": "1", "y": "3"}, "differs", ("y",)),
        ({"x": "1"}, {}, "differs", ("x",)),
        ({"x": "1"}, None, "missing", ()),
        (None, None, "", ()),
    ],
)
def test_outputs_are_equal_differ_or_are_missing(left, right, output, ports):
    (task,) = compared({"a": side(outputs=left)}, {"a": side(outputs=right)})
    assert (task.output, task.ports) == (output, ports)
    assert task.is_different == (output not in {"equal", ""})


def test_what_is_too_long_to_compare_is_not_called_equal():
    (task,) = compared({"a": side(outputs={}, unread=["text"])}, {"a": side(outputs={})})
    assert task.output == "unknown"


def test_a_task_of_one_run_only_is_different():
    (task,) = compared({"a": side()}, {})
    assert (task.is_different, task.delta, task.title) == (True, None, "T")


def test_values_are_paired_by_name():
    pairs = compared_values({"a": "1", "b": "2"}, {"b": "2", "c": "3"})
    assert [(each.name, each.is_same) for each in pairs] == [
        ("b", True), ("c", False), ("a", False),
    ]  # fmt: skip


def test_a_diff_names_what_was_added_and_removed():
    lines = [(line.kind, line.text) for line in diff("a\nb\n--- c", "a\nB\n--- c").lines]
    assert lines[1:] == [("same", "a"), ("removed", "b"), ("added", "B"), ("same", "--- c")]
    assert diff("same", "same").lines == ()


def test_a_long_text_is_compared_at_its_beginning():
    assert not diff("x\n" * DIFF_LINES, "x").is_cut
    assert diff("x\n" * (DIFF_LINES + 1), "x").is_cut
