"""A person's credentials: kept, replaced and removed here, and shown nowhere."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from runner.errors import RunnerError
from workflows import background
from workflows.credential_form import CredentialForm
from workflows.http import Request
from workflows.models.credential import (
    keep_credential,
    remove_credential,
    waiting_for_credentials,
)


@login_required
@never_cache
@sensitive_post_parameters("text")
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Request) -> HttpResponse:
    """The person's credentials, and a form to keep one more or replace one."""
    if request.method != "POST":
        return _page(request, CredentialForm(initial=_asked(request)))
    form = CredentialForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            kept = keep_credential(
                request.user,
                given["name"],
                given["text"],
                hosts=given["hosts"],
                scopes=given["scopes"],
                expires_at=given["expires"],
            )
        except RunnerError as fault:
            form.add_error(None, fault.sentence)
        else:
            transaction.on_commit(background.wake)
            messages.info(request, f"The credential {kept} is kept; runs that wait for it go on.")
            goal = "waiting-list" if request.GET.get("from") == "waiting" else "credential-list"
            return HttpResponseRedirect(reverse(goal), status=303)
    return _page(request, form, status=422)


def _asked(request: Request) -> dict[str, str]:
    """Give what the form begins with: what a task needs, beside what the credential has so far."""
    asked = {name: request.GET.get(name, "") for name in ("name", "hosts", "scopes")}
    kept = request.user.credentials.filter(name=asked["name"]).first()
    before = {"hosts": kept.hosts, "scopes": kept.scopes} if kept else {}
    for name, text in before.items():
        asked[name] = " ".join(dict.fromkeys([*text.split(), *asked[name].split()]))
    return asked


@login_required
@require_POST
def remove(request: Request, id: UUID) -> HttpResponse:
    """Forget a credential."""
    credential = get_object_or_404(request.user.credentials, pk=id)
    remove_credential(credential, request.user)
    messages.info(
        request, f"The credential {credential} is removed; tasks that ask for it now wait."
    )
    return HttpResponseRedirect(reverse("credential-list"), status=303)


def _page(request: Request, form: CredentialForm, status: int = 200) -> HttpResponse:
    page = {
        "form": form,
        "credentials": request.user.credentials.order_by("name"),
        "waiting": waiting_for_credentials(request.user).select_related("version__workflow"),
    }
    return render(request, "people/credentials.html", page, status=status)
