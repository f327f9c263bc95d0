"""The items of a list that an expression keeps."""

from typing import Annotated, Any

from pydantic import Field

from runner.errors import ExpressionError
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.library.data.expressions import Item, ItemExpression


class Filter(Task):
    """Keeps the items of a list for which an expression holds, each as soon as it comes.

    The expression reads `item` and `index`, which counts from 0: `item["price"] < 10`. Whatever
    Python takes for true keeps the item. A list that streams is filtered item by item. An item is
    a mapping, text, a number, true, false or nothing; a list inside a list is refused.
    """

    name = "data.filter"
    title = "Filter a list"
    effect = "none"

    class Inputs(Ports):
        """The items, as a list or as a stream."""

        items: Chunks[Item]

    class Outputs(Ports):
        """The items that are kept, in their order."""

        kept: list[Any]

    class Config(Ports):
        """What has to hold."""

        expression: Annotated[ItemExpression, Field(title="Keep where")]

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first item that is kept."""
        return {"kept": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the items that are kept."""
        index = 0
        async for item in inputs.items:
            try:
                values = {"item": item, "index": index}
                holds = await context.evaluate(self.config.expression, values)
            except ExpressionError as fault:
                raise ExpressionError(f"At item {index}: {fault.sentence}") from None
            if holds:
                await context.push_chunk("kept", item)
            index += 1
