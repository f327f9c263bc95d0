"""Letting guests in: from the token of a link to a visit, and whether a visit still goes on.

Whoever brings a token that opens nothing is told the same, in the same time, whatever the cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing

from workflows.access import still_sees
from workflows.models import Run, ShareLink, ShareToken, Tries
from workflows.models.share import token_in
from workflows.models.team import Person

_SALT = "share visit"
#: What a link begins with before its token, where somebody pastes all of it.
_MARK = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A guest who was let in by a token of a link; the link may be over since."""

    link: ShareLink
    is_open: bool


def may_try(address: str) -> bool:
    """Whether somebody may try a link once more from an address."""
    return Tries.objects.allow(f"link {address}", *settings.SHARE_TRIES)


def admit(pasted: str, password: str, address: str) -> ShareToken | None:
    """Let somebody in by a link and its password; None if it opens nothing.

    Each refusal works out one hash of a password, so that none is quicker than another.
    """
    token = token_in(pasted.strip().rpartition(_MARK)[2])
    if token is not None and not token.link.password:
        token.link.count_view()
        return token
    if token is None or not _may_guess(token.link, address):
        make_password(password)
        return None
    if not token.link.is_opened_by(password):
        return None
    token.link.count_view()
    return token


def _may_guess(link: ShareLink, address: str) -> bool:
    here = Tries.objects.allow(f"{link.pk} {address}", *settings.SHARE_PASSWORD_TRIES_HERE)
    return here and Tries.objects.allow(str(link.pk), *settings.SHARE_PASSWORD_TRIES)


def signed_visit(token: ShareToken) -> str:
    """Write down, for the guest's cookie, which token let them in."""
    return signing.dumps([str(token.link_id), token.pk], salt=_SALT)


def visit_of(cookies: Mapping[str, str], link_id: UUID | str) -> Visit | None:
    """Give the visit that a cookie stands for; None without one for this link."""
    written = cookies.get(settings.SHARE_COOKIE_NAME, "")
    try:
        link_key, token = signing.loads(written, salt=_SALT, max_age=settings.SHARE_VISIT)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    if link_key != str(link_id):
        return None
    links = ShareLink.objects.filter(pk=link_id, tokens=token)
    link = links.select_related("run__version__workflow", "run__team").first()
    if link is None:
        return None
    return Visit(link=link, is_open=ShareLink.objects.open().filter(pk=link.pk).exists())


def belongs(link: ShareLink, person: Person) -> bool:
    """Whether a person sees the run anyway, as a member of its team."""
    return Run.objects.visible_to(person).filter(pk=link.run_id).exists()


def visit_for(
    cookies: Mapping[str, str], link_id: UUID | str, session: Any, user_id: Any
) -> Visit | None:
    """Give the visit of a guest who watches, as long as it goes on; asks the database.

    Who watches by a link for the team must still be signed in, and see the run.
    """
    visit = visit_of(cookies, link_id)
    if visit is None or not visit.is_open:
        return None
    if visit.link.is_for_team and not still_sees(session, user_id, visit.link.run_id):
        return None
    return visit
