"""Limits as the operator writes them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflows.limits import limits_in


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
