"""Dataflow: from one task's output port to another's input port."""

import re
from dataclasses import dataclass

from runner.errors import DefinitionError

GRAPH_INPUTS = "$inputs"
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
PORT_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dataflow:
    """`source` and `target` are written "task.port"; "$inputs.port" is a graph's own input."""

    source: str
    target: str

    @property
    def source_end(self) -> tuple[str, str]:
        """The task and port this comes from."""
        return split_end(self.source)

    @property
    def target_end(self) -> tuple[str, str]:
        """The task and port this goes to."""
        return split_end(self.target)

    def touches(self, task: str) -> bool:
        """Whether either end is at this task."""
        return task in {self.source.partition(".")[0], self.target.partition(".")[0]}


def split_end(end: str) -> tuple[str, str]:
    """Split "task.port"; raises DefinitionError for any other text."""
    task, dot, port = end.partition(".")
    known = task == GRAPH_INPUTS or ID_PATTERN.fullmatch(task)
    if not dot or not known or not PORT_PATTERN.fullmatch(port):
        raise DefinitionError(f"'{end}' is not the end of a dataflow; write 'task.port'.")
    return task, port
