"""What is typed at a terminal: the command line, inputs as `name=value`, exit codes."""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from runner.errors import DefinitionError, InputsError, RunnerError
from runner.graph.artifact import Artifact
from runner.graph.definition import GraphDefinition
from runner.run.status import RunStatus

FAILED, USAGE, AWAITING, CANCELLED = 1, 2, 3, 130
EXIT_CODES = {
    RunStatus.COMPLETED: 0,
    RunStatus.AWAITING: AWAITING,
    RunStatus.PAUSED: AWAITING,
    RunStatus.CANCELLED: CANCELLED,
}
READ_AS_WRITTEN = frozenset({"str", "bytes", "datetime", "decimal", "uuid"})


def parser() -> argparse.ArgumentParser:
    """Give the parser of `python -m runner`."""
    made = argparse.ArgumentParser("python -m runner", description="Run a graph from a file.")
    made.add_argument("graph", help="a definition as JSON")
    made.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
    made.add_argument(
        "--workflow",
        action="append",
        default=[],
        metavar="FILE",
        help="a definition that the graph may use as a task, by its name",
    )
    made.add_argument(
        "--files",
        metavar="FOLDER",
        help="where the content of files is kept, by its hash; else in memory",
    )
    made.add_argument("--json", action="store_true", help="one JSON object an event")
    return made


def read_definition(path: Path) -> GraphDefinition:
    """Read a definition from a file; raises DefinitionError with one sentence."""
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise DefinitionError(f"{path} cannot be read: {reason}.") from fault
    return GraphDefinition.from_json(text)


def read_inputs(
    definition: GraphDefinition, pairs: Iterable[str], keep: Callable[[Path], Artifact]
) -> dict[str, Any]:
    """Read `name=value` pairs as the definition's inputs want them; raises InputsError.

    For a file the value is its path, which `keep` keeps; it raises RunnerError.
    """
    types = {port.name: port.type for port in definition.inputs}
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputsError({name: f"Write --input name=value, not '{name}'."})
        kind = types.get(name, "any")
        found[name] = _kept(name, text, keep) if kind == "artifact" else read_value(kind, text)
    return found


def _kept(name: str, path: str, keep: Callable[[Path], Artifact]) -> Artifact:
    try:
        return keep(Path(path))
    except RunnerError as fault:
        raise InputsError({name: str(fault)}) from fault


def read_value(kind: str, text: str) -> Any:
    """Read what was typed for a port of this type: text stays text, the rest is JSON if it can be."""
    if kind in READ_AS_WRITTEN:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def exit_code_of(status: str) -> int:
    """Give the exit code that says how a run ended, or that it needs a person."""
    return EXIT_CODES.get(RunStatus(status), FAILED)
