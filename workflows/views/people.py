"""Signing in and out, and what a person has here."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from workflows.client_address import address_of
from workflows.http import Request
from workflows.models import AuditEvent, Membership
from workflows.rights_bell import ring_for

WAIT = "That was wrong too often: try again in an hour, or ask an owner of your team for help."
REFUSED = "This user name and password do not belong together; capital letters count."


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who is there; one sentence says what was wrong."""
    goal = _goal(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(goal)
    form = AuthenticationForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        AuditEvent.objects.record(form.get_user(), "signed in", None, f"from {address_of(request)}")
        return HttpResponseRedirect(goal, status=303)
    form.fields["username"].widget.attrs.update(autocomplete="username")
    fault = REFUSED if form.is_bound else ""
    page = {"form": form, "fault": fault, "next": goal}
    return render(request, "people/sign_in.html", page, status=422 if fault else 200)


def locked_out(request: HttpRequest, _given: Any = None, *_args: Any, **_more: Any) -> HttpResponse:
    """Say that nobody signs in by this name from here for an hour; whether it exists stays unsaid."""
    form = AuthenticationForm(request)
    form.fields["username"].widget.attrs.update(autocomplete="username")
    page = {"form": form, "fault": WAIT, "next": _goal(request)}
    return render(request, "people/sign_in.html", page, status=429)


@require_safe
def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send who wants into the admin to the one page where people sign in; who may not is told so."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and whatever this browser still watches."""
    person = request.user
    logout(request)
    if person.is_authenticated:
        AuditEvent.objects.record(person, "signed out", None, f"from {address_of(request)}")
        ring_for([person.pk])
    return HttpResponseRedirect(resolve_url("sign-in"), status=303)


@login_required
@never_cache
@require_GET
def me(request: Request) -> HttpResponse:
    """Say what a person has here: teams, password, colours."""
    memberships = Membership.objects.filter(user=request.user, team__removed_at=None)
    page = {"memberships": memberships.select_related("team").order_by("team__name")}
    return render(request, "people/me.html", page)


@login_required
@never_cache
@sensitive_post_parameters("old_password", "new_password1", "new_password2")
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: Request) -> HttpResponse:
    """Change one's password; other browsers are signed out by it."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        AuditEvent.objects.record(request.user, "changed", None, "their password")
        ring_for([request.user.pk])
        messages.info(request, "Your password is changed; other browsers have to sign in again.")
        return HttpResponseRedirect(resolve_url("me"), status=303)
    return render(
        request, "people/password.html", {"form": form}, status=422 if form.errors else 200
    )


def _goal(request: HttpRequest) -> str:
    """Give the page to go to, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)
