"""A list without what it has twice."""

import json
from typing import Annotated, Any

from pydantic import Field

from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task
from runner.graph.values import encode
from runner.library.data.expressions import Item, ItemExpression
from runner.library.data.over_items import worked_out


class Unique(Task):
    """Keeps the first of the items for which an expression gives the same, as soon as it comes.

    The expression reads `item` and `index`, which counts from 0: `item["email"].lower()`. Without
    one, items are compared as they are. Mappings with the same fields in another order are the
    same.
    """

    name = "data.unique"
    title = "Without doubles"
    effect = "none"

    class Inputs(Ports):
        """The items, as a list or as a stream."""

        items: Chunks[Item]

    class Outputs(Ports):
        """One item of each kind, and the others, both in their order."""

        kept: list[Any]
        dropped: list[Any]

    class Config(Ports):
        """What makes two items the same."""

        expression: Annotated[ItemExpression, Field(title="The same if equal")] = "item"

    @staticmethod
    def streaming() -> dict[str, Stream]:
        """Let dependants begin with the first item."""
        return {"kept": Stream(), "dropped": Stream()}

    async def execute(self, inputs: Any, context: Any) -> None:
        """Stream the items, each to its port."""
        seen: set[str] = set()
        async for item, key in worked_out(self.config.expression, inputs.items, context):
            known = json.dumps(json.loads(encode(key)), sort_keys=True)
            await context.push_chunk("dropped" if known in seen else "kept", item)
            seen.add(known)
