"""The panel's form for a task's policy: what is left empty is as the task type says."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from runner.errors import ValueFault
from runner.graph.policy import QUEUE, Policy

_RETRY = ("attempts", "delay", "factor", "cap", "jitter", "errors")
_NONE = "none"
_FLAGS = (("yes", "yes"), ("no", "no"))
_HERE = "here"
_PLACES = ((_HERE, "where its run is driven"), (QUEUE, "in the job queue"))
_CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "jitter": _FLAGS, "cache": _FLAGS, "place": _PLACES,
}  # fmt: skip


def _number(text: str) -> Any:
    try:
        number = json.loads(text)
    except (ValueError, RecursionError):
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValidationError("This must be a number, such as 2.5.")
    return number


def _limit(text: str) -> Any:
    return None if text.casefold() == _NONE else _number(text)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.replace(",", "\n").splitlines() if each.strip()]


_READ: Mapping[str, Callable[[str], Any]] = {
    "attempts": _number, "delay": _number, "factor": _number, "cap": _number,
    "jitter": lambda text: text == "yes", "errors": _names, "timeout": _limit,
    "idle_timeout": _limit, "cache": lambda text: text == "yes", "group": str,
    "place": lambda text: "" if text == _HERE else text, "priority": _number,
    "run_after": _number, "deadline": _limit, "dedupe": str,
}  # fmt: skip
_LABELS = {
    "attempts": ("Attempts", "How often it is tried in all, 1 to 10."),
    "delay": ("Delay", "Seconds before the second attempt."),
    "factor": ("Factor", "Each delay is so many times the one before."),
    "cap": ("Longest delay", "Seconds."),
    "jitter": ("Vary delays", ""),
    "errors": ("Only these errors", "Names of exception types; empty: all that may be retried."),
    "timeout": ("Time for one attempt", "Seconds, or none."),
    "idle_timeout": ("Silence at most", "Seconds without a chunk or progress, or none."),
    "cache": ("Keep its results for later runs", ""),
    "group": ("Group", "Tasks of a group share its slots in a run, and its limits in the queue."),
    "place": ("Runs", ""),
    "priority": ("Priority", "In the job queue, from -100 to 100; higher ones go first."),
    "run_after": ("Not before", "Seconds that pass in the job queue before it begins."),
    "deadline": ("Deadline", "Seconds after which its job fails, or none."),
    "dedupe": ("Same job", "A key: the same work is done once at a time in the job queue."),
}


class PolicyForm(forms.Form):
    """Retry, times, cache, group and place of one task."""

    def __init__(
        self, policy: Mapping[str, Any], data: Mapping[str, Any] | None, own: Policy
    ) -> None:
        """Take the drawn task's `policy` and that of its type."""
        super().__init__(data, prefix="policy")
        self.policy = policy
        known = {**policy, **(policy.get("retry") or {})}
        by_itself = {each: getattr(own.retry, each) for each in _RETRY}
        by_itself |= {each: getattr(own, each) for each in _READ.keys() - set(_RETRY)}
        for name, (label, help_text) in _LABELS.items():
            self.fields[name] = _field(name, label, help_text, _told(name, by_itself[name]))
            if name in known:
                self.fields[name].initial = _asked(name, known[name])

    def clean(self) -> dict[str, Any]:
        """Read each field, and say what makes no sense in the words of the policy itself."""
        for name, read in _READ.items():
            text = str(self.cleaned_data.get(name) or "").strip()
            try:
                self.cleaned_data[name] = read(text) if text else None
                if text:
                    Policy().overridden(_document(name, self.cleaned_data[name]))
            except ValidationError as fault:
                self.add_error(name, fault)
            except ValueFault as fault:
                self.add_error(name, fault.sentence)
        return self.cleaned_data

    def document(self) -> dict[str, Any]:
        """Give the policy as it stands in JSON; what the form does not know stays."""
        known = {name: value for name, value in self.policy.items() if name not in _READ}
        retry = known.pop("retry", None) or {}
        retry = {name: value for name, value in retry.items() if name not in _RETRY}
        for name in _READ:
            text = str(self.data.get(self.add_prefix(name)) or "").strip()
            if text:
                (retry if name in _RETRY else known)[name] = self.cleaned_data[name]
        return known | ({"retry": retry} if retry else {})


def _document(name: str, value: Any) -> dict[str, Any]:
    return {"retry": {name: value}} if name in _RETRY else {name: value}


def _field(name: str, label: str, help_text: str, by_itself: str) -> forms.Field:
    if name in _CHOICES:
        choices = [("", f"as its type says: {by_itself}"), *_CHOICES[name]]
        return forms.ChoiceField(
            label=label, help_text=help_text, choices=choices, required=False,
            error_messages={"invalid_choice": "Choose one of the list."},
        )  # fmt: skip
    field = forms.CharField(label=label, help_text=help_text, required=False, max_length=2000)
    field.widget.attrs["placeholder"] = by_itself
    return field


def _asked(name: str, value: Any) -> str:
    """Give what the form would have to say to get a value."""
    return value or _HERE if name == "place" else _said(value)


def _told(name: str, value: Any) -> str:
    """Say the value of a type as a person reads it."""
    return dict(_PLACES)[_asked(name, value)] if name == "place" else _said(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return _NONE
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
