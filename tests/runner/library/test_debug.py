"""A value in the log."""

import pytest

from tests.drive import outputs_of


def lines_of(run):
    """Give the log lines of a run with their levels."""
    events = [each.event for each in run.entries if each.event.kind == "TaskLogged"]
    return [(each.level, each.message) for each in events]


@pytest.mark.parametrize(
    ("config", "value", "line"),
    [
        ({}, {"a": [1, None]}, ("INFO", '{"a":[1,null]}')),
        ({"label": "Rows", "level": "warning"}, "text", ("WARNING", "Rows: text")),
        ({"longest": 3}, "abcdef", ("INFO", "abc…")),
    ],
)
async def test_a_value_is_logged_and_passed_on(run_task, config, value, line):
    run = await run_task("debug.log", config, value=value)
    assert lines_of(run) == [line]
    assert outputs_of(run) == {"value": value}


async def test_a_level_that_is_none_is_refused(run_task):
    with pytest.raises(ValueError, match="one of 'info', 'warning', 'error'"):
        await run_task("debug.log", {"level": "loud"}, value=1)
