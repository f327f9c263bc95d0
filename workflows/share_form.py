"""What a browser may send about share links, and what a guest sends to be let in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms

from workflows.models.share import LONGEST_NOTE, Audience
from workflows.outline import Outline
from workflows.redacting import Scope, shareable_ports

LIVES = {
    "1h": ("One hour", timedelta(hours=1)),
    "7d": ("Seven days", timedelta(days=7)),
    "30d": ("Thirty days", timedelta(days=30)),
}
LONGEST_TOKEN = 400
LONGEST_PASSWORD = 200
_DEPTH = "\u2003"


class ShareForm(forms.Form):
    """What a link shows, to whom, and for how long."""

    task = forms.ChoiceField(required=False, label="What")
    ports = forms.MultipleChoiceField(
        required=False,
        label="With these outputs",
        widget=forms.CheckboxSelectMultiple,
        help_text="None: guests see names, states and progress only.",
    )
    audience = forms.ChoiceField(
        choices=Audience.choices,
        initial=Audience.ANYONE,
        widget=forms.RadioSelect,
        label="Who",
    )
    life = forms.ChoiceField(
        choices=[(key, words) for key, (words, _) in LIVES.items()],
        initial="7d",
        label="For how long",
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        label="Password",
        help_text="Guests are asked for it too. Leave it empty for none.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        label="Note",
        help_text="Whom it is for, so that you know the link again.",
    )

    def __init__(self, outline: Outline, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._pairs = {f"{path}.{port}": (path, port) for path, port in shareable_ports(outline)}
        self.choices_of("task", [("", "The whole run"), *_tasks(outline)])
        self.choices_of("ports", [(name, name) for name in self._pairs])
        for bound in self.visible_fields():
            if bound.help_text:
                bound.field.widget.attrs["aria-describedby"] = f"{bound.auto_id}_helptext"

    def choices_of(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Offer these choices in a field."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - says so to the type checker
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Refuse outputs of tasks that the link does not show."""
        found: dict[str, Any] = super().clean() or {}
        shown = Scope(task=found.get("task") or "")
        outside = [each for each in found.get("ports", ()) if not shown.has(self._pairs[each][0])]
        if outside:
            self.add_error(
                "ports", f"{', '.join(outside)}: not of this task. Share the whole run, or untick."
            )
        return found

    def scope(self) -> Scope:
        """Give what the link is to show."""
        chosen = self.cleaned_data.get("ports", ())
        return Scope(
            task=self.cleaned_data.get("task") or "",
            ports=frozenset(self._pairs[each] for each in chosen),
        )

    def wishes(self) -> dict[str, Any]:
        """Give all that is said about the link, as `share` takes it."""
        scope, given = self.scope(), self.cleaned_data
        return {
            "task": scope.task,
            "ports": scope.ports,
            "audience": given["audience"],
            "life": LIVES[given["life"]][1],
            "password": given["password"],
            "note": given["note"],
        }


class OpenForm(forms.Form):
    """A link that somebody was given, as a whole or its end alone, and its password, if any."""

    token = forms.CharField(
        max_length=LONGEST_TOKEN,
        label="The link that you were given",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off"}),
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        label="Its password, if it has one",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


def _tasks(outline: Outline) -> Iterator[tuple[str, str]]:
    for place in outline.places.values():
        yield place.path, f"{_DEPTH * place.depth}{place.title}"
