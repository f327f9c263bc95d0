"""The settings of control tasks that are more than a value: each with the field that fits it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms

from runner.graph.definition import DefinedTask
from runner.graph.registry import TaskRegistry
from workflows.models.team_workflows import TeamWorkflows
from workflows.row_fields import BranchesField, ConditionField, QuestionsField

type Made = Callable[[DefinedTask, TaskRegistry], forms.Field]
_UNKNOWN = {"invalid_choice": "Choose one of the list."}


def control_fields(task: DefinedTask, registry: TaskRegistry) -> dict[str, forms.Field]:
    """Give the fields for those settings of a task that need one of their own, by name."""
    return {
        name: make(task, registry)
        for (kind, name), make in _FIELDS.items()
        if kind == task.type and (name not in task.config or _is_plain(task.config[name]))
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, list | dict | str)


def _inputs_of(task: DefinedTask) -> list[str]:
    return [port.name for port in task.graph.inputs] if task.graph else []


def _branches(task: DefinedTask, _registry: TaskRegistry) -> forms.Field:
    return BranchesField(task.config.get("branches"))


def _condition(task: DefinedTask, _registry: TaskRegistry) -> forms.Field:
    return ConditionField(task.config.get("condition"), _inputs_of(task))


def _questions(task: DefinedTask, _registry: TaskRegistry) -> forms.Field:
    return QuestionsField(task.config.get("fields"))


def _over(task: DefinedTask, _registry: TaskRegistry) -> forms.Field:
    chosen = task.config.get("over")
    known = [str(each) for each in chosen] if isinstance(chosen, list) else []
    names = [*_inputs_of(task), *(each for each in known if each not in _inputs_of(task))]
    return forms.MultipleChoiceField(
        choices=[(name, name) for name in names],
        required=False,
        initial=known,
        widget=forms.CheckboxSelectMultiple,
        error_messages=_UNKNOWN,
    )


def _workflow(task: DefinedTask, registry: TaskRegistry) -> forms.Field:
    chosen = str(task.config.get("workflow", ""))
    offered = list(_references(registry.workflows))
    strays = [(chosen, f"{chosen}: not there")] if chosen and not _has(offered, chosen) else []
    return forms.ChoiceField(
        choices=[("", "choose a workflow"), *strays, *offered],
        required=False,
        initial=chosen,
        error_messages=_UNKNOWN,
    )


type Group = tuple[str, Sequence[tuple[str, str]]]


def _references(workflows: Mapping[str, Any]) -> Iterator[Group]:
    """Give what a sub-graph may name: a workflow as it is published last, or in one version."""
    if isinstance(workflows, TeamWorkflows):
        yield from workflows.references()
    else:
        yield "Workflows", [(name, name) for name in workflows]


def _has(groups: Iterable[Group], reference: str) -> bool:
    return any(reference == each for _, choices in groups for each, _ in choices)


_FIELDS: Mapping[tuple[str, str], Made] = {
    ("flow.branch", "branches"): _branches,
    ("flow.while", "condition"): _condition,
    ("flow.map", "over"): _over,
    ("flow.reduce", "over"): _over,
    ("flow.subgraph", "workflow"): _workflow,
    ("flow.ask", "fields"): _questions,
}
