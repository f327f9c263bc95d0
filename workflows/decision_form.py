"""What becomes of a task that must not start twice by itself, as a form."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from runner.errors import ValueFault
from runner.graph.ports import Port
from workflows.models.asking import ACTIONS

LONGEST_MESSAGE = 2000
_NOT_BY_PORT = 'Give the outputs as a JSON object by port, like {"result": 1}.'


class DecisionForm(forms.Form):
    """Retry, complete with outputs by port, or fail with a message.

    `ports` are the task's outputs; None where its type is not installed: then nobody can say
    which values fit, and it cannot be completed.
    """

    prefix = "decide"
    action = forms.ChoiceField(choices=[(each, each) for each in sorted(ACTIONS)])
    outputs = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}))
    message = forms.CharField(required=False, max_length=LONGEST_MESSAGE)

    def __init__(
        self, ports: Mapping[str, Port] | None, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.ports = ports
        self.fields["action"].error_messages["required"] = "Say what becomes of the task."
        self.fields["outputs"].initial = json.dumps(dict.fromkeys(ports or ()), indent=2)

    def clean(self) -> dict[str, Any]:
        """Say beside the outputs what does not fit."""
        if self.cleaned_data.get("action") == "complete":
            try:
                self.cleaned_data["outputs"] = self._given(self.cleaned_data.get("outputs", ""))
            except ValidationError as fault:
                self.add_error("outputs", fault)
        return self.cleaned_data

    def decision(self, path: str) -> dict[str, Any]:
        """Give what is asked of the run."""
        action = self.cleaned_data["action"]
        more = {"complete": ("outputs",), "fail": ("message",)}.get(action, ())
        return {"path": path, "action": action, **{key: self.cleaned_data[key] for key in more}}

    def _given(self, text: str) -> dict[str, Any]:
        if self.ports is None:
            raise ValidationError("The task's type is not installed, so no output can be checked.")
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise ValidationError(_NOT_BY_PORT) from None
        if not isinstance(given, dict):
            raise ValidationError(_NOT_BY_PORT)
        self._check(given, self.ports)
        return given

    def _check(self, given: Mapping[str, Any], ports: Mapping[str, Port]) -> None:
        for name in given:
            if name not in ports:
                raise ValidationError(f"The task has no output {name!r:.80}.")
        for name, port in ports.items():
            if name not in given:
                raise ValidationError(f"A value for port {name} is missing.")
            try:
                port.encode(given[name])
            except ValueFault as fault:
                raise ValidationError(f"Port {name}: {fault}") from None
