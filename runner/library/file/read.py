"""The content of a file."""

from typing import Annotated, Any

from pydantic import Field

from runner.errors import RunnerError
from runner.graph.artifact import Artifact
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task

BLOCK = 1 << 16


class Read(Task):
    """Gives the bytes of a file, block by block, for tasks that take bytes.

    For text use *Read text*, for tables and documents *Read a document*. A file larger than
    `largest` bytes is refused, because all of it becomes a value.
    """

    name = "file.read"
    title = "Read a file"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Any file."""

        file: Artifact

    class Outputs(Ports):
        """Its bytes."""

        content: bytes

    class Config(Ports):
        """How large a file may be."""

        largest: Annotated[int, Field(ge=1, le=1 << 30, title="Bytes at most")] = 16 << 20

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """The content grows as the file is read."""
        return {"content": Stream()}

    def execute(self, inputs: Any, context: Any) -> None:
        """Read to the end."""
        file: Artifact = inputs.file
        if file.size > self.config.largest:
            raise RunnerError(
                f"'{file.name:.80}' has {file.size:,} bytes; {self.config.largest:,} is the most. "
                "Raise the setting Bytes at most, or hand the file on as it is."
            )
        read = 0
        with file.open() as content:
            while block := content.read(BLOCK):
                context.push_chunk("content", block)
                read += len(block)
                context.progress(read / file.size)
