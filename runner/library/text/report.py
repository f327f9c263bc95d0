"""Question, answer and word count on one page."""

from typing import Any

from runner.graph.ports import Ports
from runner.graph.task import Task


class Report(Task):
    """Puts question, answer and word count on one page of Markdown."""

    name = "text.report"
    title = "Report"
    effect = "none"

    class Inputs(Ports):
        """What to report."""

        question: str
        text: str
        words: int

    class Outputs(Ports):
        """The page, as Markdown."""

        report: str

    async def execute(self, inputs: Any, _context: Any) -> dict[str, Any]:
        """Write the page."""
        quoted = "\n".join(f"> {line}".rstrip() for line in inputs.question.splitlines())
        return {
            "report": f"# Answer\n\n{quoted}\n\n{inputs.text.strip()}\n\n{inputs.words} words\n"
        }
