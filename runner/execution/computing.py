"""Computing: a task's expressions evaluated before its body begins, and their values put in place."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.errors import ExpressionError, RunnerError, ValueFault
from runner.execution.expressions import Expressions
from runner.execution.run_values import RunValues
from runner.graph.expression import names_in
from runner.graph.task_graph import Computed, Constant, PlannedTask, Source
from runner.graph.values import decode


async def computed(
    planned: PlannedTask, values: RunValues, expressions: Expressions
) -> PlannedTask:
    """Give the task with constants in place of its expressions.

    Raises ExpressionError that names the setting or input, also for a value that does not fit.
    """
    inputs = {n: each for n, each in planned.sources.items() if isinstance(each, Computed)}
    sources: dict[str, Source] = dict(planned.sources)
    for name, each in inputs.items():
        where = f"input {name} of {planned.title}"
        value = await _evaluated(each, where, values, expressions)
        sources[name] = Constant(_fitting(planned, name, value, where))
    settings = {
        name: await _evaluated(each, f"setting {name} of {planned.title}", values, expressions)
        for name, each in planned.settings.items()
    }
    return replace(planned, sources=sources, settings={}, task=_configured(planned, settings))


async def _evaluated(
    source: Computed, where: str, values: RunValues, expressions: Expressions
) -> Any:
    given = dict.fromkeys(names_in(source.expression))
    given |= {name: decode(text) for name, text in values.texts_of(source).items()}
    try:
        return await expressions.evaluate(source.expression, given)
    except ExpressionError as fault:
        raise _at(where, fault) from None


def _fitting(planned: PlannedTask, name: str, value: Any, where: str) -> str:
    try:
        return planned.task.inputs[name].encode(value)
    except ValueFault as fault:
        raise _at(where, fault) from None


def _configured(planned: PlannedTask, settings: Mapping[str, Any]) -> Any:
    if not settings:
        return planned.task
    try:
        return planned.task.with_settings(settings)
    except ValueFault as fault:
        raise _at(f"setting {', '.join(settings)} of {planned.title}", fault) from None


def _at(where: str, fault: RunnerError) -> ExpressionError:
    return ExpressionError(f"Expression for {where}: {fault.sentence}")
