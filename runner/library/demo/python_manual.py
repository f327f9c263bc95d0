"""Texts that every installation has."""

from pydoc_data import topics
from typing import Any

from runner.graph.ports import Ports
from runner.graph.task import Task


class PythonManual(Task):
    """The topics of Python's own help, as `help()` shows them."""

    name = "demo.python_manual"
    title = "Python manual"
    effect = "none"
    blocking = True

    class Outputs(Ports):
        """The manual."""

        topics: dict[str, str]

    def execute(self, _inputs: Any, _context: Any) -> dict[str, Any]:
        """Give text by topic."""
        return {"topics": dict(topics.topics)}
