"""The editor's panel: forms for one task of a draft, or for the border of a level."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from runner.editing.draft import Draft, joined, parted
from runner.errors import RunnerError
from runner.graph.building import graph_port
from runner.graph.checking import CheckedGraph, examine
from runner.graph.definition import DefinedTask
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from workflows.forms import StartForm

TYPES = ("str", "int", "float", "bool", "list[str]", "dict[str,any]", "datetime", "bytes", "any")


class ValuesForm(StartForm):
    """Values by port, all of which may be left out: a draft need not be complete."""

    def __init__(
        self,
        ports: list[dict[str, Any]],
        data: QueryDict | None,
        known: Mapping[str, Any],
        prefix: str,
    ) -> None:
        open_ports = [{**port, "required": False} for port in ports]
        super().__init__(open_ports, data, earlier=known)
        self.prefix = prefix
        self.known = known
        del self.fields["key"]
        for name, field in self.fields.items():
            if name.removeprefix("port-") not in known:
                field.widget.attrs["placeholder"] = _placeholder(field.initial)
                field.initial = field.initial if isinstance(field, forms.BooleanField) else None

    def values(self) -> dict[str, Any]:
        """Give what is set; a yes or no counts as set when it was, or is another than at first."""
        found = {}
        for name, value in self.inputs().items():
            field = self.fields[f"port-{name}"]
            is_flag = isinstance(field, forms.BooleanField)
            if is_flag and name not in self.known and value == bool(field.initial):
                continue
            if not is_flag and value in ("", []):
                continue
            found[name] = value
        return found


class TaskPanel:
    """All that can be said about one task: title, settings, values for its inputs, policy."""

    def __init__(
        self, drawing: Draft, path: str, registry: TaskRegistry, data: QueryDict | None = None
    ) -> None:
        self.path = path
        level, _ = parted(path)
        self.task: DefinedTask = drawing.task(path)
        self._checked = examine(drawing.level(level), registry)
        self._level = drawing.level(level)
        self._data = data
        self._kind = _kind(self.task, registry)
        self.made = self._checked.tasks.get(self.task.id)
        self.config = ValuesForm(self._settings(), data, self.task.config, "config")
        self.inputs = ValuesForm(self._inputs(), data, self.task.inputs, "inputs")

    def _settings(self) -> list[dict[str, Any]]:
        ports = self._kind.config_ports() if self._kind else {}
        return [graph_port(name, port).to_document() for name, port in ports.items()]

    def _inputs(self) -> list[dict[str, Any]]:
        """Give the inputs that no dataflow feeds; what streams in cannot be typed in."""
        fed = {flow.target for flow in self._level.dataflows}
        ports = self.made.inputs if self.made else {}
        return [
            graph_port(name, port).to_document()
            for name, port in ports.items()
            if f"{self.task.id}.{name}" not in fed
        ]

    @property
    def is_known(self) -> bool:
        """Whether its type is installed."""
        return self._kind is not None

    @property
    def help(self) -> str:
        """What its type says it is for."""
        return self._kind.help if self._kind else ""

    @property
    def fed(self) -> list[tuple[str, str]]:
        """The inputs that a dataflow feeds, and where from."""
        return [
            (flow.target_end[1], flow.source)
            for flow in self._level.dataflows
            if flow.target_end[0] == self.task.id
        ]

    @property
    def outputs(self) -> list[str]:
        """The output ports, in words."""
        return list(self.made.outputs) if self.made else []

    @property
    def document(self) -> str:
        """The task as JSON, for reading."""
        return json.dumps(self.task.to_document(), indent=2, ensure_ascii=False)

    @property
    def problems(self) -> list[str]:
        """What is wrong with it."""
        return [each.sentence for each in self._checked.problems if each.task == self.task.id]

    @property
    def is_group(self) -> bool:
        """Whether it has an inside to go into."""
        return self.task.graph is not None

    def asked(self) -> dict[str, Any] | None:
        """Give the act that the forms say; None when a value is not one."""
        if not self.config.is_valid() or not self.inputs.is_valid():
            return None
        data: Any = self._data or {}
        kept = {
            name: value for name, value in self.task.inputs.items() if name not in self._named()
        }
        config = self.config.values() if self._kind else dict(self.task.config)
        return {
            "op": "task",
            "path": self.path,
            "title": str(data.get("title", ""))[:200],
            "disabled": "disabled" in data,
            "config": {**self._hidden(), **config},
            "inputs": {**kept, **self.inputs.values()},
        }

    def _named(self) -> set[str]:
        return {str(port["name"]) for port in self.inputs.ports}

    def _hidden(self) -> dict[str, Any]:
        """Keep settings that the form does not show."""
        shown = {str(port["name"]) for port in self.config.ports}
        return {name: value for name, value in self.task.config.items() if name not in shown}


class InputForm(forms.Form):
    """An input of a graph."""

    name = forms.RegexField(
        r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        error_messages={"invalid": "A name is letters, digits and underscores, no digit first."},
    )
    type = forms.ChoiceField(choices=[(each, each) for each in TYPES])
    title = forms.CharField(max_length=200, required=False)
    default = forms.CharField(
        required=False, help_text="As JSON; empty: it must be given.", max_length=65536
    )

    def clean_default(self) -> Any:
        """Read the default as JSON; a text needs no quotes."""
        text = self.cleaned_data["default"].strip()
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            if self.data.get("type") == "str":
                return text
            raise ValidationError("This is not valid JSON.") from None

    def port(self) -> dict[str, Any]:
        """Give the port's document."""
        found = {name: self.cleaned_data[name] for name in ("name", "type", "title")}
        default = self.cleaned_data["default"]
        return {k: v for k, v in found.items() if v} | (
            {} if default is None else {"default": default}
        )


def ports_of_level(drawing: Draft, level: str, registry: TaskRegistry) -> Iterator[tuple[str, str]]:
    """Give the ends that an output of a level may come from: the end, and how it is called."""
    checked: CheckedGraph = examine(drawing.level(level), registry)
    for name in checked.inputs:
        yield f"$inputs.{name}", f"input {name}"
    for task_id, task in checked.tasks.items():
        title = drawing.task(joined(level, task_id)).title or task_id
        for name in task.outputs:
            yield f"{task_id}.{name}", f"{title}.{name}"


def _kind(task: DefinedTask, registry: TaskRegistry) -> type[Task] | None:
    """Find the task's type; None when it is not installed."""
    try:
        return registry.get(task.type)
    except RunnerError:
        return None


def _placeholder(initial: Any) -> str:
    return "" if initial in (None, "") or isinstance(initial, bool) else str(initial)[:80]
