"""Times of schedules, over changes of the clock too."""

from datetime import UTC, datetime

import pytest

from runner.errors import ValueFault
from workflows.cron import NAMED, in_words, next_after, preview, zone_called

BERLIN = zone_called("Europe/Berlin")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "after", "following"),
    [
        ("30 7 * * 1-5", "2026-11-27T06:29", "2026-11-27T06:30"),
        ("30 7 * * 1-5", "2026-11-27T06:30", "2026-11-30T06:30"),
        ("@daily", "2026-11-24T12:00", "2026-11-24T23:00"),
        ("*/5 * * * *", "2026-11-24T12:02", "2026-11-24T12:05"),
        ("0 0 29 2 *", "2026-11-24T12:00", "2028-02-28T23:00"),
    ],
)
def test_a_time_is_that_of_the_zone(cron, after, following):
    assert next_after(cron, BERLIN, at(after)) == at(following)


def test_a_time_that_the_spring_leaves_out_comes_right_after():
    """On 29 March 2026 there is no half past two in Berlin."""
    assert next_after("30 2 * * *", BERLIN, at("2026-03-28T12:00")) == at("2026-03-29T01:00")


def test_a_time_that_the_autumn_gives_twice_comes_once():
    """On 25 October 2026 it is half past two twice in Berlin."""
    first, second = preview("30 2 * * *", BERLIN, at("2026-10-24T12:00"), 2)
    assert (first.day, second.day) == (25, 26)


@pytest.mark.parametrize(
    "cron",
    ["", "every day", "* * * *", "61 * * * *", "* * * * * *", "@often", "0 0 0 * *", "0 0 30 2 *"],
)
def test_what_is_no_cron_expression_is_one_sentence(cron):
    with pytest.raises(ValueFault) as refusal:
        next_after(cron, BERLIN, at("2026-01-01T00:00"))
    assert refusal.value.sentence.endswith(".")


@pytest.mark.parametrize("name", ["", "Berlin", "../etc/passwd", "Europe/Berlin\0", "UTC+1"])
def test_what_is_no_time_zone_is_refused_with_one_that_is(name):
    with pytest.raises(ValueFault, match="one like Europe/Berlin is meant"):
        zone_called(name)


@pytest.mark.parametrize("name", NAMED)
def test_each_name_stands_for_an_expression(name):
    assert next_after(name, BERLIN, at("2026-01-01T00:00")) is not None


def test_an_expression_is_said_in_words():
    assert in_words("30 7 * * 1-5") == "At 07:30 on Monday through Friday"
    assert in_words("@often") == "@often"
