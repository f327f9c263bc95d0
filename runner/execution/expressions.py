"""Expressions: what a person writes into a setting or an input, evaluated in a sandbox.

An expression is one Python expression over JSON values. It is evaluated by pydantic-monty: an
interpreter of its own, in worker processes without files, network or clock, with limits on time,
memory and depth. This process only looks at its grammar and names (`graph/expression.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from runner.errors import ExpressionError, ValueFault
from runner.execution.monty_pool import WAIT_SECONDS, MontyPool
from runner.graph.artifact import Artifact
from runner.graph.expression import FUNCTIONS, LONGEST, check, position
from runner.graph.values import bytes_of, decode, encode

if TYPE_CHECKING:
    from pydantic_monty import MontyError, ResourceLimits

type JSON = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

PRINTED_BYTES = 10_000
_LONGEST_SENTENCE = 300
_MISSING = (
    "Expressions need the package pydantic-monty, which is not installed here or does not support "
    "this platform; everything else works without it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionLimits:
    """What one evaluation may take.

    `seconds` of time and `memory_bytes` of memory in the worker, `depth` calls inside of one
    another; `value_bytes` bounds the JSON text of the values that go in together, and that of
    the result.
    """

    seconds: float = 0.5
    memory_bytes: int = 64 << 20
    depth: int = 100
    value_bytes: int = 8 << 20


class Expressions(Protocol):
    """Evaluates what people write."""

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> JSON:
        """Give the value of an expression over named values.

        Raises ExpressionError with a sentence.
        """

    def check(self, source: str, names: Collection[str]) -> str | None:
        """Say what is wrong with an expression over these names; None if nothing seems to be."""

    async def close(self) -> None:
        """Let go of what the evaluations needed; a later one begins anew."""


class MontyExpressions:
    """Expressions in pydantic-monty's workers; they start with the first one, `close` ends them.

    Workers of a process that died end by themselves.
    """

    def __init__(
        self,
        limits: ExpressionLimits | None = None,
        *,
        workers: int | None = None,
        wait: float = WAIT_SECONDS,
    ) -> None:
        """Bound each evaluation, the workers (one for each processor), and how long one may start.

        `wait` is in seconds; expressions beyond the workers stand in line for as long as it takes.
        """
        self.limits = limits or ExpressionLimits()
        self._wait = wait
        self._pool = MontyPool(workers=workers, wait=wait, grace=self.limits.seconds)

    async def evaluate(self, source: str, values: Mapping[str, Any]) -> JSON:
        """Give the value of an expression; a cancel kills its worker.

        Raises ExpressionError with a sentence: for what `check` refuses, for a failure inside,
        beyond a limit, and for a result that is no JSON value.
        """
        refused = self.check(source, values)
        if refused is not None:
            raise ExpressionError(refused)
        most = self.limits.value_bytes
        given = {name: as_sandboxed(value) for name, value in values.items()}
        if sum(bytes_of(_encoded(each, "was given")) for each in given.values()) > most:
            raise ExpressionError(f"The expression would read more than {_in_words(most)}.")
        result = await self._feed(source.strip(), given)
        text = _encoded(result, "gave")
        if bytes_of(text) > most:
            raise ExpressionError(f"The expression gave more than {_in_words(most)}.")
        value: JSON = decode(text)
        return value

    def check(self, source: str, names: Collection[str]) -> str | None:
        """Say what is wrong with an expression over these names; None if nothing seems to be."""
        return check(source, names)

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()

    async def _feed(self, source: str, given: dict[str, Any]) -> Any:
        # Loaded at the first use: runs without expressions need none of it.
        try:
            from pydantic_monty import CollectString, MontyError  # noqa: PLC0415
        except ImportError:
            raise ExpressionError(_MISSING) from None
        try:
            async with self._pool.session(_resources(self.limits)) as session:
                printed = CollectString(PRINTED_BYTES)
                return await session.feed_run(source, inputs=given, print_callback=printed)
        except MontyError as fault:
            raise ExpressionError(_sentence(fault, self.limits)) from None
        except TimeoutError:
            raise ExpressionError(f"No worker for expressions came in {self._wait:g} s.") from None


def _resources(limits: ExpressionLimits) -> "ResourceLimits":
    return {
        "max_feed_duration_secs": limits.seconds,
        "max_memory": limits.memory_bytes,
        "max_recursion_depth": limits.depth,
        "max_suspensions": 1,
    }


def as_sandboxed(value: Any) -> Any:
    """Give a value as what a person wrote sees it: ids as text, files as what is known of them."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Artifact):
        return value.to_json()
    if isinstance(value, list | tuple):
        return [as_sandboxed(each) for each in value]
    if isinstance(value, Mapping):
        return {name: as_sandboxed(each) for name, each in value.items()}
    return value


def _encoded(value: Any, how: str) -> str:
    try:
        return encode(value)
    except ValueFault as fault:
        raise ExpressionError(f"The expression {how} no usable value. {fault.sentence}") from None


def _sentence(fault: "MontyError", limits: ExpressionLimits) -> str:
    inner = fault.exception()
    if isinstance(inner, TimeoutError) or getattr(fault, "timed_out", False):
        return f"The expression takes longer than {limits.seconds:g} s."
    if isinstance(inner, MemoryError):
        return f"The expression needs more than {_in_words(limits.memory_bytes)} of memory."
    if isinstance(inner, RecursionError):
        return "The expression calls itself too deeply."
    said = " ".join(str(fault).split())[:_LONGEST_SENTENCE]
    return f"The expression failed{_place(fault)}: {said.rstrip('.')}."


def _place(fault: "MontyError") -> str:
    """Say where in the expression it failed; nothing where the sandbox does not know."""
    frames: list[Any] = getattr(fault, "traceback", list)()
    return position(frames[-1].line, frames[-1].column) if frames else ""


def _in_words(count: int) -> str:
    mebibytes = count / (1 << 20)
    return f"{mebibytes:g} MiB" if mebibytes >= 1 else f"{count:,} bytes"


__all__ = [
    "FUNCTIONS", "JSON", "LONGEST", "ExpressionLimits", "Expressions", "MontyExpressions", "as_sandboxed", "check",
]  # fmt: skip
