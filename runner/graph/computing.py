"""Expressions of a drawn task: what is wrong with them, and what they read in a plan."""

from collections.abc import Collection, Iterator, Mapping

from runner.graph.compound import GraphAsTask
from runner.graph.control import Control
from runner.graph.definition import DefinedTask
from runner.graph.expression import Expression, check, grammar_fault, names_in
from runner.graph.ports import Port
from runner.graph.task import Task
from runner.graph.task_graph import Computed, Source


def expression_faults(
    defined: DefinedTask, task: Task, graph_inputs: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Give the setting or input, and a sentence, for each expression that cannot be evaluated."""
    given = expressions_in(defined.inputs)
    names = _readable(task.inputs, given) | (set(graph_inputs) - task.inputs.keys())
    title = defined.title or task.title or defined.id
    for kind, expressions in (("setting", task.expressions), ("input", given)):
        for field, each in expressions.items():
            fault = _fault(each, task, given, names - {field} if kind == "input" else names)
            if fault is not None:
                yield field, f"Expression for {kind} {field} of {title}: {fault}"


def expressions_in(values: Mapping[str, object]) -> dict[str, Expression]:
    """Give those of a drawn task's values that are expressions."""
    return {name: each for name, each in values.items() if isinstance(each, Expression)}


def uses_names(defined: DefinedTask) -> set[str]:
    """Give the names that a drawn task's expressions read; the definition has been checked."""
    found = expressions_in(defined.config) | {
        f".{name}": each for name, each in expressions_in(defined.inputs).items()
    }
    return {name for each in found.values() for name in names_in(each.source)}


def computed(expression: Expression, known: Mapping[str, Source]) -> Computed:
    """Give the source that an expression is; a name without a source is None to it."""
    names = sorted(names_in(expression.source))
    return Computed(
        expression.source, tuple((name, known[name]) for name in names if name in known)
    )


def _readable(ports: Mapping[str, Port], given: Collection[str]) -> set[str]:
    return {name for name, port in ports.items() if not port.reads_stream and name not in given}


def _fault(
    expression: Expression, task: Task, given: Collection[str], names: Collection[str]
) -> str | None:
    if isinstance(task, Control | GraphAsTask):
        return (
            "a graph and a control hand values on as they come; "
            "give the expression to a task before it, such as data.transform."
        )
    fault = grammar_fault(expression.source)
    if fault is not None:
        return fault
    used = names_in(expression.source)
    for name in sorted(used & task.inputs.keys() - set(names)):
        why = "is an expression itself" if name in given else "is a stream, not a whole value"
        return f"The expression uses '{name}', which {why}."
    return check(expression.source, names)
