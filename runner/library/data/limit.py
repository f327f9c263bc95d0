"""The first items of a list."""

from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.library.data.expressions import Item


class Limit(Task):
    """Keeps the first items of a list, each as soon as it comes, and reads no further.

    `most` says how many, after the first `skip` ones. The others are not read: a task that
    streams them goes on all the same.
    """

    name = "data.limit"
    title = "First items"
    effect = "none"

    class Inputs(Ports):
        """The items, as a list or as a stream."""

        items: Chunks[Item]

    class Outputs(Ports):
        """The first of them."""

        kept: list[Any]

    class Config(Ports):
        """How many items, and how many before them are left out."""

        most: Annotated[int, Field(ge=0, title="How many")] = 10
        skip: Annotated[int, Field(ge=0, title="After the first")] = 0

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first item."""
        return {"kept": Stream()}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the items until there are enough."""
        end = self.config.skip + self.config.most
        if not self.config.most:
            return
        index = 0
        async for item in inputs.items:
            if index >= self.config.skip:
                await context.push_chunk("kept", item)
            index += 1
            if index >= end:
                return
