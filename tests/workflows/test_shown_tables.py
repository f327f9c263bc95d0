"""Lists of objects as tables."""

import json

import pytest

from workflows.shown_tables import CELL, TABLE_COLUMNS, TABLE_ROWS, table_of


def table(value):
    """Arrange a value as it is kept."""
    return table_of(json.dumps(value, separators=(",", ":")))


def test_columns_are_all_names_in_the_order_they_come():
    drawn = table([{"b": 1, "a": "x"}, {"c": None, "b": [True]}])
    assert drawn.columns == ("b", "a", "c")
    assert drawn.rows == (("1", "x", ""), ("[true]", "", "null"))


@pytest.mark.parametrize("value", [[], {}, "text", 3, [1], [{"a": 1}, 2], [{}], [[{"a": 1}]]])
def test_anything_but_objects_with_names_is_no_table(value):
    assert table(value) is None


@pytest.mark.parametrize("text", ["[{", '[{"a":1}', '[{"a":1}]x'])
def test_what_cannot_be_read_is_no_table(text):
    assert table_of(text) is None


@pytest.mark.parametrize("over", [0, 1])
def test_rows_and_columns_are_limited(over):
    drawn = table([{"a": 1}] * (TABLE_ROWS + over))
    assert (len(drawn.rows), drawn.more_rows) == (TABLE_ROWS, over)
    drawn = table([{str(name): 1 for name in range(TABLE_COLUMNS + over)}])
    assert (len(drawn.columns), drawn.more_columns) == (TABLE_COLUMNS, over)


@pytest.mark.parametrize("over", [0, 1])
def test_a_cell_is_limited(over):
    ((cell,),) = table([{"a": "x" * (CELL + over)}]).rows
    assert len(cell) == CELL
    assert cell.endswith("…") is bool(over)
