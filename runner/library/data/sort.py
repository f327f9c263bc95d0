"""A list in order."""

from typing import Annotated, Any

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.ports import Chunks, Ports
from runner.graph.task import Task
from runner.library.data.expressions import Item, ItemExpression
from runner.library.data.over_items import worked_out


class Sort(Task):
    """Puts the items of a list in order of what an expression gives for each of them.

    The expression reads `item` and `index`, which counts from 0: `item["price"]`, or
    `[item["town"], -item["size"]]` to sort by one after the other. Items that give the same keep
    their order. It waits for the whole list, so nothing streams.
    """

    name = "data.sort"
    title = "Sort a list"
    effect = "none"

    class Inputs(Ports):
        """The items, as a list or as a stream."""

        items: Chunks[Item]

    class Outputs(Ports):
        """The same items in order."""

        sorted: list[Any]

    class Config(Ports):
        """What to sort by, and which way."""

        expression: Annotated[ItemExpression, Field(title="Sort by")] = "item"
        descending: Annotated[bool, Field(title="Largest first")] = False

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Work out all keys, then sort."""
        found = [each async for each in worked_out(self.config.expression, inputs.items, context)]
        try:
            found.sort(key=lambda each: each[1], reverse=self.config.descending)
        except TypeError as fault:
            raise ValueFault(
                f"These items have no order: {fault}. Let the expression give numbers for all of "
                "them, or texts for all of them."
            ) from None
        return {"sorted": [item for item, _ in found]}
