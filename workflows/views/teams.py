"""Teams: who belongs to them, in which role, and who is invited."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from runner.errors import DefinitionError
from workflows.access import may, team_for
from workflows.http import Request
from workflows.models import AuditEvent, Membership, Right, Team
from workflows.models.belonging import change_role, found, invite, rename, take_back
from workflows.models.belonging import remove as remove_from_team
from workflows.models.leaving import remove_team
from workflows.team_forms import ROLES, InvitationForm, RoleForm, TeamForm

ACTS_SHOWN = 20


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: Request) -> HttpResponse:
    """The person's teams, and a form to found one."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            team = found(form.cleaned_data["name"], request.user)
        except DefinitionError as fault:
            form.add_error("name", fault.sentence)
        else:
            return _to(team)
    memberships = Membership.objects.filter(user=request.user, team__removed_at=None)
    page = {
        "section": "teams",
        "memberships": memberships.select_related("team").order_by("team__name"),
        "form": form,
    }
    return render(request, "people/teams.html", page, status=422 if form.errors else 200)


@login_required
@never_cache
@require_GET
def show(request: Request, slug: str) -> HttpResponse:
    """Who belongs to a team; for its owners also who is invited and what was done."""
    return _page(request, team_for(request.user, slug))


@login_required
@never_cache
@require_POST
def invitation(request: Request, slug: str) -> HttpResponse:
    """Make a link that lets one person in; it is shown this once."""
    team = team_for(request.user, slug, Right.OWN)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _page(request, team, form=form, status=422)
    try:
        made, token = invite(
            team, form.cleaned_data["role"], form.cleaned_data["note"], request.user
        )
    except DefinitionError as fault:
        form.add_error(None, fault.sentence)
        return _page(request, team, form=form, status=422)
    link = f"{request.build_absolute_uri(reverse('join'))}#{token}"
    return _page(request, team, link=link, made=made)


@login_required
@require_POST
def uninvite(request: Request, slug: str, id: str) -> HttpResponse:
    """Take an invitation back."""
    team = team_for(request.user, slug, Right.OWN)
    take_back(get_object_or_404(team.invitations, pk=id), request.user)
    messages.info(request, "That link lets nobody in any more.")
    return _to(team)


@login_required
@require_POST
def role(request: Request, slug: str, user: int) -> HttpResponse:
    """Give a member another role."""
    team = team_for(request.user, slug, Right.OWN)
    member = get_object_or_404(team.memberships.select_related("user"), user=user)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role; choose one of the list.")
        return _to(team)
    wanted = form.cleaned_data["role"]
    _try(request, lambda: change_role(member, wanted, request.user), f"{member.user} is {wanted} now.")  # fmt: skip
    return _to(team)


@login_required
@require_POST
def remove(request: Request, slug: str, user: int) -> HttpResponse:
    """Take a person out of the team: an owner anybody, everybody themselves."""
    own = user == request.user.pk
    team = team_for(request.user, slug, Right.VIEW if own else Right.OWN)
    member = get_object_or_404(team.memberships.select_related("user", "team"), user=user)
    said = f"You have left {team}." if own else f"{member.user} does not belong to {team} any more."
    gone = _try(request, lambda: remove_from_team(member, request.user), said)
    return HttpResponseRedirect(reverse("team-list"), status=303) if own and gone else _to(team)


@login_required
@require_POST
def name(request: Request, slug: str) -> HttpResponse:
    """Call a team otherwise."""
    team = team_for(request.user, slug, Right.OWN)
    form = TeamForm(request.POST)
    if form.is_valid():
        rename(team, form.cleaned_data["name"], request.user)
    else:
        messages.error(request, "A team needs a name of at most 80 characters.")
    return _to(team)


@login_required
@require_POST
def dissolve(request: Request, slug: str) -> HttpResponse:
    """Dissolve a team, once its name was typed."""
    team = team_for(request.user, slug, Right.OWN)
    if request.POST.get("name", "").strip() != team.name:
        messages.error(request, "Not dissolved: type the team's name as it stands here.")
        return _to(team)
    cancelled = remove_team(team, request.user)
    AuditEvent.objects.record(request.user, "dissolved", team, team)
    stopped = f" Runs that are cancelled for it: {cancelled}." if cancelled else ""
    messages.info(request, f"{team} is dissolved.{stopped}")
    return HttpResponseRedirect(reverse("team-list"), status=303)


def _try(request: Request, act: Callable[[], Any], said: str) -> bool:
    try:
        act()
    except DefinitionError as fault:
        messages.error(request, fault.sentence)
        return False
    messages.info(request, said)
    return True


def _to(team: Team) -> HttpResponse:
    return HttpResponseRedirect(reverse("team-show", args=[team.slug]), status=303)


def _page(request: Request, team: Team, status: int = 200, **more: Any) -> HttpResponse:
    owns = may(request.user, team, Right.OWN)
    page = {
        "section": "teams",
        "team": team,
        "members": team.memberships.select_related("user").order_by("user__username"),
        "roles": [(each.value, each.label, said) for each, said in ROLES.items()],
        "owns": owns,
    }
    if owns:
        page |= {
            "form": InvitationForm(),
            "invitations": team.invitations.open().order_by("-created_at"),
            "acts": AuditEvent.objects.filter(team=team)[:ACTS_SHOWN],
        }
    return render(request, "people/team.html", page | more, status=status)
