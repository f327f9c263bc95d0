"""The items of a list that an expression keeps, and those that it drops."""

from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.library.data.expressions import Item, ItemExpression
from runner.library.data.over_items import worked_out


class Filter(Task):
    """Keeps the items of a list for which an expression holds, each as soon as it comes.

    The expression reads `item` and `index`, which counts from 0: `item["price"] < 10`. Whatever
    Python takes for true keeps the item; the others go to `dropped`. A list that streams is
    filtered item by item. An item is a mapping, text, a number, true, false or nothing; a list
    inside a list is refused.
    """

    name = "data.filter"
    title = "Filter a list"
    version = "2"
    compatible_with = ("1",)
    effect = "none"

    class Inputs(Ports):
        """The items, as a list or as a stream."""

        items: Chunks[Item]

    class Outputs(Ports):
        """The items that are kept, and the others, both in their order."""

        kept: list[Any]
        dropped: list[Any]

    class Config(Ports):
        """What has to hold."""

        expression: Annotated[ItemExpression, Field(title="Keep where")]

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first item that is kept, or dropped."""
        return {"kept": Stream(), "dropped": Stream()}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the items, each to its port."""
        async for item, holds in worked_out(self.config.expression, inputs.items, context):
            await context.push_chunk("kept" if holds else "dropped", item)
