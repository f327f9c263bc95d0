"""A condition as rows that a person fills in, and back: the tests, and whether all must hold (pure)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import ValueFault
from runner.graph.conditions import check_condition

#: Each test with its words, in the order of a select.
TESTS: Mapping[str, str] = {
    "==": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than",
    ">=": "is at least", "contains": "contains", "in": "is one of", "not in": "is none of",
    "empty": "is empty", "not empty": "is not empty", "true": "is true", "false": "is false",
}  # fmt: skip
ALONE = frozenset({"empty", "not empty", "true", "false"})
MOST_TESTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """One test as texts: the port, the way into its value, what is tested, and against what."""

    __test__ = False

    port: str = ""
    path: str = ""
    test: str = "=="
    value: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in."""
        return not (self.port or self.path or self.value) and self.test in {"", "=="}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRows:
    """Tests, and whether all or any must hold; `text` is the JSON of one that is no such list."""

    match: str = "all"
    tests: Sequence[TestRow] = ()
    text: str = ""

    @property
    def filled(self) -> tuple[TestRow, ...]:
        """The rows that say something."""
        return tuple(each for each in self.tests if not each.is_blank)


def rows_in(tree: Any) -> ConditionRows:
    """Show a condition as rows; one that nests others as JSON."""
    if not tree:
        return ConditionRows()
    match = next((word for word in ("all", "any") if isinstance(tree, dict) and word in tree), "")
    tests = tree[match] if match else [tree]
    rows = [_row(each) for each in tests] if isinstance(tests, list) else [None]
    known = [each for each in rows if each is not None]
    if len(known) < len(rows) or len(known) > MOST_TESTS:
        return ConditionRows(text=json.dumps(tree, ensure_ascii=False, indent=1))
    return ConditionRows(match=match or "all", tests=tuple(known))


def rows_sent(data: Mapping[str, Any], prefix: str) -> ConditionRows:
    """Read what a form sent under a prefix."""
    tests = [
        TestRow(
            port=str(data.get(f"{prefix}-{number}-port", "")).strip(),
            path=str(data.get(f"{prefix}-{number}-path", "")).strip(),
            test=str(data.get(f"{prefix}-{number}-is", "")) or "==",
            value=str(data.get(f"{prefix}-{number}-value", "")),
        )
        for number in range(MOST_TESTS)
        if f"{prefix}-{number}-is" in data
    ]
    match = str(data.get(f"{prefix}-match", ""))
    text = str(data.get(f"{prefix}-json", "")).replace("\r\n", "\n")
    return ConditionRows(match=match if match == "any" else "all", tests=tuple(tests), text=text)


def tree_of(rows: ConditionRows, known: Any, port: str = "value") -> Any:
    """Give the condition that rows mean; None for none; raises ValueFault with a sentence.

    `known` is what was there: it stays as it was written when the rows say the same. `port` is
    meant where none is named.
    """
    before = rows_in(known)
    if (rows.match, rows.filled, rows.text.strip()) == (
        before.match, before.filled, before.text.strip(),
    ):  # fmt: skip
        return known or None
    if rows.text.strip():
        tree = _json(rows.text)
    else:
        tests = [_test(each, port) for each in rows.filled]
        tree = tests[0] if len(tests) == 1 else {rows.match: tests}
        if not tests:
            return None
    check_condition(tree)
    return tree


def _row(tree: Any) -> TestRow | None:
    if not isinstance(tree, dict) or not isinstance(tree.get("port"), str):
        return None
    if tree.get("is") not in TESTS or not isinstance(tree.get("path", []), list):
        return None
    if tree.keys() - {"port", "path", "is", "value"}:
        return None
    value = _written(tree["value"]) if "value" in tree else ""
    path = _path_text(tree.get("path", []))
    return TestRow(port=tree["port"], path=path, test=tree["is"], value=value)


def _test(row: TestRow, port: str) -> dict[str, Any]:
    found: dict[str, Any] = {"port": row.port or port}
    if row.path:
        found["path"] = _path(row.path)
    found["is"] = row.test
    if row.test not in ALONE:
        found["value"] = _value(row.value)
    return found


def _written(value: Any) -> str:
    """Write a value: a text as it is, unless it looks like something else."""
    if isinstance(value, str) and value == _value(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    """Read a value: a number, true, false, a list, a quoted text; anything else is a text."""
    try:
        return json.loads(text, parse_constant=lambda word: word)
    except (ValueError, RecursionError):
        return text


def _path_text(path: Sequence[Any]) -> str:
    plain = ".".join(str(each) for each in path)
    return plain if _path(plain) == list(path) else json.dumps(path, ensure_ascii=False)


def _path(text: str) -> list[Any]:
    """Read "score.0.name", or a JSON list of names and positions."""
    if text.startswith("["):
        found = _json(text)
        return found if isinstance(found, list) else [found]
    steps = text.split(".") if text else []
    return [int(each) if each.isascii() and each.isdigit() else each for each in steps]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueFault("This is not valid JSON.") from None
