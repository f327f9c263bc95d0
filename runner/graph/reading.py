"""A definition's JSON text as a checked document: known fields, right types, nothing hostile."""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Never

from runner.errors import DefinitionError, ValueFault
from runner.graph.values import check_text

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 64
# Each level of nested graphs is three levels of JSON; graphs nest to depth 32 (checking.py).
MAX_DOCUMENT_DEPTH = 4 + 3 * 32 + MAX_DEPTH
MAX_TASKS = 10_000
MAX_DATAFLOWS = 50_000
# Possessive, and content with a string that never ends: one pass over any text.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

_TEXT, _NUMBER, _FLAG, _OBJECT, _LIST, _ANY = (
    "text",
    "number",
    "true or false",
    "object",
    "list",
    "",
)

_Fields = dict[str, tuple[str, bool]]  # name -> kind, whether it must be there
_PORT: _Fields = {
    "name": (_TEXT, True),
    "type": (_TEXT, False),
    "title": (_TEXT, False),
    "help": (_TEXT, False),
    "default": (_ANY, False),
    "ui": (_TEXT, False),
    "minimum": (_NUMBER, False),
    "maximum": (_NUMBER, False),
    "required": (_FLAG, False),
    "choices": (_LIST, False),
}
_OUTPUT: _Fields = {
    "name": (_TEXT, True),
    "from": (_TEXT, True),
    "title": (_TEXT, False),
    "help": (_TEXT, False),
}
_TASK: _Fields = {
    "id": (_TEXT, True),
    "type": (_TEXT, True),
    "title": (_TEXT, False),
    "disabled": (_FLAG, False),
    "config": (_OBJECT, False),
    "inputs": (_OBJECT, False),
    "policy": (_OBJECT, False),
    "graph": (_OBJECT, False),
}
_DATAFLOW: _Fields = {"from": (_TEXT, True), "to": (_TEXT, True)}
_GRAPH: _Fields = {
    "v": (_NUMBER, False),
    "name": (_TEXT, False),
    "title": (_TEXT, False),
    "help": (_TEXT, False),
    "fail_fast": (_FLAG, False),
    "inputs": (_LIST, False),
    "outputs": (_LIST, False),
    "tasks": (_LIST, False),
    "dataflows": (_LIST, False),
}
# What a person arranged around it; the definition itself does not read it.
_OUTERMOST: _Fields = {**_GRAPH, "layout": (_OBJECT, False)}
_KINDS: dict[str, Callable[[Any], bool]] = {
    _TEXT: lambda value: isinstance(value, str),
    _NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    _FLAG: lambda value: isinstance(value, bool),
    _OBJECT: lambda value: isinstance(value, dict),
    _LIST: lambda value: isinstance(value, list),
    _ANY: lambda _: True,
}


def read_document(text: str | bytes) -> dict[str, Any]:
    """Read and check a definition; raises DefinitionError with one sentence."""
    document = _parse(_as_text(text))
    _check_fields(document, _OUTERMOST, "the definition")
    if document.get("v") != 1:
        raise DefinitionError('The definition says no version this program reads; write "v": 1.')
    return _graph(document, "")


def check_port(document: Any, where: str) -> None:
    """Raise DefinitionError unless this is the document of a port."""
    _check_fields(document, _PORT, where)


def _as_text(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise DefinitionError(f"The definition is larger than {MAX_BYTES >> 20} MiB.")
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as fault:
        raise DefinitionError("The definition is not UTF-8 text.") from fault


def _parse(text: str) -> Any:
    _check_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as fault:
        raise DefinitionError(
            f"The definition is not JSON: {fault.msg} in line {fault.lineno}, column {fault.colno}."
        ) from fault


def _check_depth(text: str) -> None:
    """Count brackets outside of strings, before any parser goes down with them."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        bracket = found[0]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DOCUMENT_DEPTH:
                raise DefinitionError("The definition is nested too deep.")
        elif bracket in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DefinitionError(f"The definition says '{_short(twice)}' twice in one object.")
    return found


def _no_constant(word: str) -> Never:
    raise DefinitionError(f"The definition holds {word}, which is no JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise DefinitionError(f"The number {_short(digits)} is too large.")
    return number


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError as fault:
        raise DefinitionError(f"The number {_short(digits)} has too many digits.") from fault


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _graph(document: dict[str, Any], where: str) -> dict[str, Any]:
    inside = f"{where}/" if where else ""
    lists: dict[str, list[Any]] = {
        name: document.get(name, []) for name in ("inputs", "outputs", "tasks", "dataflows")
    }
    _check_size(lists)
    for name, fields in (("inputs", _PORT), ("outputs", _OUTPUT), ("dataflows", _DATAFLOW)):
        _check_all(lists[name], fields, f"{inside}{name}")
    _check_all(lists["tasks"], _TASK, f"{inside}tasks")
    lists["tasks"] = [_task(each, inside) for each in lists["tasks"]]
    return {**document, **lists}


def _check_size(lists: dict[str, list[Any]]) -> None:
    for name, most in (("tasks", MAX_TASKS), ("dataflows", MAX_DATAFLOWS)):
        if len(lists[name]) > most:
            raise DefinitionError(f"The definition has more than {most} {name}.")


def _check_all(items: Iterable[Any], fields: _Fields, where: str) -> None:
    for position, item in enumerate(items, start=1):
        _check_fields(item, fields, f"number {position} of {where}")


def _task(document: dict[str, Any], inside: str) -> dict[str, Any]:
    if "graph" not in document:
        return document
    where = f"{inside}{_short(document['id'])}"
    graph = document["graph"]
    _check_fields(graph, _GRAPH, f"the graph of {where}")
    return {**document, "graph": _graph(graph, where)}


def _check_fields(item: Any, fields: _Fields, where: str) -> None:
    if not isinstance(item, dict):
        raise DefinitionError(f"In the definition, {where} has to be an object.")
    for name, value in item.items():
        if name not in fields:
            raise DefinitionError(
                f"In the definition, {where} has an unknown field '{_short(name)}'."
            )
        _check_field(value, fields[name][0], f"'{name}' of {where}")
    for name, (_, needed) in fields.items():
        if needed and name not in item:
            raise DefinitionError(f"In the definition, {where} has no '{name}'.")


def _check_field(value: Any, kind: str, where: str) -> None:
    if not _KINDS[kind](value):
        raise DefinitionError(f"In the definition, {where} has to be {_article(kind)}.")
    if kind == _OBJECT and where.startswith("'graph'"):
        return
    if kind not in {_LIST, _NUMBER, _FLAG}:
        _check_value(value, where)


def _check_value(value: Any, where: str, depth: int = 0) -> None:
    """Refuse text that cannot be kept and values nested too deep, however they are hidden."""
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise DefinitionError(f"In the definition, {where} is nested too deep.")
        for name in value if isinstance(value, dict) else ():
            _check_text(name, where)
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(item, where, depth + 1)


def _check_text(text: str, where: str) -> None:
    try:
        check_text(text)
    except ValueFault as fault:
        raise DefinitionError(f"In the definition, {where}: {fault.sentence}") from fault


def _article(kind: str) -> str:
    if kind in {_TEXT, _FLAG}:
        return kind
    return f"an {kind}" if kind == _OBJECT else f"a {kind}"
