"""An expression over each item of a list or stream, worked out for many items at once."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from runner.errors import ExpressionError

#: How many items that wait already are worked out together: most of an evaluation is the way there.
TOGETHER = 256


async def worked_out(expression: str, items: Any, context: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Give each item with what the expression gives for it, no later than the next item comes.

    Raises ExpressionError that names the item.
    """
    first = 0
    async for batch in _batches(items):
        async for item, value in _each(expression, batch, first, context):
            yield item, value
        first += len(batch)


async def _batches(items: Any) -> AsyncIterator[list[Any]]:
    """Give the items that are there already together, without waiting for more."""
    cursor = aiter(items)
    batch: list[Any] = []
    async for item in cursor:
        batch.append(item)
        if len(batch) >= TOGETHER or not cursor.has_next:
            yield batch
            batch = []


async def _each(
    expression: str, batch: Sequence[Any], first: int, context: Any
) -> AsyncIterator[tuple[Any, Any]]:
    try:
        found = await context.evaluate(_together(expression, first), {"items": list(batch)})
    except ExpressionError:
        # One of them fails, or all at once are too much: which one, only one by one can say.
        for index, item in enumerate(batch, first):
            yield item, await _alone(expression, item, index, context)
        return
    for item, value in zip(batch, found, strict=True):
        yield item, value


def _together(expression: str, first: int) -> str:
    """Write an expression for a list of items; line breaks close comments in what a person wrote."""
    return f"[(\n{expression}\n) for index, item in enumerate(items, {first})]"


async def _alone(expression: str, item: Any, index: int, context: Any) -> Any:
    try:
        return await context.evaluate(expression, {"item": item, "index": index})
    except ExpressionError as fault:
        raise ExpressionError(f"At item {index}: {fault.sentence}") from None
