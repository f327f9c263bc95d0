"""One form for each thing a browser may send; the start form is made from a workflow's inputs."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from runner.errors import RunnerError
from runner.graph.artifact import Artifact, artifact_from
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs
from workflows.uploads import artifact_in, keep_upload, ticket_of
from workflows.wording import said_size

LONG = 80
LONGEST_LABEL = 200
type Read = Callable[[Any], Any]


class StartForm(forms.Form):
    """What a workflow needs to run: one field for each of its input ports."""

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    prefix = "in"

    def __init__(
        self,
        ports: Sequence[Mapping[str, Any]],
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        team: str = "",
        earlier: Mapping[str, Any] | None = None,
    ) -> None:
        """Take what was sent, if anything; files are kept for `team`."""
        super().__init__(data, files, initial={"key": uuid.uuid4().hex})
        self.ports = ports
        self.team = team
        for port in ports:
            name = str(port["name"])
            field = _field(port)
            if earlier and name in earlier:
                field.initial = _written(port, earlier[name])
                _widen(field)
            self.fields[f"port-{name}"] = field
            if isinstance(field, FileField):
                self._keep_file_before(name, field)

    def _keep_file_before(self, name: str, field: "FileField") -> None:
        """Take up the file of an earlier run, or one that came with this form before."""
        sent = self.data.get(self.add_prefix(f"kept-{name}"))
        field.initial = artifact_in(self.team, sent) if sent else field.initial
        kept = ticket_of(self.team, field.initial) if field.initial else ""
        hidden = forms.CharField(required=False, widget=forms.HiddenInput, initial=kept)
        self.fields[f"kept-{name}"] = hidden

    def keep_files(self) -> None:
        """Keep the files that came, and put artifacts in their places."""
        for port in self.ports:
            name = f"port-{port['name']}"
            sent = self.cleaned_data.get(name)
            if isinstance(sent, UploadedFile):
                try:
                    self._kept(str(port["name"]), keep_upload(self.team, sent))
                except RunnerError as trouble:
                    self.add_error(name, str(trouble))

    def _kept(self, name: str, artifact: Artifact) -> None:
        self.cleaned_data[f"port-{name}"] = self.fields[f"port-{name}"].initial = artifact
        # Shown again, the form must not ask for the file a second time.
        data: Any = self.data
        self.data = data.copy()
        self.data[self.add_prefix(f"kept-{name}")] = ticket_of(self.team, artifact)  # type: ignore[index]

    def clean(self) -> dict[str, Any]:
        """Say it for the whole form when the hidden field is wrong: nobody would see it there."""
        if self.errors.pop("key", None):
            self.add_error(None, "This form cannot be used any more; load the page again.")
        return self.cleaned_data

    @property
    def takes_files(self) -> bool:
        """Whether a file may be sent with it."""
        return any(isinstance(field, FileField) for field in self.fields.values())

    def inputs(self) -> dict[str, Any]:
        """Give the values by port; what was left empty and may be is left out."""
        found = {str(port["name"]): self._value_of(port) for port in self.ports}
        return {name: value for name, value in found.items() if value is not None}

    def _value_of(self, port: Mapping[str, Any]) -> Any:
        value = self.cleaned_data.get(f"port-{port['name']}")
        if value == "" and not (port.get("type", "str") == "str" and "default" in port):
            return None
        return value

    def blame(self, faults: Mapping[str, str]) -> None:
        """Show what the runner refused beside the field it is about."""
        for port, sentence in faults.items():
            known = f"port-{port}" in self.fields
            self.add_error(f"port-{port}" if known else None, sentence)


class RunForm(StartForm):
    """What a workflow needs to run, and what the run is called."""

    label = forms.CharField(
        required=False,
        max_length=LONGEST_LABEL,
        help_text="By it the run is found again in the list.",
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["label"].kind = "text"  # type: ignore[attr-defined]
        self.order_fields([*(name for name in self.fields if name != "label"), "label"])


class AnswerForm(StartForm):
    """What a task asks of a person: its fields, or yes or no with a note."""

    def __init__(self, question: Mapping[str, Any], data: Mapping[str, Any] | None = None) -> None:
        self.approves = question.get("kind") == "approval"
        super().__init__(_APPROVAL if self.approves else question.get("fields", ()), data)
        if self.approves:
            # Two buttons say it.
            self.fields["port-approved"].widget = forms.HiddenInput()
        for name, field in self.fields.items():
            if isinstance(field, FileField):
                self.fields[name] = NoFileField(label=field.label, required=False)

    def clean(self) -> dict[str, Any]:
        """Say beside each field what does not fit its type."""
        super().clean()
        if not self.errors:
            document = {"v": 1, "name": "answer", "tasks": [], "inputs": list(self.ports)}
            definition = GraphDefinition.from_json(json.dumps(document))
            self.blame(check_inputs(definition, self.inputs()))
        return self.cleaned_data


_APPROVAL = (
    {"name": "approved", "type": "bool"},
    {"name": "note", "title": "Note", "type": "str", "required": False, "ui": "multiline"},
)


# ── fields ──────────────────────────────────────────────────────────────────────────────────────


def _field(port: Mapping[str, Any]) -> forms.Field:
    kind = str(port.get("type", "str"))
    required = bool(port.get("required", "default" not in port))
    make = _MADE.get(kind) or (_lines_field if kind.startswith("list[str") else _json_field)
    if port.get("choices"):
        make, kind = _choice_field, "choice"
    field = make(port, required)
    field.label = str(port.get("title") or port["name"])
    field.help_text = str(port.get("help") or "")
    field.kind = _KINDS.get(kind, "one per line" if kind.startswith("list[str") else kind)  # type: ignore[attr-defined]
    if port.get("default") is not None:
        field.initial = _written(port, port["default"])
    field.error_messages["required"] = f"{field.label} is missing."
    return field


def _text_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001 - one signature for all makers
    many = port.get("ui") == "multiline" or len(str(port.get("default") or "")) > LONG
    widget = forms.Textarea(attrs={"rows": 4}) if many else forms.TextInput()
    return TextField(required=required, widget=widget)


def _widen(field: forms.Field) -> None:
    """Make room for lines: a field of one line would join them without a word."""
    if isinstance(field.widget, forms.TextInput) and "\n" in str(field.initial):
        field.widget = forms.Textarea(attrs={"rows": 4})


def _int_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    field = forms.IntegerField(required=required, **_limits(port))
    field.error_messages["invalid"] = "This must be a whole number, such as 12."
    return field


def _float_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    field = forms.FloatField(
        required=required, widget=forms.NumberInput(attrs={"step": "any"}), **_limits(port)
    )
    field.error_messages["invalid"] = "This must be a number, such as 0.5."
    return field


def _bool_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    return forms.BooleanField(required=False)


def _choice_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    choices = [(str(each), str(each)) for each in port["choices"]]
    by_itself = port.get("default") is not None
    first = [] if by_itself else [("", "choose one" if required else "none of them")]
    field = forms.ChoiceField(required=required, choices=[*first, *choices])
    field.error_messages["invalid_choice"] = "Choose one of the list."
    return field


def _lines_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    return LinesField(required=required, widget=forms.Textarea(attrs={"rows": 4}))


def _json_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    return ValueField(
        required=required,
        type_name=str(port.get("type", "any")),
        widget=forms.Textarea(attrs={"class": "code", "rows": 6, "spellcheck": "false"}),
    )


def _file_field(port: Mapping[str, Any], required: bool) -> forms.Field:  # noqa: FBT001
    return FileField(required=required, allow_empty_file=True)


def _limits(port: Mapping[str, Any]) -> dict[str, Any]:
    return {"min_value": port.get("minimum"), "max_value": port.get("maximum")}


_MADE: dict[str, Callable[[Mapping[str, Any], bool], forms.Field]] = {
    "str": _text_field,
    "int": _int_field,
    "float": _float_field,
    "bool": _bool_field,
    "artifact": _file_field,
}
_KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "yes or no",
    "artifact": "file",
}


def _written(port: Mapping[str, Any], value: Any) -> Any:
    """Write a value the way its field takes it."""
    kind = str(port.get("type", "str"))
    if kind == "artifact":
        return artifact_from(value["$artifact"])
    if kind in _MADE:
        return value
    if kind.startswith("list[str") and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False, indent=2)


class TextField(forms.CharField):
    """Text as it was typed: browsers send each line's end as two signs, and one was typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> Any:
        """Give the text with the line ends that were typed."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether somebody typed something else; the browser's own line ends do not count."""
        return super().has_changed(self.to_python(initial or ""), data)


class LinesField(TextField):
    """A list of texts, one a line; empty lines do not count."""

    def clean(self, value: Any) -> Any:
        """Give the lines."""
        text = super().clean(value)
        return [line for line in text.split("\n") if line.strip()]


class FileField(forms.FileField):
    """A file that a person sends, or one that an earlier run was given."""

    widget = forms.FileInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Give the file as it was sent, or the artifact from before."""
        sent = super().clean(data, initial)
        if sent and not isinstance(sent, Artifact) and sent.size > settings.UPLOAD_LIMIT:
            raise ValidationError(
                f"This file has more than the {said_size(settings.UPLOAD_LIMIT)} that may be sent."
            )
        return sent


class NoFileField(forms.CharField):
    """Stands where a file is asked for and none can be given."""

    def clean(self, value: Any) -> Any:
        """Refuse."""
        raise ValidationError("A file cannot be given as an answer.")


class ValueField(TextField):
    """Any value, as JSON."""

    def __init__(self, *, type_name: str, **options: Any) -> None:
        super().__init__(**options)
        self.type_name = type_name

    def clean(self, value: Any) -> Any:
        """Give the value that the JSON says."""
        text = super().clean(value)
        if not text.strip():
            return None
        try:
            return json.loads(text, parse_constant=_refuse)
        except RecursionError as trouble:
            raise ValidationError("This JSON is nested too deeply.") from trouble
        except ValueError as trouble:
            where = f" (line {trouble.lineno})" if isinstance(trouble, json.JSONDecodeError) else ""
            raise ValidationError(
                f"This is not valid JSON{where}; a {self.type_name} is expected."
            ) from trouble


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
