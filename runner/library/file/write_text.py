"""A text as a file."""

from typing import Any

from runner.graph.artifact import Artifact
from runner.graph.ports import Chunks, Ports
from runner.graph.task import Task


class WriteText(Task):
    """Keeps a text as a file."""

    name = "file.write_text"
    title = "Write text"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """A text, which may still be growing, and the name of the file."""

        text: Chunks[str]
        name: str = "text.txt"

    class Outputs(Ports):
        """The file, in UTF-8."""

        file: Artifact

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Write each chunk as it comes."""
        blocks = (chunk.encode() for chunk in inputs.text)
        return {"file": context.save_artifact(blocks, inputs.name, "text/plain")}
