"""Dataflow: from one task's output port to another's input port."""

import re
from dataclasses import dataclass

from runner.errors import DefinitionError

GRAPH_INPUTS = "$inputs"
ERROR_PORT = "[error]"
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
PORT_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_END_PATTERN = re.compile(
    rf"({re.escape(GRAPH_INPUTS)}|{ID_PATTERN.pattern})"
    rf"\.({PORT_PATTERN.pattern}|{re.escape(ERROR_PORT)})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Dataflow:
    """`source` and `target` are written "task.port"; "$inputs.port" is a graph's own input.

    "task.[error]" is a source that every task has: what went wrong with it.
    """

    source: str
    target: str

    @property
    def source_end(self) -> tuple[str, str]:
        """The task and port this comes from; whatever was drawn, also what is no end."""
        return _parted(self.source)

    @property
    def target_end(self) -> tuple[str, str]:
        """The task and port this goes to; whatever was drawn, also what is no end."""
        return _parted(self.target)

    def touches(self, task: str) -> bool:
        """Whether either end is at this task."""
        return task in {self.source.partition(".")[0], self.target.partition(".")[0]}


def _parted(end: str) -> tuple[str, str]:
    task, _, port = end.partition(".")
    return task, port


def split_end(end: str) -> tuple[str, str]:
    """Split "task.port"; raises DefinitionError for any other text."""
    found = _END_PATTERN.fullmatch(end)
    if found is None:
        raise DefinitionError(f"'{end[:140]}' is not the end of a dataflow; write 'task.port'.")
    return found[1], found[2]
