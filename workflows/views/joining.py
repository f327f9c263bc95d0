"""Joining a team by the link of an invitation.

The link's token stands behind its `#`, so that no log and no other site ever sees it; the page
sends it once, and from then on the session knows the invitation.
"""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from runner.errors import DefinitionError
from workflows.models import Invitation, Role
from workflows.models.belonging import GONE, invitation_of, join
from workflows.team_forms import ROLES, NewcomerForm

_KEY = "invitation"


@never_cache
@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take the token that the page read from its own address, or that somebody pasted."""
    if request.method != "POST":
        return render(request, "people/join.html")
    token = request.POST.get("token", "").strip().rpartition("#")[2]
    invitation = invitation_of(token)
    if invitation is None:
        return render(request, "people/join.html", {"fault": GONE}, status=404)
    request.session[_KEY] = str(invitation.pk)
    return HttpResponseRedirect(reverse("join-accept"), status=303)


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Let a person in: who is signed in by one press, anybody else with a new user name."""
    invitation = _invitation(request)
    if invitation is None:
        return render(request, "people/join.html", {"fault": GONE}, status=404)
    form = (
        None
        if request.user.is_authenticated
        else NewcomerForm(request.POST if request.method == "POST" else None)
    )
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            _let_in(request, invitation, form)
        except DefinitionError as fault:
            return render(request, "people/join.html", {"fault": fault.sentence}, status=404)
        messages.info(request, f"Welcome to {invitation.team}.")
        return HttpResponseRedirect(reverse("home"), status=303)
    page = {"invitation": invitation, "form": form, "said": ROLES[Role(invitation.role)]}
    return render(
        request, "people/join.html", page, status=422 if form is not None and form.errors else 200
    )


def _invitation(request: HttpRequest) -> Invitation | None:
    known: str | None = request.session.get(_KEY)
    open_ones = Invitation.objects.open().select_related("team", "created_by")
    return open_ones.filter(pk=known).first() if known else None


def _let_in(request: HttpRequest, invitation: Invitation, form: NewcomerForm | None) -> None:
    with transaction.atomic():
        person = request.user if form is None else form.save()
        if not isinstance(person, User):
            raise DefinitionError(GONE)
        join(invitation, person)
    del request.session[_KEY]
    if form is not None:
        login(request, person, backend="django.contrib.auth.backends.ModelBackend")
