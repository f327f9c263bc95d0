"""A value put in another form."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from runner.errors import ExpressionError, ValueFault
from runner.graph.ports import Ports
from runner.graph.task import Task
from runner.library.data.expressions import AnyExpression


class Transform(Task):
    """Puts a value in another form: by one expression, and field by field.

    Expressions read `value`, and what `named` holds by name. `expression` gives the new value,
    at first the value itself: `[each["name"] for each in value]`. Where that is a mapping,
    `constants` are put into it, then the results of `fields`, an expression for each name:
    `{"net": "value['price'] / (1 + rate)"}` with `rate` in `named`. The result is a JSON value;
    time and memory of an expression are limited by the operator.
    """

    name = "data.transform"
    title = "Transform a value"
    version = "2"
    compatible_with = ("1",)
    effect = "none"

    class Inputs(Ports):
        """The value, and other values by the names that the expressions call them."""

        value: Any
        named: dict[str, Any] = {}

    class Outputs(Ports):
        """The value in its new form."""

        result: Any

    class Config(Ports):
        """What to make of the value."""

        expression: Annotated[AnyExpression, Field(title="Expression")] = "value"
        fields: Annotated[
            dict[str, AnyExpression], Field(max_length=100, title="Fields, by an expression each")
        ] = {}
        constants: Annotated[
            dict[str, Any], Field(max_length=100, title="Fields with a fixed value")
        ] = {}

    async def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Evaluate the expression, then those of the fields."""
        if "value" in inputs.named:
            raise ValueFault("'value' is the value itself; give the one in `named` another name.")
        values = {"value": inputs.value, **inputs.named}
        result = await context.evaluate(self.config.expression, values)
        if not self.config.fields and not self.config.constants:
            return {"result": result}
        if not isinstance(result, dict):
            raise ValueFault(
                "Only a mapping takes fields; let the expression give one, such as {}."
            )
        return {"result": result | self.config.constants | await self._fields(values, context)}

    async def _fields(self, values: Mapping[str, Any], context: Any) -> dict[str, Any]:
        found = {}
        for name, expression in self.config.fields.items():
            try:
                found[name] = await context.evaluate(expression, values)
            except ExpressionError as fault:
                raise ExpressionError(f"Field '{name:.80}': {fault.sentence}") from None
        return found
