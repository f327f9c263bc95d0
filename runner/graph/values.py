"""Values as canonical JSON text, and back; the same text for the same value, always."""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic_core import PydanticSerializationError, from_json, to_json

from runner.errors import ValueFault
from runner.graph.artifact import Artifact, artifact_from

MAX_DEPTH = 64
# No JSON parser of Python reads back a number of more than 4,300 digits.
MAX_BITS = 14_000
#: So many places before or behind the point has a decimal at most: as a whole number, one of more
#: would take minutes and gigabytes.
MAX_PLACES = 4_300
_ESCAPED_NUL = "\\u0000"


def encode(value: object) -> str:
    """Give the JSON text of a value; raises ValueFault for what JSON and its tags cannot say."""
    return dump(tagged(value))


def bytes_of(text: str) -> int:
    """Give how many bytes of UTF-8 an encoded value has."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def decode(text: str) -> Any:
    """Read what `encode` wrote; raises ValueFault for anything else."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as fault:
        raise ValueFault(f"This is not a JSON value: {fault}.") from fault
    return untagged(value) if '"$' in text else value


def dump(plain: object) -> str:
    """Write a value that is plain JSON already; the caller has checked its numbers and depth."""
    try:
        return to_json(plain).decode()
    except (PydanticSerializationError, ValueError) as fault:
        check_texts(plain)
        raise ValueFault(f"This value cannot be kept as JSON: {fault}.") from fault


def is_suspect(text: str) -> bool:
    """Whether a dumped text may hide a NUL or look like a tag, and needs the thorough way."""
    return _ESCAPED_NUL in text or '{"$' in text


def tagged(value: object, depth: int = 0) -> Any:
    """Give the plain JSON value that stands for `value`, checked all the way down."""
    if value is None or value is True or value is False:
        return value
    for kind, tag in _TAGGERS:
        if isinstance(value, kind):
            return tag(value, depth)
    raise ValueFault(
        f"A value of type {type(value).__name__} cannot be kept; give text, numbers, lists, dicts, "
        "bytes, datetime, Decimal, UUID or Artifact."
    )


def untagged(value: Any) -> Any:
    """Give the value that a plain JSON value stands for."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        return _untagged_dict(value)
    return value


def check_text(text: str) -> str:
    """Give the text back; raises ValueFault for NUL characters and lone surrogates."""
    if "\0" in text:
        raise ValueFault("Text with a NUL character cannot be kept.")
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueFault("Text with half a character (a lone surrogate) cannot be kept.") from fault
    return text


def check_texts(plain: object) -> None:
    """Check every text in a plain JSON value; raises ValueFault."""
    if isinstance(plain, str):
        check_text(plain)
    elif isinstance(plain, dict):
        check_texts([*plain, *plain.values()])
    elif isinstance(plain, list):
        for item in plain:
            check_texts(item)


def _tag_whole(value: int, _depth: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise ValueFault("A whole number of that many digits cannot be kept.")
    return int(value)


def _tag_number(value: float, _depth: int) -> float:
    if not math.isfinite(value):
        raise ValueFault(f"The number {value} cannot be kept; only finite numbers can.")
    return float(value)


def _tag_decimal(value: Decimal, _depth: int) -> dict[str, str]:
    if _is_vast(value):
        raise ValueFault("A decimal number of that many digits cannot be kept.")
    return {"$decimal": str(value)}


def _is_vast(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) > MAX_PLACES


def _tag_list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    _check_depth(depth)
    return [tagged(item, depth + 1) for item in value]


def _tag_dict(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    _check_depth(depth)
    plain = {_key(key): tagged(item, depth + 1) for key, item in value.items()}
    return {"$dict": plain} if _looks_like_a_tag(plain) else plain


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueFault(f"The key {key!r} of a dict is not text; only text keys can be kept.")
    return check_text(str(key))


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise ValueFault(f"The value is nested deeper than {MAX_DEPTH} levels.")


def _looks_like_a_tag(plain: dict[str, Any]) -> bool:
    return len(plain) == 1 and next(iter(plain)).startswith("$")


# Order matters: an Enum may be a str or an int too, and bool was answered before.
_TAGGERS: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    (Enum, lambda value, depth: tagged(value.value, depth)),
    (str, lambda value, _: check_text(str(value))),
    (int, _tag_whole),
    (float, _tag_number),
    ((list, tuple), _tag_list),
    (Mapping, _tag_dict),
    (bytes, lambda value, _: {"$bytes": base64.b64encode(value).decode()}),
    (datetime, lambda value, _: {"$datetime": value.isoformat()}),
    (Decimal, _tag_decimal),
    (UUID, lambda value, _: {"$uuid": str(value)}),
    (Artifact, lambda value, _: {"$artifact": value.to_json()}),
)


def _read_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _read_decimal(text: str) -> Decimal:
    value = Decimal(text)
    if _is_vast(value):
        raise ValueError(text)
    return value


_READERS: dict[str, Callable[[str], object]] = {
    "$bytes": _read_bytes,
    "$datetime": datetime.fromisoformat,
    "$decimal": _read_decimal,
    "$uuid": UUID,
}


def _untagged_dict(value: dict[str, Any]) -> object:
    if not _looks_like_a_tag(value):
        return {key: untagged(item) for key, item in value.items()}
    ((tag, content),) = value.items()
    if tag == "$dict" and isinstance(content, dict):
        return {key: untagged(item) for key, item in content.items()}
    if tag == "$artifact":
        return artifact_from(content)
    if tag not in _READERS or not isinstance(content, str):
        raise ValueFault(
            f"The tag {tag} is not one of {', '.join(_READERS)}, $artifact, $dict with its text."
        )
    try:
        return _READERS[tag](content)
    except (ValueError, InvalidOperation, binascii.Error) as fault:
        raise ValueFault(f"The text {content[:80]!r} is no {tag[1:]} value.") from fault
