"""Masking: no form of a handed-out secret passes, wherever the text is cut."""

import base64
import html
import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.execution.masking import MASK, ChunkMasker, Masker
from runner.graph.ports import Port
from runner.graph.values import decode, encode

SECRET = 'p@ss "wörd" & <more>/+'
TEXT = Port(name="text", type=str, mode="append")
BYTES = Port(name="data", type=bytes, mode="append")
ITEMS = Port(name="items", type=list[str], mode="append")
LAST = Port(name="last", type=str, mode="replace")
ANY = Port(name="any", type=Any, mode="append")

#: Few letters, so that secrets overlap and begin inside one another.
secrets = st.lists(st.text("ab", min_size=6, max_size=9), min_size=1, max_size=3)


def masker_of(*texts):
    masker = Masker()
    for text in texts:
        masker.learn(text)
    return masker


def streamed(masker, port, pieces):
    chunks = ChunkMasker(masker, port)
    passed = [chunk for piece in pieces for chunk in chunks.push(encode(piece))]
    return [decode(chunk) for chunk in (*passed, *chunks.flush())]


@st.composite
def told(draw, kinds=("a", "b", "c", "")):
    """Draw secrets, and a text that contains them cut into chunks."""
    texts = draw(secrets)
    parts = st.sampled_from([*texts, *(text[:-1] for text in texts), *kinds])
    whole = "".join(draw(st.lists(parts, max_size=6)))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    return texts, whole, pieces


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        html.escape(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_a_secret_is_masked_in_every_usual_form(form):
    assert masker_of(SECRET).mask(f"<{form}>") == f"<{MASK}>"


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("write", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_inside_base64_is_masked_at_every_alignment(before, write):
    written = write(f"{before}{SECRET}tail".encode()).decode()

    masked = masker_of(SECRET).mask(written)

    assert MASK in masked
    assert len(masked) < len(written) - len(SECRET)


@pytest.mark.parametrize(("text", "known"), [("12345", False), ("123456", True)])
def test_a_secret_of_six_characters_is_masked_and_a_shorter_one_is_not(text, known):
    assert (masker_of(text).mask(text) == MASK) is known


def test_the_longer_of_two_secrets_is_masked_whole():
    assert masker_of("abcdef", "abcdefgh").mask("abcdefgh") == MASK


def test_a_masker_that_knows_no_secret_changes_nothing():
    text = encode({"a": [1, SECRET]})

    assert Masker().mask_json(text) is text
    assert ChunkMasker(Masker(), TEXT).push(text)[0] is text
    assert ChunkMasker(Masker(), TEXT).flush() == []
    assert masker_of("nothing like it").mask_json(text) is text


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (f"a {SECRET} b", f"a {MASK} b"),
        ({SECRET: [1, {"deep": SECRET}]}, {MASK: [1, {"deep": MASK}]}),
        (b"\xff" + SECRET.encode(), b"\xff" + MASK.encode()),
        ({"$bytes": SECRET}, {"$bytes": MASK}),
        (json.dumps(json.dumps(SECRET)), None),
        ([1.0, 10**30, None, True], [1.0, 10**30, None, True]),
    ],
)
def test_an_encoded_value_is_masked_and_stays_a_value(value, masked):
    """Engine 2.3."""
    found = decode(masker_of(SECRET).mask_json(encode(value)))

    assert SECRET not in str(found)
    assert masked is None or found == masked


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        ("123456", 91234567),
        ("0b8a1f2e-6b4c-4c8e-9d3a-1f2e3d4c5b6a", UUID("0b8a1f2e-6b4c-4c8e-9d3a-1f2e3d4c5b6a")),
    ],
)
def test_a_value_that_shows_a_secret_becomes_the_mask(secret, value):
    """Engine 2.3."""
    assert decode(masker_of(secret).mask_json(encode(value))) == MASK


def test_a_secret_that_looks_like_json_leaves_a_value_whole():
    text = encode(["a", "b", ',"b"]'])

    assert decode(masker_of('"a","b"', ',"b"]').mask_json(text)) == ["a", "b", ',"b"]']


@pytest.mark.parametrize(
    ("pieces", "passed"),
    [
        (["abcdef", "gh"], [MASK]),
        (["xyabcdef", "ghi"], [MASK]),
        (["xyabcdef", "g!"], [f"xy{MASK}g!"]),
        (["abcdefxyabc", "defghi"], [MASK, MASK]),
    ],
)
def test_a_secret_that_begins_another_one_is_held_back_until_it_is_decided(pieces, passed):
    """Engine 2.3."""
    masker = masker_of("abcdef", "abcdefgh", "xyabcdefghi")

    assert streamed(masker, TEXT, pieces) == passed


@given(told())
def test_whatever_the_split_a_text_stream_equals_the_masked_whole(example):
    """Engine 2.3, 4.1."""
    texts, whole, pieces = example
    masker = masker_of(*texts)

    passed = "".join(streamed(masker, TEXT, pieces))

    assert passed == masker.mask(whole)
    assert not any(text in passed for text in texts)


@given(told(kinds=("a", "c", "é")))
def test_whatever_the_split_a_byte_stream_equals_the_masked_whole(example):
    """Engine 2.3, 4.1."""
    texts, whole, pieces = example
    masker = masker_of(*texts)

    passed = b"".join(streamed(masker, BYTES, [piece.encode() for piece in pieces]))

    assert passed.decode() == masker.mask(whole)


@given(told(), st.lists(st.booleans(), min_size=9, max_size=9))
def test_flushes_in_between_let_no_secret_pass(example, flushes):
    """Engine 7.4."""
    texts, _, pieces = example
    chunks = ChunkMasker(masker_of(*texts), TEXT)
    passed: list[str] = []

    for piece, flush in zip(pieces, flushes, strict=False):
        passed += chunks.push(encode(piece)) + (chunks.flush() if flush else [])
    said = "".join(map(decode, passed + chunks.flush()))

    assert not any(text in said for text in texts)


def test_a_byte_stream_cut_inside_a_character_is_masked():
    raw = SECRET.encode()

    passed = streamed(masker_of(SECRET), BYTES, [raw[i : i + 1] for i in range(len(raw))])

    assert b"".join(passed) == MASK.encode()


def test_a_stream_without_a_beginning_of_a_secret_is_not_held_back():
    chunks = ChunkMasker(masker_of(SECRET), TEXT)

    assert chunks.push('"nothing to see"') == ['"nothing to see"']
    assert chunks.push('""') == ['""']
    assert chunks.flush() == []


@pytest.mark.parametrize("port", [ITEMS, LAST])
def test_separate_values_are_masked_one_by_one(port):
    """Engine 4.1."""
    pieces = [f"a {SECRET}", "p@ss", "word"]

    assert streamed(masker_of(SECRET), port, pieces) == [f"a {MASK}", "p@ss", "word"]


def test_a_port_of_any_type_keeps_the_order_of_texts_and_values():
    pieces = ["one p@ss", {"key": SECRET}, "two"]

    assert streamed(masker_of(SECRET), ANY, pieces) == ["one ", "p@ss", {"key": MASK}, "two"]


def test_a_secret_that_may_be_the_beginning_of_another_is_masked_at_a_cut():
    """Engine 7.4: a saved state cuts the stream where a longer secret could still come."""
    chunks = ChunkMasker(masker_of("abcdef", "abcdefgh"), TEXT)
    before = chunks.push(encode("<abcdef"))
    cut = chunks.flush()
    after = chunks.push(encode("gh>"))

    said = "".join(map(decode, [*before, *cut, *after, *chunks.flush()]))
    assert (said.startswith(f"<{MASK}"), "abcdef" in said) == (True, False)
