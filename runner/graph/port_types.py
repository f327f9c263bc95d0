"""The types of port values: as people write them, as people read them, and which fits which."""

import types
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, is_typeddict
from uuid import UUID

from runner.errors import ValueFault
from runner.graph.artifact import Artifact

Verdict = Literal["fits", "checked", "misfit"]

_NAMED: Mapping[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "datetime": datetime,
    "decimal": Decimal,
    "uuid": UUID,
    "artifact": Artifact,
    "any": Any,
}
_NAMES: Mapping[Any, str] = {kind: name for name, kind in _NAMED.items()}
_WORDS: Mapping[Any, tuple[str, str]] = {
    str: ("text", "texts"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("yes or no", "yes or no values"),
    bytes: ("bytes", "bytes"),
    datetime: ("a date with time", "dates with time"),
    Decimal: ("a decimal number", "decimal numbers"),
    UUID: ("a UUID", "UUIDs"),
    Artifact: ("a file", "files"),
    Any: ("any value", "any values"),
    type(None): ("nothing", "nothing"),
    dict: ("a mapping", "mappings"),
    list: ("a list", "lists"),
}
_LONGEST_NAME = 200
# What a text or a number turns into only if its content allows.
_READABLE: Mapping[Any, frozenset[Any]] = {
    str: frozenset({int, float, bool, bytes, datetime, Decimal, UUID}),
    int: frozenset({bool, datetime, Decimal}),
    float: frozenset({int, bool, datetime, Decimal}),
    Decimal: frozenset({int, float}),
    bytes: frozenset({str}),
}
_SURE = frozenset({(int, float), (bool, int), (bool, float), (int, Decimal)})


@cache
def parse_type(text: str) -> Any:
    """Read a type of the small language: `str`, `list[int]`, `dict[str, any]` and so on."""
    squeezed = text.replace(" ", "")
    if len(squeezed) <= _LONGEST_NAME:
        if squeezed in _NAMED:
            return _NAMED[squeezed]
        if squeezed.startswith("list[") and squeezed.endswith("]"):
            return list[parse_type(squeezed[5:-1])]  # type: ignore[misc]
        if squeezed.startswith("dict[str,") and squeezed.endswith("]"):
            return dict[str, parse_type(squeezed[9:-1])]  # type: ignore[misc]
    raise ValueFault(
        f"'{text[:_LONGEST_NAME]}' is no type; write one of {', '.join(_NAMED)}, "
        "list[T] or dict[str,T]."
    )


def _is_simple(kind: Any) -> bool:
    """Whether it is a class or Any; other types may hold a constraint that cannot be hashed."""
    return isinstance(kind, type) or kind is Any


def bare(kind: Any) -> Any:
    """Take constraints and titles off a type."""
    while not isinstance(kind, type):
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__value__"):
            kind = kind.__value__
        else:
            break
    return kind


def type_name(kind: Any) -> str:
    """Write a type in the small language; a type it does not know goes by its own name."""
    kind = bare(kind)
    if _is_simple(kind) and kind in _NAMES:
        return _NAMES[kind]
    if is_list(kind):
        return f"list[{type_name(element_of(kind))}]"
    if is_dict(kind):
        return f"dict[str,{type_name(_value_of(kind))}]"
    if options := options_of(kind):
        return " | ".join(type_name(option) for option in options)
    return "none" if kind is type(None) else str(getattr(kind, "__name__", kind))


def portable_name(kind: Any) -> str:
    """Write a type in the small language, `any` standing for all that it cannot say."""
    name = type_name(kind)
    try:
        parse_type(name)
    except ValueFault:
        return "any"
    return name


def in_words(kind: Any, *, many: bool = False) -> str:
    """Say a type to a person: "a list of whole numbers"."""
    kind = bare(kind)
    if _is_simple(kind) and kind in _WORDS:
        return _WORDS[kind][many]
    if is_list(kind):
        return f"{'lists' if many else 'a list'} of {in_words(element_of(kind), many=True)}"
    if is_dict(kind):
        return f"{'mappings' if many else 'a mapping'} to {in_words(_value_of(kind), many=True)}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(kind))
    if options := options_of(kind):
        return " or ".join(in_words(option, many=many) for option in options)
    return f"{'values of type' if many else 'a'} {getattr(kind, '__name__', kind)}"


def is_list(kind: Any) -> bool:
    """Whether it is `list` of something."""
    if isinstance(kind, types.GenericAlias):
        return kind.__origin__ is list
    if isinstance(kind, type):
        return kind is list
    kind = bare(kind)
    return kind is list or get_origin(kind) is list


def is_dict(kind: Any) -> bool:
    """Whether it is `dict` from text to something."""
    kind = bare(kind)
    return kind is dict or get_origin(kind) in {dict, Mapping}


def element_of(kind: Any) -> Any:
    """Give the T of `list[T]`."""
    if isinstance(kind, types.GenericAlias):
        return kind.__args__[0]
    return (get_args(bare(kind)) or (Any,))[0]


def _value_of(kind: Any) -> Any:
    return (get_args(bare(kind)) or (str, Any))[1]


def options_of(kind: Any) -> tuple[Any, ...]:
    """Give the members of a union; empty for any other type."""
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else ()


def is_plain(kind: Any) -> bool:
    """Whether every value of a type is plain JSON, so that no tag can be needed inside."""
    kind = bare(kind)
    if is_list(kind):
        return is_plain(element_of(kind))
    if is_dict(kind):
        return is_plain(_value_of(kind))
    if options := options_of(kind):
        return all(is_plain(option) for option in options)
    return _is_simple(kind) and kind in {str, int, bool, float, type(None)}


def compare(source: Any, target: Any) -> Verdict:
    """Say whether values of one type fit a port of another: always, perhaps, or never."""
    if source == target:
        return "fits"
    try:
        return _compared(source, target)
    except TypeError:  # a constraint that cannot be hashed
        return _compare(source, target)


def _compare(source: Any, target: Any) -> Verdict:
    wanted, given = bare(target), bare(source)
    found = _compare_bare(given, wanted)
    constrained = get_origin(target) is Annotated and source != target
    return "checked" if found == "fits" and constrained else found


_compared = lru_cache(maxsize=4096)(_compare)


def _compare_bare(given: Any, wanted: Any) -> Verdict:
    if wanted is Any or given == wanted:
        return "fits"
    if given is Any:
        return "checked"
    if options_of(given) or options_of(wanted):
        return _compare_unions(given, wanted)
    if get_origin(given) is Literal or get_origin(wanted) is Literal:
        return _compare_literals(given, wanted)
    if is_list(given) and is_list(wanted):
        return compare(element_of(given), element_of(wanted))
    if is_dict(given) and is_dict(wanted):
        return compare(_value_of(given), _value_of(wanted))
    return _compare_single(given, wanted)


def _compare_unions(given: Any, wanted: Any) -> Verdict:
    if options := options_of(given):
        verdicts = {compare(option, wanted) for option in options}
        return verdicts.pop() if len(verdicts) == 1 else "checked"
    verdicts = {compare(given, option) for option in options_of(wanted)}
    return _best(verdicts)


def _best(verdicts: set[Verdict]) -> Verdict:
    if "fits" in verdicts:
        return "fits"
    return "checked" if "checked" in verdicts else "misfit"


def _compare_literals(given: Any, wanted: Any) -> Verdict:
    if get_origin(given) is Literal and get_origin(wanted) is Literal:
        missing = set(get_args(given)) - set(get_args(wanted))
        return "fits" if not missing else _common(given, wanted)
    if get_origin(given) is Literal:
        return _best({compare(type(choice), wanted) for choice in get_args(given)})
    return "checked" if given in {type(choice) for choice in get_args(wanted)} else "misfit"


def _common(given: Any, wanted: Any) -> Verdict:
    return "checked" if set(get_args(given)) & set(get_args(wanted)) else "misfit"


def _compare_single(given: Any, wanted: Any) -> Verdict:
    if _is_simple(given) and _is_simple(wanted):
        if (given, wanted) in _SURE:
            return "fits"
        if wanted in _READABLE.get(given, ()):
            return "checked"
    records = _is_record(given), _is_record(wanted)
    if all(records) or (records[0] and is_dict(wanted)) or (records[1] and is_dict(given)):
        return "checked"
    return "misfit"


def _is_record(kind: Any) -> bool:
    return is_typeddict(kind) or hasattr(kind, "__pydantic_fields__") or _is_dataclass(kind)


def _is_dataclass(kind: Any) -> bool:
    return hasattr(kind, "__dataclass_fields__")
