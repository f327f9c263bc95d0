"""Expressions: what a person writes into a condition or a setting, evaluated in a sandbox.

An expression is one Python expression over JSON values. It is evaluated by pydantic-monty: an
interpreter of its own, in worker processes without files, network or clock, with limits on time,
memory and depth. This process only looks at its grammar and names.
"""

import asyncio
import symtable
import threading
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import RunnerError, ValueFault
from runner.graph.values import decode, encode

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, MontyError, ResourceLimits

type JSON = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

LONGEST = 2_000
SECONDS = 0.5
MEMORY_BYTES = 64 << 20
DEPTH = 100
PRINTED_BYTES = 10_000
WAIT_SECONDS = 30.0
_LONGEST_SENTENCE = 300

#: What an expression may call.
FUNCTIONS = frozenset({
    "abs", "all", "any", "bool", "chr", "dict", "divmod", "enumerate", "filter", "float", "format",
    "int", "isinstance", "len", "list", "map", "max", "min", "ord", "pow", "range", "repr",
    "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip",
})  # fmt: skip
# `warnings` keeps its filters for the whole process.
_quiet = threading.Lock()


class Expressions(Protocol):
    """Evaluates what people write."""

    async def evaluate(self, source: str, values: Mapping[str, JSON]) -> JSON:
        """Give the value of an expression over named values; raises RunnerError with a sentence."""

    def check(self, source: str, names: Collection[str]) -> str | None:
        """Say what is wrong with an expression over these names; None if nothing seems to be."""


class MontyExpressions:
    """Expressions in pydantic-monty's workers; they start with the first one, `close` ends them."""

    def __init__(self, *, workers: int | None = None, wait: float = WAIT_SECONDS) -> None:
        """Bound the workers (one for each processor) and the seconds to wait for a free one."""
        self._workers = workers
        self._wait = wait
        self._opening = asyncio.Lock()
        self._pool: AsyncMonty | None = None

    async def evaluate(self, source: str, values: Mapping[str, JSON]) -> JSON:
        """Give the value of an expression; a cancel kills its worker.

        Raises RunnerError with a sentence: for what `check` refuses, for a failure inside, beyond
        a limit, and for a result that is no JSON value.
        """
        refused = self.check(source, values)
        if refused is not None:
            raise RunnerError(refused)
        # Loaded at the first use: runs without expressions need none of it.
        from pydantic_monty import CollectString, MontyError  # noqa: PLC0415

        try:
            pool = await self._open()
            async with pool.checkout(limits=_limits(), os_policy={"sleep": "zero"}) as session:
                result = await session.feed_run(
                    source.strip(),
                    inputs=dict(values),
                    print_callback=CollectString(PRINTED_BYTES),
                )
            return _as_json(result)
        except MontyError as fault:
            raise RunnerError(_sentence(fault)) from None
        except TimeoutError:
            raise RunnerError("Too many expressions are evaluated at once; try again.") from None

    def check(self, source: str, names: Collection[str]) -> str | None:
        """Say what is wrong with an expression over these names; None if nothing seems to be."""
        return check(source, names)

    async def close(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(None, None, None)

    async def _open(self) -> "AsyncMonty":
        from pydantic_monty import AsyncMonty  # noqa: PLC0415

        async with self._opening:
            if self._pool is None:
                pool = AsyncMonty(
                    max_processes=self._workers,
                    checkout_timeout=self._wait,
                    feed_duration_limit_grace=SECONDS,
                )
                self._pool = await pool.__aenter__()
            return self._pool


def check(source: str, names: Collection[str]) -> str | None:
    """Say what is wrong with an expression over these names; nothing is evaluated."""
    if len(source) > LONGEST:
        return f"An expression has at most {LONGEST:,} characters; this one has {len(source):,}."
    if not source.strip():
        return "The expression is empty."
    try:
        unknown = sorted(_free_names(source.strip()) - set(names) - FUNCTIONS)
    except SyntaxError as fault:
        return f"This is not an expression: {fault.msg}."
    except (ValueError, MemoryError, RecursionError):
        return "This is not an expression, or it is nested too deeply."
    if unknown:
        known = ", ".join(sorted(names)) or "no values"
        return f"The expression uses '{unknown[0]}'; it may use {known} and functions such as len."
    return None


def _free_names(source: str) -> set[str]:
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = symtable.symtable(source, "<expression>", "eval")
    own = {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    used = {each.get_name() for scope in _scopes(table) for each in scope.get_symbols()
            if each.is_referenced() and each.is_global()}  # fmt: skip
    return used - own


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _limits() -> "ResourceLimits":
    return {
        "max_feed_duration_secs": SECONDS,
        "max_memory": MEMORY_BYTES,
        "max_recursion_depth": DEPTH,
        "max_suspensions": 1,
    }


def _as_json(result: Any) -> JSON:
    try:
        value: JSON = decode(encode(result))
    except ValueFault as fault:
        raise RunnerError(f"The expression gave no usable value. {fault.sentence}") from None
    return value


def _sentence(fault: "MontyError") -> str:
    inner = fault.exception()
    if isinstance(inner, TimeoutError) or getattr(fault, "timed_out", False):
        return f"The expression takes longer than {SECONDS} s."
    if isinstance(inner, MemoryError):
        return f"The expression needs more than {MEMORY_BYTES >> 20} MiB of memory."
    if isinstance(inner, RecursionError):
        return "The expression calls itself too deeply."
    said = " ".join(str(fault).split())[:_LONGEST_SENTENCE]
    return f"The expression failed: {said.rstrip('.')}."


__all__ = ["FUNCTIONS", "JSON", "Expressions", "MontyExpressions", "check"]
