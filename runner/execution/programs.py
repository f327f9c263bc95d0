"""Programs: Python that a person wrote into a task, run in the sandbox of expressions.

It runs in pydantic-monty's workers: an interpreter of its own, without files, network or other
modules than a few of the standard library, with limits on time, memory and depth. What it calls
of the outside is `emit` alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import CodeError, ValueFault
from runner.execution.expressions import as_sandboxed
from runner.execution.monty_pool import WAIT_SECONDS, MontyPool
from runner.graph.values import bytes_of, encode

if TYPE_CHECKING:
    from pydantic_monty import AsyncFunctionSnapshot, AsyncMontySession, MontyError, ResourceLimits

EMIT = "emit"
MEBIBYTE = 1 << 20
#: For how long a worker may go on beyond its time before it is killed.
GRACE_SECONDS = 0.5
DEPTH = 200
_ROUND_TRIPS = 100_000_000
_LONGEST_SENTENCE = 500
_OWN = "<python-input-0>"
_MISSING = (
    "Python code needs the package pydantic-monty, which is not installed here or does not support "
    "this platform; everything else works without it."
)

type Emit = Callable[[Any], Awaitable[None]]
type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Code, the values it finds under their names, and the names whose values it is to give.

    `seconds` and `memory_bytes` bound what it may take in its worker; the time in which it waits
    for the readers of what it emits does not count.
    """

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    seconds: float = 10.0
    memory_bytes: int = 128 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """What the operator lets any program take: at most; `value_bytes` of JSON may go in."""

    seconds: float = 60.0
    memory_bytes: int = 256 * MEBIBYTE
    value_bytes: int = 8 * MEBIBYTE


class Programs(Protocol):
    """Runs what people write."""

    async def run(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Give the values of a program's results by name.

        `emit` is awaited with each value that it emits, `say` is called on the event loop with
        what it prints. Raises CodeError with a sentence.
        """

    async def close(self) -> None:
        """Let go of what the programs needed; a later one begins anew."""


class MontyPrograms:
    """Programs in workers of their own, so that expressions never wait for them."""

    def __init__(
        self,
        limits: ProgramLimits | None = None,
        *,
        workers: int | None = None,
        wait: float = WAIT_SECONDS,
    ) -> None:
        """Bound each program, the workers (one for each processor), and how long one may start."""
        self.limits = limits or ProgramLimits()
        self._wait = wait
        self._pool = MontyPool(workers=workers, wait=wait, grace=GRACE_SECONDS)

    async def run(self, program: Program, emit: Emit, say: Say) -> dict[str, Any]:
        """Run a program; a cancel kills its worker."""
        self._check(program)
        try:
            from pydantic_monty import MontyError  # noqa: PLC0415 - at the first use
        except ImportError:
            raise CodeError(_MISSING) from None
        try:
            async with self._pool.session(_resources(program)) as session:
                await _driven(session, program, emit, _on_loop(say))
                return await _results(session, program.results)
        except MontyError as fault:
            raise CodeError(_sentence(fault, program)) from None
        except TimeoutError:
            raise CodeError(f"No worker for Python code came in {self._wait:g} s.") from None

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()

    def _check(self, program: Program) -> None:
        """Refuse what goes beyond the operator's limits; raises CodeError."""
        if program.seconds > self.limits.seconds:
            raise CodeError(
                f"Code may run for {self.limits.seconds:g} s here, not {program.seconds:g}; lower "
                "the setting Seconds at most, or raise ANABRANCH_CODE_SECONDS."
            )
        if program.memory_bytes > self.limits.memory_bytes:
            raise CodeError(
                f"Code may take {_mebibytes(self.limits.memory_bytes)} here, not "
                f"{_mebibytes(program.memory_bytes)}; lower the setting Memory at most, or raise "
                "ANABRANCH_CODE_MEMORY_BYTES."
            )
        size = sum(bytes_of(encode(each)) for each in program.values.values())
        if size > self.limits.value_bytes:
            raise CodeError(
                f"The code would read {_mebibytes(size)}, and takes "
                f"{_mebibytes(self.limits.value_bytes)} at most; filter the values first."
            )


def _resources(program: Program) -> "ResourceLimits":
    return {
        "max_feed_duration_secs": program.seconds,
        "max_memory": program.memory_bytes,
        "max_recursion_depth": DEPTH,
        "max_suspensions": _ROUND_TRIPS,
    }


def _on_loop(say: Say) -> Callable[[str, str], None]:
    """Give what takes printed text in a worker's thread."""
    loop = asyncio.get_running_loop()

    def printed(_stream: str, text: str) -> None:
        loop.call_soon_threadsafe(say, text)

    return printed


async def _driven(
    session: "AsyncMontySession", program: Program, emit: Emit, printed: Callable[[str, str], None]
) -> None:
    """Run the code to its end, answering what it calls."""
    from pydantic_monty import AsyncFunctionSnapshot, MontyComplete  # noqa: PLC0415

    given = {name: as_sandboxed(value) for name, value in program.values.items()}
    step: Any = await session.feed_start(program.source, inputs=given, print_callback=printed)
    while not isinstance(step, MontyComplete):
        if isinstance(step, AsyncFunctionSnapshot) and not step.is_os_function:
            step = await step.resume(await _called(step, emit))
        else:
            # Files, modules and names that are not there: nothing was lent, so it refuses.
            step = await step.resume_auto()


async def _called(call: "AsyncFunctionSnapshot", emit: Emit) -> Any:
    """Answer a call of the outside; a value that does not fit is the code's own error."""
    if call.function_name != EMIT:
        return {"exception": NameError(f"name '{call.function_name}' is not defined")}
    if len(call.args) != 1 or call.kwargs:
        return {"exception": TypeError("emit takes one value")}
    try:
        await emit(call.args[0])
    except ValueFault as fault:
        return {"exception": ValueError(fault.sentence)}
    return {"return_value": None}


async def _results(session: "AsyncMontySession", names: tuple[str, ...]) -> dict[str, Any]:
    from pydantic_monty import MontyError  # noqa: PLC0415

    found = {}
    for name in names:
        try:
            found[name] = await session.feed_run(name)
        except MontyError as fault:
            if not isinstance(fault.exception(), NameError):
                raise
            raise CodeError(
                f"The code gives its output {name} no value; write {name} = … in it."
            ) from None
    return found


def _sentence(fault: "MontyError", program: Program) -> str:
    inner = fault.exception()
    place = _place(fault)
    if isinstance(inner, TimeoutError) or getattr(fault, "timed_out", False):
        return (
            f"The code takes longer than {program.seconds:g} s; let it do less, or raise the "
            "setting Seconds at most."
        )
    if isinstance(inner, MemoryError):
        return (
            f"The code needs more than {_mebibytes(program.memory_bytes)}{place}; let it keep "
            "less, or raise the setting Memory at most."
        )
    if isinstance(inner, RecursionError):
        return f"The code calls itself too deeply{place}."
    said = " ".join(str(fault).split())[:_LONGEST_SENTENCE]
    return f"The code failed{place}: {said.rstrip('.')}."


def _place(fault: "MontyError") -> str:
    """Say at which line of the code it failed; nothing where the sandbox does not know."""
    frames: list[Any] = [each for each in _frames(fault) if each.filename == _OWN]
    if not frames:
        return ""
    last = frames[-1]
    shown = (last.source_line or "").strip()[:100]
    return f" at line {last.line}" + (f" ({shown})" if shown else "")


def _frames(fault: "MontyError") -> list[Any]:
    traceback: Callable[[], list[Any]] = getattr(fault, "traceback", list)
    return traceback()


def _mebibytes(count: int) -> str:
    return f"{count / MEBIBYTE:,.4g} MiB"
