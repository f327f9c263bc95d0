"""What an answer asks of whoever would try again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from runner.outside.statuses import retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("77", 77), ("9" * 50, 999_999_999), ("", None), ("-1", None), ("soon", None), ("1.5", None)],
)  # fmt: skip
def test_seconds_are_read(text, seconds):
    """RFC 9110, 10.2.3."""
    assert retry_after(text) == seconds


def test_a_date_is_read_as_the_time_until_then():
    at = datetime.now(UTC) + timedelta(seconds=90)
    left = retry_after(format_datetime(at, usegmt=True))
    assert left is not None
    assert 80 < left <= 90
    assert retry_after("Wed, 21 Oct 2015 07:28:00") == 0
