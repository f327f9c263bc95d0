"""Expression: a value that a run works out from others; its grammar and the names it uses.

An expression is one Python expression. Here it is only looked at; it is evaluated in a sandbox
(`execution/expressions.py`).
"""

import symtable
import threading
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runner.errors import ValueFault
from runner.graph.values import check_text

LONGEST = 2_000
TAG = "$expression"

#: What an expression may call.
FUNCTIONS = frozenset({
    "abs", "all", "any", "bool", "chr", "dict", "divmod", "enumerate", "filter", "float", "format",
    "int", "isinstance", "len", "list", "map", "max", "min", "ord", "pow", "range", "repr",
    "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip",
})  # fmt: skip
# `warnings` keeps its filters for the whole process.
_quiet = threading.Lock()


@dataclass(frozen=True, slots=True)
class Expression:
    """Stands in a definition where a constant could: for a setting, or for an input."""

    source: str

    def to_document(self) -> dict[str, str]:
        """Give the JSON object; raises ValueFault for text that cannot be kept."""
        return {TAG: check_text(self.source)}


def expression(source: str) -> Expression:
    """Let a setting or an input be worked out when the task starts.

    graph.add("short", Shorten({"words": expression("len(text) // 100")}), text=text)
    """
    return Expression(source)


def expression_in(plain: object) -> Expression | None:
    """Read an expression in a definition; None for a constant. Raises ValueFault."""
    if not isinstance(plain, dict) or plain.keys() != {TAG}:
        return None
    source = plain[TAG]
    if not isinstance(source, str):
        raise ValueFault(f'An expression is text, as in {{"{TAG}": "len(text)"}}.')
    return Expression(source)


def check(source: str, names: Collection[str]) -> str | None:
    """Say what is wrong with an expression over these names; nothing is evaluated."""
    fault = grammar_fault(source)
    if fault is not None:
        return fault
    unknown = sorted(names_in(source) - set(names))
    if unknown:
        known = ", ".join(sorted(names)) or "no values"
        return f"The expression uses '{unknown[0]}'; it may use {known} and functions such as len."
    return None


def grammar_fault(source: str) -> str | None:
    """Say why a text is no expression, whatever its names mean; None if it is one."""
    if len(source) > LONGEST:
        return f"An expression has at most {LONGEST:,} characters; this one has {len(source):,}."
    if not source.strip():
        return "The expression is empty."
    try:
        names_in(source)
    except SyntaxError as fault:
        return f"This is not an expression{_place(fault)}: {fault.msg}."
    except (ValueError, MemoryError, RecursionError):
        return "This is not an expression, or it is nested too deeply."
    return None


@contextmanager
def quietly() -> Iterator[None]:
    """Let Python's parser read what a person wrote without warning the operator of it."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def names_in(source: str) -> set[str]:
    """Give the names that an expression takes from outside, without the functions.

    Raises what Python's parser raises for a text that is none.
    """
    with quietly():
        table = symtable.symtable(source.strip(), "<expression>", "eval")
    own = {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    used = {each.get_name() for scope in _scopes(table) for each in scope.get_symbols()
            if each.is_referenced() and each.is_global()}  # fmt: skip
    return used - own - FUNCTIONS


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _place(fault: SyntaxError) -> str:
    if not fault.offset:
        return ""
    return position(fault.lineno or 1, fault.offset)


def position(line: int, column: int) -> str:
    """Say a place in an expression, both counted from 1; most have one line."""
    return f" at character {column}" if line == 1 else f" at line {line}, character {column}"
