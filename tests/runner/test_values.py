"""Values as canonical JSON text, and back."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ValueFault
from runner.graph.values import MAX_DEPTH, decode, dump, encode

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.binary()
    | st.datetimes(timezones=st.sampled_from([None, UTC]))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
)
keys = texts | st.sampled_from(["$bytes", "$datetime", "$decimal", "$uuid", "$dict", "$else"])
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(anything)
def test_every_value_comes_back_as_it_was(value):
    assert decode(encode(value)) == value


@given(anything)
def test_the_text_of_a_value_is_stable(value):
    text = encode(value)
    assert encode(decode(text)) == text
    json.loads(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\xff", '{"$bytes":"/w=="}'),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), '{"$datetime":"2026-01-02T03:04:00+00:00"}'),
        (Decimal("1.50"), '{"$decimal":"1.50"}'),
        (UUID(int=7), '{"$uuid":"00000000-0000-0000-0000-000000000007"}'),
        ({"$bytes": "AA=="}, '{"$dict":{"$bytes":"AA=="}}'),
        ({"$dict": {"a": 1}}, '{"$dict":{"$dict":{"a":1}}}'),
        ({"b": 1, "a": "ü"}, '{"b":1,"a":"ü"}'),
        ((1, 2.0), "[1,2.0]"),
        (Colour.RED, '"red"'),
        (10**30, str(10**30)),
    ],
)
def test_values_have_one_spelling(value, text):
    assert encode(value) == text


def nested(depth):
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "nan cannot be kept"),
        ([math.inf], "inf cannot be kept"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        ({1: 2}, "key 1"),
        ({1, 2}, "type set"),
        (object(), "type object"),
        (nested(MAX_DEPTH + 1), "deeper than 64"),
        ([10**5000], "cannot be kept"),
    ],
)
def test_what_json_cannot_say_is_refused(value, said):
    with pytest.raises(ValueFault, match=said):
        encode(value)


def test_the_deepest_value_allowed_comes_back():
    assert decode(encode(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "NaN", "[Infinity]", '{"$bytes":"?"}', '{"$bytes":1}', '{"$other":"1"}',
        '{"$dict":1}', '{"$decimal":"x"}', '{"$datetime":"soon"}', '{"$uuid":"1"}', "[" * 500,
    ],
)  # fmt: skip
def test_what_encode_never_writes_is_refused(text):
    with pytest.raises(ValueFault):
        decode(text)


def test_what_is_no_json_at_all_is_refused_with_a_sentence():
    with pytest.raises(ValueFault, match="This value cannot be kept as JSON: "):
        dump({"a": object()})


@pytest.mark.parametrize("text", ["1e4301", "-1e999999999", "1e-4301", "9" * 5000])
def test_a_decimal_of_too_many_places_is_neither_kept_nor_read(text):
    """As a whole number it would take minutes: `int(Decimal("1e999999999"))`."""
    with pytest.raises(ValueFault, match="cannot be kept"):
        encode(Decimal(text))
    with pytest.raises(ValueFault, match="is no decimal value"):
        decode(f'{{"$decimal":"{text}"}}')


@pytest.mark.parametrize("text", ["1E+4300", "1E-4300", "0", "1.50"])
def test_a_decimal_at_the_limit_is_kept(text):
    assert decode(encode(Decimal(text))) == Decimal(text)
