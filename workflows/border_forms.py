"""Forms for the border of a level: what it is called, its inputs, and its outputs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from runner.graph.definition import GraphDefinition, GraphOutput, GraphPort
from workflows.forms import TextField

TYPES = (
    "str", "int", "float", "bool", "list[str]", "list[any]", "dict[str,str]", "dict[str,any]",
    "datetime", "bytes", "artifact", "any",
)  # fmt: skip


def _name_field() -> forms.RegexField:
    return forms.RegexField(
        r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
        label="Name",
        max_length=64,
        error_messages={
            "invalid": "A name is letters, digits and underscores, no digit first.",
            "required": "A name is missing.",
        },
    )


class GraphForm(forms.Form):
    """What a graph says about itself."""

    title = forms.CharField(label="Title", max_length=200, required=False)
    help = TextField(
        label="What it is for",
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    fail_fast = forms.BooleanField(
        label="The first failure that nobody handles ends the rest", required=False
    )

    def __init__(self, graph: GraphDefinition, data: Mapping[str, Any] | None = None) -> None:
        known = {"title": graph.title, "help": graph.help, "fail_fast": graph.fail_fast}
        super().__init__(data, prefix="graph", initial=known)

    def act(self, level: str) -> dict[str, Any]:
        """Give the act that it says."""
        return {"op": "graph", "level": level, **self.cleaned_data}


class InputForm(forms.Form):
    """An input of a graph: a new one, or one that is changed."""

    name = _name_field()
    type = forms.CharField(
        label="Type", max_length=200, widget=forms.TextInput(attrs={"list": "port-types"})
    )
    title = forms.CharField(label="Title", max_length=200, required=False)
    help = forms.CharField(label="Help", max_length=5000, required=False)
    default = TextField(
        label="Default",
        required=False,
        help_text="As JSON; a text needs no quotes. Empty: it has none.",
        max_length=65536,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    minimum = forms.FloatField(label="At least", required=False)
    maximum = forms.FloatField(label="At most", required=False)
    choices = TextField(
        label="Choices",
        required=False,
        help_text="For a text that is one of some: one a line.",
        max_length=65536,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    optional = forms.BooleanField(label="May be left out", required=False)
    ui = forms.ChoiceField(
        label="Asked for in",
        required=False,
        choices=[("", "one line"), ("multiline", "a field of several lines")],
    )
    was = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(
        self, port: GraphPort | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        self.port = port
        prefix = f"input-{port.name}" if port else "input"
        super().__init__(data, prefix=prefix, initial=_of_port(port) if port else {"type": "str"})
        if port and port.ui not in {"", "multiline"}:
            self.fields["ui"].choices += [(port.ui, port.ui)]  # type: ignore[attr-defined]

    def clean_default(self) -> Any:
        """Read the default as JSON; a text needs no quotes."""
        text = self.cleaned_data["default"]
        is_text = self.cleaned_data.get("type") == "str"
        if is_text or not text.strip():
            return text or None
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise ValidationError("This is not valid JSON.") from None

    def act(self, level: str) -> dict[str, Any]:
        """Give the act that it says."""
        found = {
            name: self.cleaned_data[name]
            for name in ("name", "type", "title", "help", "default", "ui", "minimum", "maximum")
        }
        port = {name: each for name, each in found.items() if each not in (None, "")}
        if choices := lines_of(self.cleaned_data["choices"]):
            port["choices"] = choices
        if self.cleaned_data["optional"] and "default" not in port:
            port["required"] = False
        was = self.port.name if self.port else ""
        return {"op": "input", "level": level, "port": port, "was": was}


class OutputForm(forms.Form):
    """An output of a graph: a new one, or one that is changed."""

    name = _name_field()
    source = forms.ChoiceField(
        label="From",
        error_messages={
            "required": "Choose where it comes from.",
            "invalid_choice": "There is no such port; choose one of the list.",
        },
    )
    title = forms.CharField(label="Title", max_length=200, required=False)
    help = forms.CharField(label="Help", max_length=5000, required=False)

    def __init__(
        self,
        ends: Sequence[tuple[str, str]],
        output: GraphOutput | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.output = output
        known = {}
        if output is not None:
            known = {each: getattr(output, each) for each in ("name", "source", "title", "help")}
        prefix = f"output-{output.name}" if output else "output"
        super().__init__(data, prefix=prefix, initial=known)
        gone = output and output.source not in {end for end, _ in ends}
        more = [(output.source, f"{output.source} (not there)")] if output and gone else []
        self.fields["source"].choices = [("", "choose a port"), *more, *ends]  # type: ignore[attr-defined]

    def act(self, level: str) -> dict[str, Any]:
        """Give the act that it says."""
        was = self.output.name if self.output else ""
        return {"op": "output", "level": level, **self.cleaned_data, "was": was}


def lines_of(text: str) -> list[str]:
    """Give the choices of a text, one a line; empty lines do not count."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _of_port(port: GraphPort) -> dict[str, Any]:
    document = port.to_document()
    default = document.get("default")
    if default is not None and not (port.type == "str" and isinstance(default, str)):
        default = json.dumps(default, ensure_ascii=False)
    return document | {
        "default": default,
        "choices": "\n".join(port.choices),
        "optional": not port.required and port.default is None,
    }


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
