"""Data: values put in another form, and lists of them filtered, by expressions."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from runner.errors import ExpressionError, ValueFault
from runner.graph.expression import LONGEST, check, grammar_fault
from runner.graph.ports import Chunks, Ports, Stream
from runner.graph.task import Task

#: What may be an item of a stream: a whole list that flows in is taken apart into its items.
type Item = dict[str, Any] | str | int | float | bool | None


def _grammatical(source: str) -> str:
    fault = grammar_fault(source)
    if fault is not None:
        raise ValueError(fault.rstrip("."))
    return source


def _over_an_item(source: str) -> str:
    fault = check(source, ("item", "index"))
    if fault is not None:
        raise ValueError(fault.rstrip("."))
    return source


class Transform(Task):
    """Puts a value in another form, as one expression says.

    The expression reads `value`, and what `named` holds by name: `{"name": value["title"].upper(),
    "net": value["price"] / (1 + rate)}` with `rate` in `named`. It gives a JSON value.
    """

    name = "data.transform"
    title = "Transform a value"
    effect = "none"

    class Inputs(Ports):
        """The value, and other values by the names that the expression calls them."""

        value: Any
        named: dict[str, Any] = {}

    class Outputs(Ports):
        """What the expression gave."""

        result: Any

    class Config(Ports):
        """What to make of the value."""

        expression: Annotated[
            str, AfterValidator(_grammatical), Field(max_length=LONGEST, title="Expression")
        ]

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Evaluate the expression once."""
        if "value" in inputs.named:
            raise ValueFault("'value' is the value itself; give the one in `named` another name.")
        values = {"value": inputs.value, **inputs.named}
        return {"result": await context.evaluate(self.config.expression, values)}


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

        expression: Annotated[
            str, AfterValidator(_over_an_item), Field(max_length=LONGEST, title="Keep where")
        ]

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
