"""The text of a file."""

import codecs
from typing import Any

from runner.errors import RunnerError
from runner.graph.artifact import Artifact
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task

TEXT_BLOCK = 1 << 16


class ReadText(Task):
    """The text of a file, block by block."""

    name = "file.read_text"
    title = "Read text"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """A file in UTF-8."""

        file: Artifact

    class Outputs(Ports):
        """Its text."""

        text: str

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """The text grows as the file is read."""
        return {"text": Stream()}

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Read to the end; signs that a block cuts in two wait for the next one."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        read = 0
        try:
            with inputs.file.open() as content:
                while block := content.read(TEXT_BLOCK):
                    read += len(block)
                    _push(context, decoder.decode(block))
                    context.progress(read / max(1, inputs.file.size))
            _push(context, decoder.decode(b"", final=True))
        except UnicodeDecodeError as fault:
            raise RunnerError("This file is no text in UTF-8.") from fault
        return {}


def _push(context: Any, text: str) -> None:
    if text:
        context.push_chunk("text", text)
