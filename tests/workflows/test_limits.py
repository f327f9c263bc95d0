"""Limits as the operator writes them."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflows import settings as settings_module
from workflows.limits import bytes_in, count_in, lease_in, limits_in, seconds_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", {}),
        ("process=64", {"process": 64}),
        ("run:*=16, group:ollama=1,", {"run:*": 16, "group:ollama": 1}),
    ],
)
def test_limits_are_read_from_one_line(text, limits):
    assert limits_in(text) == limits


@pytest.mark.parametrize("text", ["process", "process=", "=3", "process=0", "process=-1", "a=b"])
def test_what_is_no_limit_is_refused_with_an_example(text):
    with pytest.raises(ImproperlyConfigured, match="such as process=64"):
        limits_in(text)


@pytest.mark.parametrize(("text", "seconds"), [("", 30), ("1", 1), ("2.5", 2.5), ("3600", 3600)])
def test_a_lease_is_read_in_seconds(text, seconds):
    """P4."""
    assert lease_in(text) == seconds


@pytest.mark.parametrize("text", ["0.9", "3600.1", "-1", "nan", "inf", "a while"])
def test_what_is_no_lease_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="must be 1 to 3600 seconds"):
        lease_in(text)


@pytest.mark.parametrize(
    ("text", "size"), [("", 5), ("1024", 1024), (str(1 << 40), 1 << 40), ("65536", 65536)]
)
def test_a_size_is_read_in_bytes(text, size):
    assert bytes_in("ANABRANCH_UPLOAD_BYTES", text, 5) == size


@pytest.mark.parametrize("text", ["1023", str((1 << 40) + 1), "-1", "64 MiB", "0"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match=r"^ANABRANCH_UPLOAD_BYTES must be"):
        bytes_in("ANABRANCH_UPLOAD_BYTES", text, 5)


@pytest.mark.parametrize(("text", "seconds"), [("", 0.5), ("0.01", 0.01), ("60", 60.0)])
def test_a_short_time_is_read_up_to_its_limits(text, seconds):
    """Engine 8.3."""
    assert seconds_in("X", text, 0.5) == seconds


@pytest.mark.parametrize("text", ["0.009", "60.1", "soon", "nan"])
def test_a_short_time_beyond_its_limits_is_refused(text):
    """Engine 8.3."""
    with pytest.raises(ImproperlyConfigured, match=r"X must be 0\.01 to 60 seconds"):
        seconds_in("X", text, 0.5)


@pytest.mark.parametrize(("text", "count"), [("", 20), ("1", 1), ("1000000", 1_000_000)])
def test_a_number_is_read(text, count):
    assert count_in("ANABRANCH_SOCKETS_A_PERSON", text, 20) == count


@pytest.mark.parametrize("text", ["0", "1000001", "-1", "many", "1.5"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match=r"^ANABRANCH_SOCKETS_A_PERSON must be"):
        count_in("ANABRANCH_SOCKETS_A_PERSON", text, 20)


def test_every_limit_has_its_line_in_the_operators_table():
    """S16: a bound that nobody can look up is a riddle for whoever runs into it."""
    bounds = re.compile(r"\w+(_LIMITS?|_A_PERSON|_A_RUN|_A_LINK|_DAYS|_VALUES|_MEMORY)|LARGE_VALUE|OPEN_\w+|SAVED_FILTERS|(EXPRESSION|CODE|LEASE|JOB_LEASE)_SECONDS")  # fmt: skip
    here = {name for name in dir(settings_module) if bounds.fullmatch(name)}
    table = (
        (ROOT / "docs" / "operating.md").read_text().partition("## Limits")[2].partition("\n## ")[0]
    )
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == here
