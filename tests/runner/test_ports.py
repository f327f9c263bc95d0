"""Ports: checking and writing values, chunks, and what may connect to what."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field

from runner.errors import ValueFault
from runner.graph.port_fields import ports_of
from runner.graph.port_types import compare, in_words, portable_name
from runner.graph.ports import ERROR, Chunks, Port, Ports, Stream, fit, fit_element, parse_type
from runner.graph.ports import type_name as name_of


def port(kind, **fields):
    return Port(name=fields.pop("name", "limit"), type=kind, owner="Summarise", **fields)


class Point(BaseModel):
    x: int
    at: datetime | None = None


class Row(TypedDict):
    name: str


@dataclass
class Pair:
    left: int


type Whole = int


# ── values ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, "abc", "Port limit of Summarise wants a whole number, not the text 'abc'."),
        (str, 5, "Port limit of Summarise wants text, not 5."),
        (int, None, "Port limit of Summarise wants a whole number, not nothing."),
        (
            list[int],
            [1, "x"],
            "Port limit of Summarise wants a list of whole numbers, not the text 'x' at [1].",
        ),
        (
            Annotated[int, Field(ge=1)],
            0,
            "Port limit of Summarise wants a whole number of at least 1, not 0.",
        ),
        (
            Literal["a", "b"],
            "c",
            "Port limit of Summarise wants one of 'a', 'b', not the text 'c'.",
        ),
        (str, "a\0", "Port limit of Summarise: Text with a NUL character cannot be kept."),
        (float, math.nan, "Port limit of Summarise: The number nan cannot be kept; only finite"),
        (list[Any], [math.inf], "Port limit of Summarise: The number inf cannot be kept"),
    ],
)
def test_a_refusal_names_the_port_and_what_it_wants(kind, value, said):
    with pytest.raises(ValueFault) as caught:
        port(kind).encode(value)
    assert str(caught.value).startswith(said)


def test_a_long_value_is_cut_short_in_a_refusal():
    with pytest.raises(ValueFault) as caught:
        port(int).encode("x" * 5000)
    assert len(str(caught.value)) < 150


def test_a_number_too_long_to_show_is_refused_all_the_same():
    for kind in (str, int):
        with pytest.raises(ValueFault, match="Port limit of Summarise"):
            port(kind).encode(10**5000)


def even(number):
    if number % 2:
        raise ValueError("even numbers only")
    return number


def test_a_validator_of_ones_own_has_its_say():
    kind = Annotated[int, AfterValidator(even)]
    assert port(kind).encode("4") == "4"
    with pytest.raises(ValueFault, match=r"a whole number \(even numbers only\), not 3"):
        port(kind).encode(3)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, "7", "7"),
        (float, 1, "1.0"),
        (str, "$x", '"$x"'),
        (dict[str, Any], {"$bytes": "x"}, '{"$dict":{"$bytes":"x"}}'),
        (dict[str, str], {"$bytes": "x"}, '{"$dict":{"$bytes":"x"}}'),
        (str, '{"$bytes":1}', '"{\\"$bytes\\":1}"'),
        (bytes, b"a", '{"$bytes":"YQ=="}'),
        (Decimal, "1.50", '{"$decimal":"1.50"}'),
        (Point, {"x": "1"}, '{"x":1,"at":null}'),
        (
            Point,
            Point(x=1, at=datetime(2026, 1, 1, tzinfo=UTC)),
            '{"x":1,"at":{"$datetime":"2026-01-01T00:00:00+00:00"}}',
        ),
        (Pair, Pair(left=1), '{"left":1}'),
        (Row, {"name": "a"}, '{"name":"a"}'),
        (Any, [1, {"a": None}], '[1,{"a":null}]'),
        (int | None, None, "null"),
        (list[float], [1, 2.5], "[1.0,2.5]"),
        (list[list[int]], [[1], []], "[[1],[]]"),
        (list[Annotated[int, []]], [1], "[1]"),
    ],
)
def test_a_value_is_checked_and_written(kind, value, text):
    assert port(kind).encode(value) == text
    assert port(kind).encode(port(kind).decode(text)) == text


def test_a_kept_value_is_read_as_the_ports_type():
    assert port(Point).decode('{"x":1,"at":null}') == Point(x=1)
    assert port(UUID).decode(port(UUID).encode(UUID(int=3))) == UUID(int=3)
    with pytest.raises(ValueFault, match="Port limit of Summarise wants a whole number"):
        port(int).decode('"abc"')
    with pytest.raises(ValueFault, match="Port limit of Summarise: The tag"):
        port(Any).decode('{"$other":"1"}')


@given(st.text())
def test_text_is_kept_as_it_is_or_refused(text):
    try:
        kept = port(str).encode(text)
    except ValueFault:
        assert "\0" in text or any(0xD800 <= ord(each) < 0xE000 for each in text)
    else:
        assert port(str).decode(kept) == text


# ── chunks ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "mode", "chunks", "whole"),
    [
        (str, "append", ["a", "", 'b"'], 'ab"'),
        (str, "append", [], ""),
        (bytes, "append", [b"a", b"b"], b"ab"),
        (list[int], "append", [1, 2], [1, 2]),
        (list[int], "append", [], []),
        (list[list[int]], "append", [[1], [2]], [[1], [2]]),
        (Any, "append", ["a", "b"], "ab"),
        (Any, "append", [1, "b"], [1, "b"]),
        (list[int], "replace", [[1], [1, 2]], [1, 2]),
        (str, "replace", ["a", "b"], "b"),
    ],
)
def test_chunks_add_up_to_the_ports_value(kind, mode, chunks, whole):
    streamed = port(kind, mode=mode)
    total = streamed.aggregate([streamed.chunk(each) for each in chunks])
    assert streamed.decode(total) == whole
    assert streamed.encode(whole) == total


def test_a_port_that_replaces_needs_a_chunk():
    with pytest.raises(ValueFault, match="closed without a value"):
        port(str, mode="replace").aggregate([])


def test_a_chunk_is_checked_like_a_value():
    with pytest.raises(ValueFault, match="wants a whole number, not the text 'x'"):
        port(list[int], mode="append").chunk("x")
    with pytest.raises(ValueFault, match="does not stream"):
        port(int).chunk(1)


@given(st.sampled_from([str, Any, list[str], list[Any]]), st.text() | st.integers())
def test_a_streams_writer_and_reader_do_the_same_as_chunk_by_chunk(kind, value):
    streamed = port(kind, mode="append")
    try:
        text = streamed.chunk(value)
    except ValueFault as fault:
        with pytest.raises(ValueFault, match=f"^{re.escape(fault.sentence)}$"):
            streamed.writer()(value)
    else:
        assert streamed.writer()(value) == text
        assert streamed.reader()(text) == streamed.decode_chunk(text)


def test_a_streams_writer_and_reader_refuse_in_sentences():
    with pytest.raises(ValueFault, match="wants a whole number, not the text 'x'"):
        port(list[int], mode="append").writer()("x")
    with pytest.raises(ValueFault, match="does not stream"):
        port(int).writer()(1)
    with pytest.raises(ValueFault, match="wants text, not 5"):
        port(str, mode="append").reader()("5")


@pytest.mark.parametrize(
    ("kind", "text", "chunks"),
    [(str, '"ab"', ['"ab"']), (str, '["a","b"]', ['"a"', '"b"']), (int, "[1,2]", ["1", "2"])],
)
def test_a_whole_value_is_read_as_chunks(kind, text, chunks):
    assert port(kind, reads_stream=True).split(text) == chunks


def test_a_stream_input_reads_what_a_whole_stream_added_up_to():
    reader = port(int, reads_stream=True)
    assert reader.decode_aggregate("[1,2]") == [1, 2]
    assert reader.decode_aggregate("3") == 3
    assert reader.decode_chunk("4") == 4
    assert port(int).decode_aggregate("6") == 6
    with pytest.raises(ValueFault):
        reader.decode_aggregate('"x"')


# ── from models ─────────────────────────────────────────────────────────────────────────────────


class Example(Ports):
    text: Chunks[str]
    limit: Annotated[int, Field(ge=1, le=9, title="Limit", description="How many.")] = 3
    note: str = Field(default="", json_schema_extra={"ui": "multiline"})
    maybe: int | None = None
    tags: list[str] = Field(default_factory=list)
    key: str = Field(default="", json_schema_extra={"secret": True})
    sneaky: int = cast(int, None)


def test_a_models_fields_say_all_about_its_ports():
    ports = ports_of(Example, "Example", {"note": Stream(readiness="final", mode="replace")})
    assert ports["text"].reads_stream
    assert (ports["text"].type, ports["text"].required) == (str, True)
    limit = ports["limit"]
    assert (limit.minimum, limit.maximum, limit.default, limit.title) == (1, 9, "3", "Limit")
    assert (limit.help, ports["note"].ui, ports["note"].mode) == (
        "How many.",
        "multiline",
        "replace",
    )
    assert ports["maybe"].default == "null"
    assert ports["tags"].default == "[]"
    assert [name for name, port in ports.items() if port.secret] == ["key"]
    assert ports["sneaky"].default is None
    assert not ports["sneaky"].required


def test_stream_readers_pass_through_a_model_as_they_are():
    class Reader(Ports):
        text: Chunks[str]

    reader = Chunks[str]()
    assert Reader(text=reader).text is reader
    for use in (reader.__aiter__, reader.__iter__, reader.final):
        with pytest.raises(NotImplementedError):
            use()


# ── types ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["str", "int", "any", "bytes", "datetime", "decimal", "uuid", "list[list[int]]",
     "dict[str,list[bool]]", "float"],
)  # fmt: skip
def test_the_small_language_of_types_reads_what_it_writes(text):
    assert name_of(parse_type(text)) == text
    assert portable_name(parse_type(text)) == text


@pytest.mark.parametrize(
    "text", ["", "text", "list", "list[]", "dict[int,str]", "list[" * 100, "str]", "list[x]"]
)
def test_other_types_are_refused(text):
    with pytest.raises(ValueFault, match="is no type"):
        parse_type(text)


def test_a_bare_list_is_a_list_of_anything():
    assert fit(port(list[int]), port(list)).verdict == "fits"
    assert fit(port(list), port(list[int])).verdict == "checked"


@pytest.mark.parametrize(
    ("kind", "words", "portable"),
    [
        (list[int], "a list of whole numbers", "list[int]"),
        (list[list[str]], "a list of lists of texts", "list[list[str]]"),
        (dict[str, float], "a mapping to numbers", "dict[str,float]"),
        (list[dict[str, int]], "a list of mappings to whole numbers", "list[dict[str,int]]"),
        (Literal["a"], "one of 'a'", "any"),
        (int | None, "a whole number or nothing", "any"),
        (Point, "a Point", "any"),
        (list[Point], "a list of values of type Point", "any"),
        (Whole, "a whole number", "int"),
        (dict[str, Annotated[int, []]], "a mapping to whole numbers", "dict[str,int]"),
        (Annotated[int, Field(ge=1)], "a whole number", "int"),
    ],
)
def test_types_are_said_in_words(kind, words, portable):
    assert in_words(kind) == words
    assert portable_name(kind) == portable


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (str, str, "fits"),
        (int, float, "fits"),
        (bool, int, "fits"),
        (str, Any, "fits"),
        (Literal["a"], str, "fits"),
        (Literal["a"], Literal["a", "b"], "fits"),
        (int, int | None, "fits"),
        (list[int], list[float], "fits"),
        (dict[str, int], dict[str, Any], "fits"),
        (Any, int, "checked"),
        (str, int, "checked"),
        (float, int, "checked"),
        (int | None, int, "checked"),
        (str, Literal["a"], "checked"),
        (Literal["a", "b"], Literal["b"], "checked"),
        (int, Annotated[int, Field(ge=1)], "checked"),
        (Point, dict[str, Any], "checked"),
        (dict[str, Any], Row, "checked"),
        (Row, Pair, "checked"),
        (list[Any], list[int], "checked"),
        (str | int, Any, "fits"),
        (str, int | None, "checked"),
        (int, str, "misfit"),
        (str, list[str], "misfit"),
        (Point, int, "misfit"),
        (Literal["a"], Literal["b"], "misfit"),
        (Literal["a"], list[int], "misfit"),
        (int, Literal["a"], "misfit"),
        (list[str], dict[str, str], "misfit"),
        (bytes, UUID, "misfit"),
        (list[Annotated[int, []]], int, "misfit"),
        (bytes, dict[str, int] | list[int], "misfit"),
    ],
)
def test_types_fit_are_checked_in_the_run_or_do_not_fit(source, target, verdict):
    assert compare(source, target) == verdict


# ── what may connect ────────────────────────────────────────────────────────────────────────────


def test_a_misfit_says_what_is_wanted_and_what_is_given():
    found = fit(Port(name="result", type=int, owner="Count"), port(str, name="text"))
    assert found.verdict == "misfit"
    assert found.reason == (
        "Port text of Summarise wants text, but port result of Count gives a whole number."
    )


def test_what_is_checked_in_the_run_says_so():
    found = fit(port(Any), port(int))
    assert (found.verdict, "checked in the run" in found.reason) == ("checked", True)


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        (port(str, mode="append"), port(str, reads_stream=True), "fits"),
        (port(list[int], mode="append"), port(int, reads_stream=True), "fits"),
        (port(list[int], mode="replace"), port(int, reads_stream=True), "misfit"),
        (port(list[int], mode="replace"), port(list[int], reads_stream=True), "fits"),
        (port(str), port(str, reads_stream=True), "fits"),
        (port(list[str]), port(str, reads_stream=True), "fits"),
        (port(int), port(str, reads_stream=True), "misfit"),
        (port(list[int], mode="append"), port(list[int]), "fits"),
        (port(int), port(list[int]), "fits"),
        (port(bytes), port(list[int]), "misfit"),
    ],
)
def test_streams_and_lists_fit_chunk_by_chunk_and_element_by_element(source, target, verdict):
    assert fit(source, target).verdict == verdict


def test_several_dataflows_give_one_element_each():
    assert fit_element(port(int), port(list[int])).verdict == "fits"
    assert fit_element(port(list[int]), port(list[int])).verdict == "misfit"
    assert "one dataflow" in fit_element(port(int), port(int)).reason


def test_several_streams_are_each_a_stream_of_their_own():
    """Engine 3.2."""

    class Several(Ports):
        streams: list[Chunks[int]]
        more: list[Chunks[int]] = []

    ports = ports_of(Several, "Several")
    streams = ports["streams"]
    assert (streams.type, streams.several_streams, streams.reads_stream) == (int, True, True)
    assert (ports["more"].required, ports["more"].default) == (False, None)
    assert fit_element(port(list[int], mode="append"), streams).verdict == "fits"
    assert fit_element(port(bytes), streams).verdict == "misfit"
    assert streams.encode([1, "2"]) == "[1,2]"
    assert streams.decode("[1]") == [1]


def test_chunks_with_an_index_add_up_in_their_order():
    """Engine 4.10."""
    gathered = port(list[str], mode="append", indexed=True)
    chunks = [gathered.chunk([2, "c"]), gathered.chunk([0, "a"]), gathered.chunk([1, "b"])]
    assert gathered.chunk_type == list[Any]
    assert gathered.decode(gathered.aggregate(chunks)) == ["a", "b", "c"]


def test_the_port_of_an_error_holds_texts():
    """Engine 3.3."""
    error = {"type": "OSError", "message": "no", "task": "a/b"}
    assert ERROR.decode(ERROR.encode(error)) == error
    assert not ERROR.streams
