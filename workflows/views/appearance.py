"""How pages look to one person, in this browser."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from runner.run.status import LOOKS
from workflows.http import Request
from workflows.palettes import COOKIE, KEPT_SECONDS, PALETTES, palette_in


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: Request) -> HttpResponse:
    """Offer the palettes, each with every state in it, and keep the one chosen."""
    if request.method != "POST":
        return _page(request)
    chosen = request.POST.get("palette", "")
    if chosen not in PALETTES:
        return _page(request, fault="There is no such palette; choose one of these.")
    messages.info(request, f"Pages in this browser use the palette “{PALETTES[chosen].title}”.")
    answer = HttpResponseRedirect(reverse("appearance"), status=303)
    answer.set_cookie(
        COOKIE,
        chosen,
        max_age=KEPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _page(request: Request, fault: str = "") -> HttpResponse:
    page = {
        "palettes": PALETTES.values(),
        "chosen": palette_in(request.COOKIES),
        "statuses": LOOKS,
        "fault": fault,
    }
    return render(request, "people/appearance.html", page, status=422 if fault else 200)
