"""The search: a page, and the part of it that the dialog shows."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows.http import Request
from workflows.searching import MOST_LETTERS, found


@login_required
@never_cache
@require_safe
def search(request: Request) -> HttpResponse:
    """Show what fits the words."""
    words = request.GET.get("q", "")[:MOST_LETTERS].replace("\0", "")
    page = {"section": "search", "words": words, "kinds": found(request.user, words)}
    part = "#hits" if request.htmx else ""
    return render(request, f"search.html{part}", page)
