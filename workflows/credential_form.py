"""What a browser may send about a credential."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone

from workflows.models.credential import LONGEST_NAME

LONGEST_TEXT = 16 * 1024
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_NAMED = RegexValidator(r"^[A-Za-z0-9_.-]+\Z", "Use letters, digits, dots, dashes and underscores.")


class CredentialForm(forms.Form):
    """A name, the secret text, where it may go, and until when it is taken."""

    name = forms.CharField(
        max_length=LONGEST_NAME,
        validators=[_NAMED],
        help_text="As the tasks that need it call it, such as github.",
    )
    text = forms.CharField(
        max_length=LONGEST_TEXT,
        label="Token",
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It can be replaced, and never read here again.",
    )
    hosts = forms.CharField(
        max_length=2000,
        help_text="The hosts it may be sent to, with spaces between them, such as api.github.com.",
    )
    scopes = forms.CharField(
        max_length=2000,
        required=False,
        help_text="What it was issued for, in the words of its issuer, if a task asks for that.",
    )
    expires = forms.DateField(
        required=False,
        label="Ends on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From that day on no task is given it.",
    )

    def clean_hosts(self) -> list[str]:
        """Give the host names, in small letters."""
        hosts = [each.rstrip(".") for each in self.cleaned_data["hosts"].lower().split()]
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise forms.ValidationError(f"“{host[:60]}” is no host name; leave out https:// and paths.")  # fmt: skip
        return list(dict.fromkeys(hosts))

    def clean_scopes(self) -> list[str]:
        """Give the scopes one by one."""
        return list(dict.fromkeys(self.cleaned_data["scopes"].split()))

    def clean_expires(self) -> datetime | None:
        """Give the moment at which that day begins."""
        day: Any = self.cleaned_data["expires"]
        if day is None:
            return None
        moment = timezone.make_aware(datetime.combine(day, datetime.min.time()))
        if moment <= timezone.now():
            raise forms.ValidationError("That day is past; leave it empty for one without an end.")
        return moment
