"""The guests' way: in by a link's token, then to a page of their own that says little.

The token stands behind the link's `#`, so that no log and no other site ever sees it. The page's
script sends it once; from then on a cookie that only this link's page is sent knows the guest.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from workflows.arrangement import stylesheet
from workflows.client_address import address_of
from workflows.folding import folding_of
from workflows.guest_page import address_of as address_of_link
from workflows.guest_page import guest_page
from workflows.guests import admit, belongs, may_try, signed_visit, visit_of
from workflows.models import ShareLink, ShareToken
from workflows.outline import outline_of
from workflows.redacting import scope_of
from workflows.share_form import OpenForm

#: What is said of any link that does not open, whatever the cause.
CLOSED = (
    "Nothing opens with this. The link may be incomplete, have ended or been turned off, "
    "or need another password."
)
TOO_MANY = "Too many links were tried from where you are; try again in a minute."

type View = Callable[..., HttpResponse]


def kept_to_itself(view: View) -> View:
    """Let no cache, no search engine and no other site know of an answer."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(*args, **kwargs)
        patch_cache_control(answer, private=True, no_store=True)
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["X-Robots-Tag"] = "noindex"
        return answer

    return guarded


@kept_to_itself
@sensitive_post_parameters("token", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest) -> HttpResponse:
    """Take the token that the page read from its own address, or that somebody pasted."""
    if request.method != "POST":
        return render(request, "shares/open.html", {"form": OpenForm()})
    address, form = address_of(request), OpenForm(request.POST)
    if not may_try(address):
        return render(request, "shares/open.html", {"form": form, "fault": TOO_MANY}, status=429)
    given = form.cleaned_data if form.is_valid() else {}
    token = admit(given.get("token", ""), given.get("password", ""), address)
    if token is None:
        return render(request, "shares/open.html", {"form": form, "fault": CLOSED}, status=404)
    return _let_in(token)


def _let_in(token: ShareToken) -> HttpResponse:
    address = address_of_link(token.link)
    answer = HttpResponseRedirect(address, status=303)
    answer.set_cookie(
        settings.SHARE_COOKIE_NAME,
        signed_visit(token),
        max_age=settings.SHARE_VISIT,
        path=address,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )
    return answer


@kept_to_itself
@require_safe
def show(request: HttpRequest, id: UUID) -> HttpResponse:
    """Show a guest what their link shows of a run."""
    link = _link_of(request, id)
    if not isinstance(link, ShareLink):
        return link
    address = address_of_link(link)
    scope = scope_of(link)
    view = request.GET.get("view", "tree")
    page = guest_page(link.run, scope, view, query=request.GET, guest=address)
    if request.headers.get("HX-Request"):
        is_result = request.GET.get("part") == "result"
        part = (
            "shares/show.html#shared" if is_result else f"runs/{page['view']}.html#{page['view']}"
        )
        return render(request, part, page)
    member = link.run if belongs(link, request.user) else None
    return render(request, "shares/show.html", page | {"link": link, "member_of": member})


@kept_to_itself
@require_safe
def drawing(request: HttpRequest, id: UUID) -> HttpResponse:
    """Give the positions of the drawing, as it is folded, as a stylesheet."""
    link = _link_of(request, id)
    if not isinstance(link, ShareLink):
        return link
    definition = link.run.version.definition
    folding = folding_of(outline_of(definition), dict(request.GET.lists()))
    text = stylesheet(definition, folding.closed) if not link.task else ""
    return HttpResponse(text, content_type="text/css; charset=utf-8")


def _link_of(request: HttpRequest, id: UUID) -> ShareLink | HttpResponse:
    """Give the link that a guest was let in by, or the answer for who was not (any more)."""
    visit = visit_of(request.COOKIES, id)
    if visit is None:
        page = {"form": OpenForm(), "fault": CLOSED}
        return render(request, "shares/open.html", page, status=404)
    link = visit.link
    if not visit.is_open:
        return render(request, "shares/over.html", {"link": link}, status=410)
    if link.is_for_team and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if link.is_for_team and not belongs(link, request.user):
        page = {"form": OpenForm(), "fault": CLOSED}
        return render(request, "shares/open.html", page, status=404)
    return link
