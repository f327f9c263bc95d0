"""The list of runs, and the filters that a person keeps of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from workflows.http import Request
from workflows.models import Run, SavedFilter
from workflows.models.saved_filter import LONGEST_NAME, LONGEST_QUERY
from workflows.run_filter import RunFilterForm

PAGE = 50


class SaveFilterForm(forms.Form):
    """A name for a filter, and the filter."""

    name = forms.CharField(max_length=LONGEST_NAME)
    query = forms.CharField(max_length=LONGEST_QUERY)


@login_required
@require_safe
def index(request: Request) -> HttpResponse:
    """List runs, newest first; the address is the filter."""
    form = RunFilterForm(request.GET, person=request.user)
    runs = list(form.applied(Run.objects.visible_to(request.user))[: PAGE + 1])
    query = form.address()
    page = {
        "section": "runs",
        "form": form,
        "runs": runs[:PAGE],
        "filtered": form.in_words(),
        "query": query,
        "saved": _saved(request, query),
        "longest_name": LONGEST_NAME,
        "older": form.address(before=runs[PAGE - 1].created_at) if len(runs) > PAGE else "",
    }
    return render(request, f"runs/list.html{'#results' if request.htmx else ''}", page)


def _saved(request: Request, query: str) -> list[dict[str, Any]]:
    kept = SavedFilter.objects.filter(person=request.user.pk).order_by("name")
    return [
        {"id": each.pk, "name": each.name, "query": each.query, "is_here": each.query == query}
        for each in kept
    ]


@login_required
@require_POST
def save(request: Request) -> HttpResponse:
    """Keep a filter under a name; one of the same name is replaced."""
    form = SaveFilterForm(request.POST)
    form.is_valid()
    query = RunFilterForm(
        QueryDict(form.cleaned_data.get("query", "")), person=request.user
    ).address()
    refusal = _refusal(request, form, query)
    if refusal:
        messages.info(request, refusal)
    else:
        SavedFilter.objects.update_or_create(
            person_id=request.user.pk,
            name=form.cleaned_data["name"],
            defaults={"query": query},
        )
    return _back(query)


def _refusal(request: Request, form: SaveFilterForm, query: str) -> str:
    """Say why a filter cannot be kept; empty when it can."""
    if "name" in form.errors:
        return f"A filter needs a name of at most {LONGEST_NAME} characters."
    if not query or len(query) > LONGEST_QUERY:
        return "There is no filter to keep."
    others = SavedFilter.objects.filter(person=request.user.pk).exclude(
        name=form.cleaned_data["name"]
    )
    if others.count() >= settings.SAVED_FILTERS:
        return f"You keep {settings.SAVED_FILTERS} filters already; remove one first."
    return ""


@login_required
@require_POST
def remove(request: Request, id: int) -> HttpResponse:
    """Forget a filter that the person kept."""
    kept = SavedFilter.objects.filter(pk=id, person=request.user.pk).first()
    if kept is None:
        raise Http404
    kept.delete()
    return _back(kept.query)


def _back(query: str) -> HttpResponse:
    address = reverse("run-list")
    return HttpResponseRedirect(f"{address}?{query}" if query else address, status=303)
