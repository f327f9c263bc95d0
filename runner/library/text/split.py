"""Texts by topic, cut into passages of about a size."""

from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from runner.library.text.passages import check_overlap, passages_of

Positive = Annotated[int, Field(ge=1)]


class Split(Task):
    """Cuts texts into passages of about `size` characters, at empty lines where it can.

    Texts come by topic; each passage flows on as soon as it is cut. Where one passage of a text
    ends, the next begins with the last `overlap` characters of it, from a word on, so that what
    stands at a cut is found from both sides. *Cut a text* takes one that is still growing.
    """

    name = "text.split"
    title = "Split into passages"
    version = "3"
    compatible_with = ("1", "2")
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """Texts by topic, and how long a passage may be."""

        topics: dict[str, str]
        size: Positive = 400
        overlap: Annotated[int, Field(ge=0)] = 0

    class Outputs(Ports):
        """Passages with `topic` and `text`."""

        passages: list[dict[str, str]]

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first passage."""
        return {"passages": Stream()}

    def execute(self, inputs: Any, context: Any) -> None:
        """Stream the passages in the order of the texts."""
        check_overlap(inputs.size, inputs.overlap)
        for topic, text in inputs.topics.items():
            for passage in passages_of([text], inputs.size, inputs.overlap):
                context.push_chunk("passages", {"topic": topic, "text": passage})
