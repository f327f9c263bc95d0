"""The number of words of a text while it arrives."""

from typing import Any

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task


class CountWords(Task):
    """Counts the words of a text while it arrives."""

    name = "text.count_words"
    title = "Count words"
    effect = "none"

    class Inputs(Ports):
        """A text, in chunks that need not end where words do."""

        text: Chunks[str]

    class Outputs(Ports):
        """The count so far; the last one counts."""

        count: int

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Show each new count in place of the one before."""
        return {"count": Stream(readiness="first-chunk", mode="replace")}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the count."""
        count, between = 0, True
        await context.push_chunk("count", count)
        async for chunk in inputs.text:
            before = count
            for character in chunk:
                count += between and not character.isspace()
                between = character.isspace()
            if count != before:
                await context.push_chunk("count", count)
