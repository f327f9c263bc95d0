"""Python that a person writes into a task."""

import ast
import keyword
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.errors import ValueFault
from runner.execution.programs import EMIT, MEBIBYTE, Program
from runner.graph.expression import quietly
from runner.graph.ports import Port, Ports, Stream
from runner.graph.task import Task
from runner.library.drawn_ports import drawn_ports

LONGEST = 50_000
EMITTED = "emitted"
#: What of the printed text goes into the log, in characters; a loop that prints is cut short.
PRINTED = 50_000
_RESULT = ({"name": "result", "type": "any"},)


class Python(Task):
    """Runs Python that you write, in a sandbox of its own.

    The code finds each of its inputs under its name, and gives each of its outputs by assigning
    to it: `result = sum(each["price"] for each in rows)` with the input `rows`. `emit(value)`
    streams: the output `emitted` grows by it at once, as a text or as a list of items, and the
    code waits while its readers lag. What it prints goes into the task's log.

    It is Python without `yield`, `del` and inheritance; `json`, `re`, `math`, `datetime`,
    `random`, `itertools`, `collections` and a few more can be imported in part. There are no
    files, no network, no processes and no other packages: use the tasks for these and hand their
    results in. It is stopped beyond `seconds` of work (waiting for readers does not count) and
    `memory` MiB; the operator may set lower bounds. A failure names the line. A cancel ends it at
    once.
    """

    name = "code.python"
    title = "Python code"
    effect = "none"

    class Outputs(Ports):
        """What the code emits; its own outputs stand beside it."""

        emitted: Any

    class Config(Ports):
        """The code, its ports as in a definition, and its limits."""

        code: Annotated[
            str, Field(max_length=LONGEST, title="Code", json_schema_extra={"ui": "multiline"})
        ]
        inputs: Annotated[list[dict[str, Any]], Field(max_length=50, title="Inputs")] = []
        outputs: Annotated[list[dict[str, Any]], Field(max_length=50, title="Outputs")] = [*_RESULT]
        emits: Annotated[Literal["items", "text"], Field(title="Emits")] = "items"
        seconds: Annotated[float, Field(ge=0.1, le=3600, title="Seconds at most")] = 10.0
        memory: Annotated[int, Field(ge=1, le=4096, title="Memory at most (MiB)")] = 128

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Read the code and its ports; raises ValueFault with a sentence."""
        super().__init__(config)
        _check_grammar(self.config.code)
        self.inputs = drawn_ports(self.config.inputs, self.title, "input")
        self._results = drawn_ports(self.config.outputs, self.title, "output")
        for name in (*self.inputs, *self._results):
            _check_name(name)
        kind: Any = str if self.config.emits == "text" else list[Any]
        emitted: Port = replace(self.outputs[EMITTED], type=kind)
        self.outputs = {**self._results, EMITTED: emitted}

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first value that is emitted."""
        return {EMITTED: Stream()}

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Give the values as they are, by name."""
        return values

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Run the code."""
        program = Program(
            source=self.config.code,
            values=dict.fromkeys(self.inputs) | dict(inputs),
            results=tuple(self._results),
            seconds=self.config.seconds,
            memory_bytes=self.config.memory * MEBIBYTE,
        )

        async def emit(value: Any) -> None:
            await context.push_chunk(EMITTED, value)

        printed = _Printed(context)
        found: dict[str, Any] = await context.run_program(program, emit, printed.take)
        printed.end()
        return found


class _Printed:
    """What code prints, line by line into the log, cut after PRINTED characters."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._room = PRINTED
        self._rest = ""

    def take(self, text: str) -> None:
        """Log the lines that are whole."""
        if self._room <= 0:
            return
        self._room -= len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._context.log.info("%s", line)
        if self._room <= 0:
            self._context.log.warning("The code prints a lot; the rest of it is left out.")

    def end(self) -> None:
        """Log what was printed without a line break."""
        if self._rest and self._room > 0:
            self._context.log.info("%s", self._rest)


def _check_grammar(code: str) -> None:
    """Refuse what is no Python; nothing is executed, and the sandbox reads it again."""
    try:
        with quietly():
            ast.parse(code)
    except SyntaxError as fault:
        place = f" at line {fault.lineno}" if fault.lineno else ""
        raise ValueFault(f"This is not Python{place}: {fault.msg}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise ValueFault("This is not Python, or it is nested too deeply.") from None


def _check_name(name: str) -> None:
    if keyword.iskeyword(name) or name in {EMIT, EMITTED}:
        raise ValueFault(f"Python code cannot have a port called '{name}'; rename it.")
