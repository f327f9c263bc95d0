"""Which runs a list shows: asked in its address, said in words, found in the database."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from runner.run.status import LOOKS, RunStatus
from workflows.models import Run, Team, Workflow
from workflows.models.team import Person

LONGEST_SEARCH = 200
_ID = re.compile(r"[0-9a-f]{4,32}")


class MomentField(forms.DateTimeField):
    """A moment that the database can hold: near the ends of time, not every zone can."""

    def clean(self, value: Any) -> Any:
        """Give the moment in UTC."""
        moment = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as trouble:
            raise ValidationError("This moment is out of range.") from trouble


def _day() -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))


class RunFilterForm(forms.Form):
    """Which runs to list; what makes no sense is left out."""

    q = forms.CharField(
        required=False,
        max_length=LONGEST_SEARCH,
        label="Search",
        widget=forms.TextInput(attrs={"data-key": "/"}),
    )
    status = forms.ChoiceField(
        required=False,
        choices=[("", "any state"), *((each.value, LOOKS[each.value].word) for each in RunStatus)],
    )
    workflow = forms.ModelChoiceField(
        Workflow.objects.none(), required=False, empty_label="any workflow"
    )
    by = forms.ModelChoiceField(
        get_user_model().objects.none(), required=False, empty_label="anybody", label="Started by"
    )
    since = _day()
    until = _day()
    before = MomentField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, person: Person) -> None:
        super().__init__(data)
        teams = Team.objects.visible_to(person)
        fields: Mapping[str, Any] = self.fields
        fields["workflow"].queryset = Workflow.objects.visible_to(person).order_by("title")
        people = get_user_model().objects.filter(memberships__team__in=teams)
        fields["by"].queryset = people.distinct().order_by("username")
        fields["q"].widget.attrs |= {
            "type": "search",
            "placeholder": "Label, workflow, person or id",
            "data-key": "/",
        }
        for name in ("status", "workflow", "by", "since", "until"):
            fields[name].widget.attrs["class"] = "filter-part"
        self.is_valid()

    @property
    def wanted(self) -> dict[str, Any]:
        """What is asked for, by field; nothing of what is left out or makes no sense."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def address(self, **more: Any) -> str:
        """Write the filter as a query, without the place in the list."""
        kept = {name: value for name, value in self.wanted.items() if name != "before"}
        return urlencode({name: getattr(each, "pk", each) for name, each in kept.items()} | more)

    def in_words(self) -> str:
        """Say what is asked for; empty without a filter."""
        return " ".join(
            _WORDS[name](value) for name, value in self.wanted.items() if name in _WORDS
        )

    def applied(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """Give those of the runs that are asked for, newest first."""
        for name, value in self.wanted.items():
            runs = runs.filter(_CONDITIONS[name](value))
        return runs.select_related("version__workflow", "started_by").order_by("-created_at")


def _found(words: str) -> Q:
    """Find what a person typed in a run's label, workflow and person, or at its id's beginning."""
    found = Q(label__icontains=words) | Q(started_by__username__icontains=words)
    found |= Q(version__workflow__title__icontains=words) | Q(version__workflow__name=words)
    digits = words.lower().replace("-", "")
    if _ID.fullmatch(digits):
        first, last = (uuid.UUID(digits.ljust(32, end)) for end in "0f")
        found |= Q(id__gte=first, id__lte=last)
    return found


def _from_day(day: Any) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _until_day(day: Any) -> Q:
    try:
        return Q(created_at__lt=_from_day(day + timedelta(days=1)))
    except OverflowError:
        return Q()  # the last day of all


_CONDITIONS: Mapping[str, Any] = {
    "q": _found,
    "status": lambda value: Q(status=value),
    "workflow": lambda value: Q(version__workflow=value),
    "by": lambda value: Q(started_by=value),
    "since": lambda value: Q(created_at__gte=_from_day(value)),
    "until": _until_day,
    "before": lambda value: Q(created_at__lt=value),
}
_WORDS: Mapping[str, Any] = {
    "workflow": lambda value: f"of {value}",
    "by": lambda value: f"by {value}",
    "status": lambda value: f"is {value}",
    "q": lambda value: f"with “{value}”",
    "since": lambda value: f"since {value:%d %b %Y}",
    "until": lambda value: f"until {value:%d %b %Y}",
}
