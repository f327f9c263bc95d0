"""A text that may still be growing, cut into passages of about a size."""

from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.library.text.passages import check_overlap, passages_of


class Cut(Task):
    """Cuts a text into passages of about `size` characters while it arrives.

    It is cut at empty lines where it can be. Each passage flows on as soon as it is whole, under
    the topic of the setting. Where one ends, the next begins with the last `overlap` characters
    of it, from a word on, so that what stands at a cut is found from both sides.
    """

    name = "text.cut"
    title = "Cut a text"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """A text, which may still be growing, and how long a passage may be."""

        text: Chunks[str]
        size: Annotated[int, Field(ge=1)] = 400
        overlap: Annotated[int, Field(ge=0)] = 0

    class Outputs(Ports):
        """Passages with `topic` and `text`."""

        passages: list[dict[str, str]]

    class Config(Ports):
        """What the passages are called."""

        topic: Annotated[str, Field(max_length=200, title="Topic")] = ""

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first passage."""
        return {"passages": Stream()}

    def execute(self, inputs: Any, context: Any) -> None:
        """Stream the passages."""
        check_overlap(inputs.size, inputs.overlap)
        for passage in passages_of(inputs.text, inputs.size, inputs.overlap):
            context.push_chunk("passages", {"topic": self.config.topic, "text": passage})
