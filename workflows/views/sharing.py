"""Sharing a run: its links made, copied, looked through and turned off by those who may."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from runner.errors import RunnerError
from workflows.access import shareable_run_for
from workflows.guest_page import guest_page
from workflows.http import Request
from workflows.models import Run
from workflows.models.share import revoke, share, share_again
from workflows.outline import outline_for
from workflows.share_form import ShareForm


@login_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def links(request: Request, id: UUID) -> HttpResponse:
    """List a run's links, and make another; it is shown this once."""
    run = shareable_run_for(request.user, id)
    if request.method != "POST":
        return _page(request, run, ShareForm(outline_for(run), initial={"task": _asked(request)}))
    form = ShareForm(outline_for(run), request.POST)
    if not form.is_valid():
        return _page(request, run, form, status=422)
    try:
        link, token = share(run, request.user, **form.wishes())
    except RunnerError as fault:
        form.add_error(None, str(fault))
        return _page(request, run, form, status=422)
    return _page(
        request, run, ShareForm(outline_for(run)), made=link, address=_whole(request, token)
    )


@login_required
@never_cache
@require_POST
def copy(request: Request, id: UUID, link: UUID) -> HttpResponse:
    """Give a link once more: another token for the same, shown this once."""
    run = shareable_run_for(request.user, id)
    found = get_object_or_404(run.share_links, pk=link)
    form = ShareForm(outline_for(run))
    try:
        token = share_again(found, request.user)
    except RunnerError as fault:
        return _page(request, run, form, fault=str(fault), status=422)
    return _page(request, run, form, made=found, address=_whole(request, token))


@login_required
@require_POST
def turn_off(request: Request, id: UUID, link: UUID) -> HttpResponse:
    """Turn a link off; whoever watches by it is sent away."""
    run = shareable_run_for(request.user, id)
    revoke(get_object_or_404(run.share_links, pk=link), request.user)
    if request.htmx:
        return _page(request, run, ShareForm(outline_for(run)))
    messages.info(request, "That link shows nothing any more.")
    return HttpResponseRedirect(reverse("run-share", args=[run.pk]), status=303)


@login_required
@never_cache
@require_POST
def preview(request: Request, id: UUID) -> HttpResponse:
    """Show a run as the guests of a link would see it that is about to be made."""
    run = shareable_run_for(request.user, id)
    form = ShareForm(outline_for(run), request.POST)
    if not form.is_valid():
        return _page(request, run, form, status=422)
    page = guest_page(run, form.scope(), "tree", query=request.GET, guest="")
    return render(request, "shares/show.html", page | {"preview": run})


def _page(
    request: Request, run: Run, form: ShareForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    page = {
        "section": "runs",
        "run": run,
        "form": form,
        "links": run.share_links.select_related("made_by").order_by("-made_at"),
        **more,
    }
    part = "#sharing" if request.htmx else ""
    return render(request, f"shares/links.html{part}", page, status=status)


def _whole(request: Request, token: str) -> str:
    return f"{request.build_absolute_uri(reverse('share-open'))}#{token}"


def _asked(request: Request) -> str:
    return request.GET.get("task", "")
