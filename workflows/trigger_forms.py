"""What a browser may send about triggers."""

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from runner.errors import InputsError, RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs
from workflows.cron import next_after, zone_called
from workflows.forms import StartForm
from workflows.models import Missed, WorkflowVersion
from workflows.models.trigger import LONGEST_TITLE
from workflows.outline import outline_of
from workflows.results import secret_outputs


class TriggerForm(StartForm):
    """What a trigger is called, and the inputs that it always gives."""

    title = forms.CharField(max_length=LONGEST_TITLE, help_text="Its runs are called so.")

    #: Whether the inputs have to be enough for a run by themselves.
    is_whole = True

    def __init__(self, version: WorkflowVersion, data: Mapping[str, Any] | None = None) -> None:
        self.definition = GraphDefinition.from_json(version.definition)
        ports = [
            each if self.is_whole else {**each, "required": False}
            for each in json.loads(version.definition).get("inputs", [])
            if each.get("type") != "artifact"
        ]
        super().__init__(ports, data)
        for name in ("title", *self.own):
            self.fields[name].kind = "text"  # type: ignore[attr-defined]
        inputs = [name for name in self.fields if name.startswith("port-")]
        self.order_fields(["key", "title", *self.own, *inputs])

    #: The names of the fields that only its kind has.
    own: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """Say beside each input what does not fit."""
        given = super().clean()
        if not self.errors:
            try:
                faults = check_inputs(self.definition, self.typed())
            except InputsError as fault:
                faults = fault.faults
            except RunnerError as fault:
                self.add_error(None, fault.sentence)
                return given
            self.blame({name: each for name, each in faults.items() if self._counts(name)})
        return given

    def _counts(self, name: str) -> bool:
        """Whether a fault of an input is one: what is not typed may still come with a request."""
        return self.is_whole or name in self.typed()

    def typed(self) -> dict[str, Any]:
        """Give the inputs that were typed, by port."""
        found = self.inputs()
        return found if self.is_whole else {n: v for n, v in found.items() if v not in ("", [], {})}


class ScheduleForm(TriggerForm):
    """When to start, and what to do about times at which no server was there."""

    cron = forms.CharField(
        max_length=120,
        label="When",
        help_text="Minute, hour, day of the month, month, weekday: 30 7 * * 1-5 is half past "
        "seven from Monday to Friday; @hourly, @daily, @weekly and @monthly are known, too.",
    )
    zone = forms.CharField(
        max_length=64,
        label="Time zone",
        initial="UTC",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    missed = forms.ChoiceField(choices=Missed, label="Times that were missed")
    own = ("cron", "zone", "missed")

    def clean_zone(self) -> str:
        """Refuse a zone that there is not."""
        name: str = self.cleaned_data["zone"]
        try:
            zone_called(name)
        except RunnerError as fault:
            raise forms.ValidationError(fault.sentence) from None
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse what is no cron expression."""
        given = super().clean()
        cron, zone = self.cleaned_data.get("cron"), self.cleaned_data.get("zone")
        if cron and zone:
            try:
                next_after(cron, zone_called(zone), timezone.now())
            except RunnerError as fault:
                self.add_error("cron", fault.sentence)
        return given


class WebhookForm(TriggerForm):
    """What becomes of a request's body, and whether its answer waits for an output."""

    body_port = forms.ChoiceField(required=False, label="The body is")
    answer_port = forms.ChoiceField(required=False, label="The answer")
    own = ("body_port", "answer_port")
    is_whole = False

    def __init__(self, version: WorkflowVersion, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(version, data)
        body: Any = self.fields["body_port"]
        body.choices = [("", "an object of values by input")] + [
            (each.name, f"the input {each.title or each.name}") for each in self.definition.inputs
        ]
        secret = secret_outputs(outline_of(version.definition))
        answer: Any = self.fields["answer_port"]
        answer.choices = [("", "comes at once, with the address of the run")] + [
            (each.name, f"waits for {each.title or each.name}")
            for each in self.definition.outputs
            if each.name not in secret
        ]


def time_zones() -> list[str]:
    """Name the time zones to choose from."""
    return sorted(available_timezones())
