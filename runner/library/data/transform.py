"""A value put in another form."""

from typing import Annotated, Any

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.library.data.expressions import AnyExpression


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

        expression: Annotated[AnyExpression, Field(title="Expression")]

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Evaluate the expression once."""
        if "value" in inputs.named:
            raise ValueFault("'value' is the value itself; give the one in `named` another name.")
        values = {"value": inputs.value, **inputs.named}
        return {"result": await context.evaluate(self.config.expression, values)}
