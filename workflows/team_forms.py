"""What a browser may send about teams, invitations and those who join."""

from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import User

from workflows.models import Role
from workflows.models.invitation import LONGEST_NOTE

#: What each role may do, as pages say it.
ROLES = {
    Role.VIEWER: "looks at workflows and runs",
    Role.RUNNER: "also starts runs, answers and decides",
    Role.EDITOR: "also draws and publishes",
    Role.OWNER: "also says who belongs to the team",
}


class TeamForm(forms.Form):
    """What a team is called."""

    name = forms.CharField(max_length=80, label="Name")


class RoleForm(forms.Form):
    """A role to give."""

    role = forms.ChoiceField(choices=[(role, role.label) for role in Role])


class InvitationForm(forms.Form):
    """Whom to invite, and as what."""

    note = forms.CharField(
        max_length=LONGEST_NOTE,
        required=False,
        label="For whom",
        help_text="A name or an address, so that you know the link again.",
    )
    role = forms.ChoiceField(
        choices=[(role, f"{role.label}: {said}") for role, said in ROLES.items()],
        initial=Role.RUNNER,
    )


class NewcomerForm(BaseUserCreationForm):  # type: ignore[type-arg]
    """The user name and password of somebody who joins."""

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["username"].widget.attrs.update(autocomplete="username", autofocus=True)
