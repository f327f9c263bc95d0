"""Types of settings and items: expressions, refused while they are drawn, and what flows."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from runner.graph.expression import LONGEST, check, grammar_fault

#: What may be an item of a stream: a whole list that flows in is taken apart into its items.
type Item = dict[str, Any] | str | int | float | bool | None


def _grammatical(source: str) -> str:
    return _unless(grammar_fault(source), source)


def _over_an_item(source: str) -> str:
    return _unless(check(source, ("item", "index")), source)


def _unless(fault: str | None, source: str) -> str:
    if fault is not None:
        raise ValueError(fault.rstrip("."))
    return source


#: An expression over names that are known only in the run.
AnyExpression = Annotated[str, AfterValidator(_grammatical), Field(max_length=LONGEST)]
#: An expression over `item` and `index`, which counts from 0.
ItemExpression = Annotated[str, AfterValidator(_over_an_item), Field(max_length=LONGEST)]
