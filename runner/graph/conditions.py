"""Conditions: a JSON tree about the values of ports; checked when drawn, evaluated purely.

A tree is {"all": [tree, …]}, {"any": [tree, …]}, {"not": tree}, or a test:
{"port": "answer", "path": ["score", 0], "is": ">=", "value": 0.5}, its path and value left out
where they are not needed.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.errors import RunnerError, ValueFault
from runner.graph.dataflow import PORT_PATTERN
from runner.graph.ports import shown
from runner.graph.values import MAX_DEPTH

_GROUPS = frozenset({"all", "any"})


def check_condition(tree: Any) -> frozenset[str]:
    """Give the ports that a condition reads; raises ValueFault for what is none."""
    return frozenset(_ports(tree, 0))


def holds(tree: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Say whether a checked condition holds; a port without a value counts as nothing.

    Raises RunnerError for values that cannot be compared.
    """
    if "all" in tree:
        return all(holds(each, values) for each in tree["all"])
    if "any" in tree:
        return any(holds(each, values) for each in tree["any"])
    if "not" in tree:
        return not holds(tree["not"], values)
    found = _dig(values.get(tree["port"]), tree.get("path", ()))
    return _TESTS[tree["is"]](found, tree.get("value"), tree)


def condition_in_words(tree: Mapping[str, Any]) -> str:
    """Say a checked condition to a person: "score >= 0.5 and name is not empty"."""
    for word, between in (("all", " and "), ("any", " or ")):
        if word in tree:
            return between.join(_inner_words(each) for each in tree[word])
    if "not" in tree:
        return f"not {_inner_words(tree['not'])}"
    test = tree["is"]
    if test in _ALONE:
        return f"{_place(tree)} is {test}"
    return f"{_place(tree)} {test} {tree['value']!r}"


def _inner_words(tree: Mapping[str, Any]) -> str:
    words = condition_in_words(tree)
    return f"({words})" if _GROUPS & tree.keys() else words


# ── checking ────────────────────────────────────────────────────────────────────────────────────


def _ports(tree: Any, depth: int) -> Iterator[str]:
    if not isinstance(tree, Mapping) or depth > MAX_DEPTH:
        raise ValueFault(
            "A condition is an object with 'all', 'any' or 'not', or with 'port' and 'is'; "
            f"not {shown(tree)}."
        )
    group = next((word for word in ("all", "any", "not") if word in tree), "")
    if not group:
        yield _tested_port(tree)
        return
    if len(tree) > 1:
        raise ValueFault(f"A condition with '{group}' has nothing beside it; nest the rest in it.")
    inner = [tree["not"]] if group == "not" else tree[group]
    if not isinstance(inner, list) or not inner:
        raise ValueFault(f"'{group}' of a condition is a list of conditions, at least one.")
    for each in inner:
        yield from _ports(each, depth + 1)


def _tested_port(tree: Mapping[str, Any]) -> str:
    port, test = tree.get("port"), tree.get("is")
    if unknown := tree.keys() - {"port", "path", "is", "value"}:
        raise ValueFault(f"A condition has no '{min(map(str, unknown)):.60}'.")
    if not isinstance(port, str) or not PORT_PATTERN.fullmatch(port):
        raise ValueFault(f"A condition names the port it reads, not {shown(port)}.")
    if not isinstance(test, str) or test not in _TESTS:
        raise ValueFault(f"The test of {port} is one of {', '.join(_TESTS)}; not {shown(test)}.")
    _check_path(port, tree.get("path", []))
    if test in _ALONE and "value" in tree:
        raise ValueFault(f"'{port} is {test}' takes no value; take it away.")
    if test not in _ALONE and "value" not in tree:
        raise ValueFault(f"'{port} {test} …' needs a value to compare with.")
    if test in {"in", "not in"} and not isinstance(tree["value"], list | dict | str):
        raise ValueFault(f"'{port} {test} …' needs a list or a text, not {shown(tree['value'])}.")
    return port


def _check_path(port: str, path: Any) -> None:
    def is_step(step: Any) -> bool:
        return isinstance(step, str | int) and not isinstance(step, bool)

    if not isinstance(path, list) or not all(map(is_step, path)):
        raise ValueFault(
            f"The path into {port} is a list of names and positions, not {shown(path)}."
        )


# ── evaluating ──────────────────────────────────────────────────────────────────────────────────


def _dig(value: Any, path: Any) -> Any:
    """Follow a path into a value; where it leads nowhere, there is nothing."""
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def _same(found: Any, wanted: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Mapping[str, Any]], bool]:
    def test(found: Any, wanted: Any, tree: Mapping[str, Any]) -> bool:
        comparable = not any(isinstance(each, bool | list | dict) for each in (found, wanted))
        if comparable:
            try:
                return bool(compare(found, wanted))
            except TypeError:
                pass
        raise RunnerError(
            f"{_place(tree)} is {shown(found)}, which cannot be compared with {shown(wanted)}."
        )

    return test


def _is_in(found: Any, wanted: Any, tree: Mapping[str, Any]) -> bool:
    return _has(wanted, found, tree)


def _has(whole: Any, part: Any, tree: Mapping[str, Any]) -> bool:
    if isinstance(whole, str | bytes) and isinstance(part, type(whole)):
        return part in whole  # type: ignore[operator] # both are text, or both bytes
    if isinstance(whole, list):
        return any(_same(each, part) for each in whole)
    if isinstance(whole, Mapping):
        return isinstance(part, str) and part in whole
    if whole is None or (isinstance(whole, str) and part is None):
        return False
    raise RunnerError(
        f"{_place(tree)} cannot be tested: {shown(whole)} can hold no such thing as {shown(part)}."
    )


def _is_empty(found: Any, _wanted: Any, _tree: Mapping[str, Any]) -> bool:
    return found is None or (isinstance(found, str | bytes | list | dict) and not found)


def _flag(*, wanted: bool) -> Callable[[Any, Any, Mapping[str, Any]], bool]:
    def test(found: Any, _wanted: Any, tree: Mapping[str, Any]) -> bool:
        if isinstance(found, bool):
            return found is wanted
        raise RunnerError(f"{_place(tree)} is {shown(found)}, which is neither true nor false.")

    return test


def _place(tree: Mapping[str, Any]) -> str:
    return str(tree["port"]) + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in tree.get("path", ())
    )


_TESTS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "==": lambda found, wanted, _: _same(found, wanted),
    "!=": lambda found, wanted, _: not _same(found, wanted),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _is_in,
    "not in": lambda found, wanted, tree: not _is_in(found, wanted, tree),
    "contains": _has,
    "empty": _is_empty,
    "not empty": lambda found, wanted, tree: not _is_empty(found, wanted, tree),
    "true": _flag(wanted=True),
    "false": _flag(wanted=False),
}
_ALONE = frozenset({"empty", "not empty", "true", "false"})
