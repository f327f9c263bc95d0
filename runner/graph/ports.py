"""Port: a name, a value type, readiness, stream mode; what may connect to what, and why not."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from runner.errors import ValueFault
from runner.graph import values
from runner.graph.dataflow import ERROR_PORT
from runner.graph.port_types import (
    Verdict,
    bare,
    compare,
    element_of,
    in_words,
    is_list,
    is_plain,
    parse_type,
    type_name,
)

__all__ = [
    "ERROR", "Chunks", "Fit", "Mode", "Port", "Ports", "Readiness", "Stream", "fit",
    "fit_element", "parse_type", "type_name",
]  # fmt: skip

Readiness = Literal["final", "first-chunk"]
Mode = Literal["append", "replace"]
_LONGEST_SHOWN = 60


class Ports(BaseModel):
    """The ports of a task, written as a pydantic model.

    Ports are checked one by one: a validator belongs into a port's `Annotated` type.
    """

    # Validators are built at the first use: the inputs of a task are checked port by port.
    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), defer_build=True
    )


class Chunks[T]:
    """Marks an input port that reads a stream: iterate over its chunks, or take `final()`.

    In a task on the event loop it is an async iterable and `final()` is awaited; in a blocking
    task it is a plain iterable.
    """

    def __aiter__(self) -> AsyncIterator[T]:
        """Read from the first chunk on, then follow live."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        """Read from the first chunk on, in a blocking task."""
        raise NotImplementedError

    def final(self) -> Any:
        """Wait for the end and give what the chunks add up to."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Take any reader as it is: chunks are checked one by one as they are read."""
        return core_schema.any_schema()


@dataclass(frozen=True, slots=True)
class Stream:
    """How an output port streams: when dependants may begin, and how chunks add up."""

    readiness: Readiness = "first-chunk"
    mode: Mode = "append"


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether an output may feed an input; the reason is one sentence, empty if it fits."""

    verdict: Verdict
    reason: str = ""


class _Checker:
    """The validator and serializer of one type, built once and kept."""

    __slots__ = ("from_text", "is_plain", "kind", "to_python", "validate")

    def __init__(self, kind: Any) -> None:
        adapter = TypeAdapter[Any](kind)
        self.kind = kind
        self.is_plain = is_plain(kind)
        # mypy sees the union that a deferred adapter would need; this one is complete.
        validator: Any = adapter.validator
        self.validate: Callable[[Any], Any] = validator.validate_python
        self.from_text: Callable[[str], Any] = validator.validate_json
        self.to_python: Callable[[Any], Any] = adapter.serializer.to_python

    def encode(self, value: Any) -> str:
        """Validate a value and write it."""
        valid = self.validate(value)
        if not self.is_plain:
            return values.encode(self.to_python(valid, warnings=False))  # type: ignore[call-arg]
        text = values.dump(valid)
        if _is_sure(valid) and not values.is_suspect(text):
            return text
        return values.encode(valid)

    def decode(self, text: str) -> Any:
        """Read a kept value and validate it."""
        if self.is_plain and '"$' not in text:
            return self.from_text(text)
        return self.validate(values.decode(text))


def _is_sure(valid: Any) -> bool:
    """Whether a plain value holds no number that JSON lacks, and no key that is not text."""
    if type(valid) is list:
        return all(_is_sure_leaf(item) for item in valid)
    return valid is None or _is_sure_leaf(valid)


def _is_sure_leaf(valid: Any) -> bool:
    kind = type(valid)
    return kind is str or kind is bool or (kind is int and valid.bit_length() <= values.MAX_BITS)


@cache
def _cached_checker(kind: Any) -> _Checker:
    return _Checker(kind)


def _checker(kind: Any) -> _Checker:
    try:
        return _cached_checker(kind)
    except TypeError:  # a constraint that cannot be hashed
        return _Checker(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One typed input or output of a task; `owner` is the task's title, for sentences.

    `mode` is None for an output that does not stream. For a port that reads a stream, and for
    the chunks of one that streams, the type of a chunk follows from `type`.

    `several_streams` marks an input, declared `list[Chunks[T]]`, that reads each of its dataflows
    as a stream of its own; its `type` is T. `indexed` marks an output whose chunks are
    [index, item] in any order; they add up to the list of items by index. `secret` marks an output
    that is shown to nobody outside of the team.
    """

    name: str
    type: Any
    required: bool = True
    default: str | None = None
    readiness: Readiness = "final"
    mode: Mode | None = None
    reads_stream: bool = False
    several_streams: bool = False
    indexed: bool = False
    title: str = ""
    help: str = ""
    ui: str = ""
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    owner: str = ""

    @property
    def streams(self) -> bool:
        """Whether chunks may be pushed to it."""
        return self.mode is not None

    @property
    def value_type(self) -> Any:
        """The type of a whole value, such as one written by hand."""
        return list[self.type] if self.several_streams else self.type  # type: ignore[name-defined]

    @property
    def chunk_type(self) -> Any:
        """The type of one chunk: an item of a list that grows, or a whole value."""
        if self.indexed:
            return list[Any]
        grows = self.mode == "append" and not self.reads_stream
        return element_of(self.type) if grows and is_list(self.type) else self.type

    @property
    def label(self) -> str:
        """Name the port in a sentence."""
        return f"Port {self.name} of {self.owner}" if self.owner else f"Port {self.name}"

    def encode(self, value: Any) -> str:
        """Validate a value and write it; raises ValueFault with a sentence."""
        return self._encode(value, self.value_type)

    def decode(self, text: str) -> Any:
        """Read a kept value and validate it for this port; raises ValueFault."""
        return self._decode(text, self.value_type)

    def chunk(self, value: Any) -> str:
        """Validate one chunk and write it; raises ValueFault, also if the port does not stream."""
        if self.mode is None and not self.reads_stream:
            raise ValueFault(f"{self.label} does not stream; list it in streaming().")
        return self._encode(value, self.chunk_type)

    def decode_chunk(self, text: str) -> Any:
        """Read one chunk and validate it for this port."""
        return self._decode(text, self.chunk_type)

    def writer(self) -> Callable[[Any], str]:
        """Give what does the same as `chunk`, quickly: for the many chunks of one stream."""
        if self.mode is None and not self.reads_stream:
            return self.chunk
        kind = self.chunk_type
        return _writer(self, _checker(kind).encode, may_be_text=kind is str or kind is Any)

    def reader(self) -> Callable[[str], Any]:
        """Give what does the same as `decode_chunk`, quickly: for the many chunks of one stream."""
        kind = self.chunk_type
        return _reader(self, _checker(kind).decode, may_be_text=kind is str or kind is Any)

    def aggregate(self, chunks: Sequence[str]) -> str:
        """Give the encoded value that encoded chunks add up to."""
        if self.mode == "replace":
            if not chunks:
                raise ValueFault(f"{self.label} was closed without a value.")
            return chunks[-1]
        if self.indexed:
            pairs = sorted((values.decode(chunk) for chunk in chunks), key=itemgetter(0))
            return values.encode([item for _, item in pairs])
        kind = bare(self.type)
        if kind is bytes or kind is str or (kind is Any and _are_texts(chunks)):
            empty: Any = b"" if kind is bytes else ""
            return values.encode(empty.join(values.decode(chunk) for chunk in chunks))
        return f"[{','.join(chunks)}]"

    def decode_aggregate(self, text: str) -> Any:
        """Read what a whole stream added up to, for the port that reads it."""
        if not self.reads_stream:
            return self.decode(text)
        try:
            return self._decode(text, self.type)
        except ValueFault:
            return self._decode(text, list[self.type])  # type: ignore[name-defined]

    def split(self, text: str) -> list[str]:
        """Give a whole value as the chunks a stream input reads: itself, or its items."""
        try:
            self._decode(text, self.type)
        except ValueFault:
            items = self._decode(text, list[self.type])  # type: ignore[name-defined]
            return [self._encode(item, self.type) for item in items]
        return [text]

    def _encode(self, value: Any, kind: Any) -> str:
        try:
            return _checker(kind).encode(value)
        except ValidationError as fault:
            raise self._refusal(fault, kind) from fault
        except ValueFault as fault:
            raise ValueFault(f"{self.label}: {fault.sentence}") from fault

    def _decode(self, text: str, kind: Any) -> Any:
        try:
            return _checker(kind).decode(text)
        except ValidationError as fault:
            raise self._refusal(fault, kind) from fault
        except ValueFault as fault:
            raise ValueFault(f"{self.label}: {fault.sentence}") from fault

    def _refusal(self, fault: ValidationError, kind: Any) -> ValueFault:
        return ValueFault(f"{self.label} wants {refusal(fault, kind)}")


def _writer(port: Port, encode: Callable[[Any], str], *, may_be_text: bool) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        try:
            return encode(value)
        except (ValidationError, ValueFault):
            return port.chunk(value)  # which says what is wrong in a sentence

    def write_text(value: Any) -> str:
        # The same text as `encode` gives, in a fourth of the time.
        if type(value) is str and value.isascii() and "\0" not in value:
            return encode_basestring(value)
        return write(value)

    return write_text if may_be_text else write


def _reader(port: Port, decode: Callable[[str], Any], *, may_be_text: bool) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return decode(text)
        except (ValidationError, ValueFault):
            return port.decode_chunk(text)

    def read_text(text: str) -> Any:
        if text[:1] == '"' and "\\" not in text:
            return text[1:-1]
        return read(text)

    return read_text if may_be_text else read


#: What went wrong with a task, as every task gives it at its port `[error]`: the texts `type`,
#: `message` and `task`.
ERROR = Port(name=ERROR_PORT, type=dict[str, str], title="Error")


def refusal(fault: ValidationError, kind: Any, *, below: int = 0) -> str:
    """Say what was wanted and what came instead, with the place inside the value.

    `below` is how many steps of the place lead to the value itself.
    """
    return refused(fault.errors(include_url=False)[0], kind, below=below)


def refused(error: Any, kind: Any, *, below: int = 0) -> str:
    """Say the same of one error of several."""
    found = shown(error.get("input"))
    spot = "".join(f"[{part!r}]" for part in error["loc"][below:])
    where = f" at {spot}" if spot else ""
    detail = _detail(error)
    return f"{in_words(kind)}{detail}, not {found}{where}."


def _detail(error: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    for name, word in _BOUNDS.items():
        if name in context and error["type"] != "int_parsing_size":
            return f" {word} {context[name]}"
    if error["type"] in {"value_error", "assertion_error"}:
        return f" ({context.get('error', error['msg'])})"
    return ""


_BOUNDS = {
    "ge": "of at least",
    "gt": "above",
    "le": "of at most",
    "lt": "below",
    "multiple_of": "that is a multiple of",
    "min_length": "with a length of at least",
    "max_length": "with a length of at most",
    "pattern": "that looks like",
}


def shown(value: Any) -> str:
    """Show a value to a person, cut short."""
    if value is None:
        return "nothing"
    kinds = ((str, "the text "), (list, "the list "), (dict, "the mapping "), (bytes, "the bytes "))
    word = next((word for kind, word in kinds if isinstance(value, kind)), "")
    try:
        text = repr(value)
    except ValueError:  # somewhere in it is a number of too many digits
        text = "something too long to show"
    return word + (text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")


def _are_texts(chunks: Sequence[str]) -> bool:
    return bool(chunks) and all(chunk.startswith('"') for chunk in chunks)


# ── what may connect to what ────────────────────────────────────────────────────────────────────


_FITS = Fit("fits")


def fit(source: Port, target: Port) -> Fit:
    """Say whether an output may feed an input, as a whole or as one element of its list."""
    if source.type is target.type and not target.reads_stream:
        return _FITS
    whole = _fit_whole(source, target)
    if whole.verdict == "misfit" and is_list(target.type) and not target.reads_stream:
        element = fit_element(source, target)
        return whole if element.verdict == "misfit" else element
    return whole


def fit_element(source: Port, target: Port) -> Fit:
    """Say whether an output may give one element of a list input, or one of several streams."""
    if target.several_streams:
        return _fit_whole(source, target)
    if not is_list(target.type) or target.reads_stream:
        return Fit("misfit", f"{target.label} takes one dataflow only.")
    element = element_of(target.type)
    if source.type is element:
        return _FITS
    found = _fit_types(source.type, element, source, target)
    if found.verdict != "misfit":
        return found
    return Fit(
        "misfit",
        f"Each of several dataflows into {_lower(target.label)} gives one element, "
        f"{in_words(element)}, but {_lower(source.label)} gives "
        f"{in_words(source.type)}.",
    )


def _fit_whole(source: Port, target: Port) -> Fit:
    if not target.reads_stream:
        return _fit_types(source.type, target.type, source, target)
    if source.streams:
        return _fit_types(source.chunk_type, target.type, source, target)
    whole = _fit_types(source.type, target.type, source, target)
    if whole.verdict == "misfit" and is_list(source.type):
        return _fit_types(element_of(source.type), target.type, source, target)
    return whole


def _fit_types(given: Any, wanted: Any, source: Port, target: Port) -> Fit:
    verdict = compare(given, wanted)
    if verdict == "fits":
        return _FITS
    gives, wants = in_words(given), in_words(wanted)
    if verdict == "checked":
        return Fit("checked", f"{target.label} wants {wants}; each value is checked in the run.")
    return Fit("misfit", f"{target.label} wants {wants}, but {_lower(source.label)} gives {gives}.")


def _lower(label: str) -> str:
    return label[0].lower() + label[1:]
