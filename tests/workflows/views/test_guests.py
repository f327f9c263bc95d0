"""Guests of a share link: how they are let in, what they see, and what they never do."""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings as current
from django.core import signing
from django.http import SimpleCookie
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.guest_tasks import ALOUD, HUSH
from tests.shared_run import linked
from workflows.models import Run, ShareLink, ShareToken
from workflows.models.share import Audience, revoke

pytestmark = pytest.mark.django_db
OPEN = "/s/"
SECRET_PARTS = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|name="token" value="[^"]*"')


@pytest.fixture
def guest():
    """Give a browser that knows nobody."""
    return Client()


def let_in(guest, token, **more):
    """Bring a token, as the page's script does; give the answer."""
    return guest.post(OPEN, {"token": token, **more})


def visiting(guest, run, person, **more):
    """Let a guest in; give the address of their page."""
    link, token = linked(run, person, **more)
    answer = let_in(guest, token)
    assert answer.status_code == 303, answer.content
    assert answer["Location"] == f"/s/{link.pk}/"
    return answer["Location"]


def body(answer):
    """Give what an answer says, without what differs from form to form."""
    return SECRET_PARTS.sub("", answer.content.decode())


# ── the way in ──────────────────────────────────────────────────────────────────────────────────


def test_a_token_becomes_a_cookie_for_the_links_page_alone(guest, secretive, alice, settings):
    settings.HTTPS = True
    address = visiting(guest, secretive, alice)
    cookie = guest.cookies[settings.SHARE_COOKIE_NAME]
    assert (cookie["path"], cookie["httponly"], cookie["secure"]) == (address, True, True)
    assert cookie["samesite"] == "Strict"
    assert cookie["max-age"] == 12 * 60 * 60


@pytest.mark.parametrize("pasted", ["{}", "#{}", "http://localhost/s/#{}", "  {} "])
def test_a_link_may_be_pasted_whole(guest, secretive, alice, pasted):
    _, token = linked(secretive, alice)
    assert let_in(guest, pasted.format(token)).status_code == 303


def test_unknown_expired_revoked_and_locked_links_are_answered_alike(guest, secretive, alice):
    """Status, body and time: nothing tells a token that was from one that never was."""
    tokens = {"unknown": "x" * 43}
    for name, more in {"revoked": {}, "expired": {}, "locked": {"password": "delta"}}.items():
        link, tokens[name] = linked(secretive, alice, **more)
        if name == "revoked":
            revoke(link, alice)
        if name == "expired":
            ShareLink.objects.filter(pk=link.pk).update(expires_at=timezone.now())
    told = {name: let_in(guest, token, password="no") for name, token in tokens.items()}
    told["no password"] = let_in(guest, tokens["locked"])
    assert {answer.status_code for answer in told.values()} == {404}
    assert len({body(answer) for answer in told.values()}) == 1
    assert not any(answer.cookies.get(current.SHARE_COOKIE_NAME) for answer in told.values())


def test_no_refusal_is_quicker_than_another(guest, secretive, alice, settings):
    """Each costs one hash of a password, with the hasher that is used in earnest."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    settings.SHARE_PASSWORD_TRIES_HERE = (100, timedelta(minutes=1))
    link, revoked = linked(secretive, alice)
    revoke(link, alice)
    _, locked = linked(secretive, alice, password="delta")
    took: dict[str, list[float]] = {"unknown": [], "revoked": [], "locked": []}
    for _ in range(5):
        for name, token in zip(took, ("x" * 43, revoked, locked), strict=True):
            began = time.perf_counter()
            let_in(guest, token, password="no")
            took[name].append(time.perf_counter() - began)
    # The least of each is what the work takes; the rest is what else the machine did.
    quickest = sorted(min(each) for each in took.values())
    assert quickest[-1] < 1.5 * quickest[0], quickest
    assert quickest[0] > 0.02


def test_the_right_password_opens_a_locked_link(guest, secretive, alice):
    _, token = linked(secretive, alice, password="delta of a river")
    assert let_in(guest, token, password="delta of a river").status_code == 303
    assert "delta" not in ShareLink.objects.get().password


def test_passwords_are_tried_so_often_and_no_more(guest, secretive, alice):
    """The right one is refused as well then, with the same words; from elsewhere it opens."""
    _, token = linked(secretive, alice, password="delta")
    answers = [let_in(guest, token, password="no") for _ in range(5)]
    late = let_in(guest, token, password="delta")
    assert (late.status_code, body(late)) == (404, body(answers[0]))
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert let_in(elsewhere, token, password="delta").status_code == 303


def test_links_are_tried_sixty_times_a_minute_and_no_more(guest, secretive, alice):
    _, token = linked(secretive, alice)
    assert [let_in(guest, "no").status_code for _ in range(60)] == [404] * 60
    assert let_in(guest, token).status_code == 429
    assert let_in(Client(REMOTE_ADDR="192.0.2.7"), token).status_code == 303


def test_each_time_it_is_opened_is_counted(guest, secretive, alice):
    address = visiting(guest, secretive, alice)
    guest.get(address)
    assert let_in(guest, "no").status_code == 404
    link = ShareLink.objects.get()
    assert (link.views, link.used_at is not None) == (1, True)


def test_a_form_from_another_site_lets_nobody_in(secretive, alice):
    _, token = linked(secretive, alice)
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(OPEN, {"token": token}).status_code == 403


@pytest.mark.parametrize("given", [{}, {"token": "x" * 500}, {"token": "\0"}, {"token": "é☂"}])
def test_what_is_no_token_is_refused_in_words(guest, given):
    answer = guest.post(OPEN, given)
    assert answer.status_code == 404
    assert "Nothing opens with this" in answer.content.decode()


# ── the page ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("view", ["tree", "graph", "timeline", "log", "nonsense"])
def test_a_guests_page_shows_what_was_allowed_and_no_secret(guest, secretive, alice, view):
    """R7."""
    address = visiting(guest, secretive, alice)
    answer = guest.get(f"{address}?view={view}&beside=definition&task=speak&open=group")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert ALOUD in text
    assert "Speak" in text
    assert HUSH not in text
    assert str(secretive.pk) not in text
    assert alice.get_username() not in text


@pytest.mark.parametrize("query", ["view=tree", "view=graph", "view=timeline", "part=result"])
def test_what_a_guests_page_asks_for_again_has_no_secret_either(guest, secretive, alice, hx, query):
    """R7."""
    address = visiting(guest, secretive, alice)
    text = guest.get(f"{address}?{query}", headers=hx).content.decode()
    assert "<html" not in text
    assert text.strip()
    assert HUSH not in text


def test_without_allowed_outputs_a_guest_sees_states_alone(guest, secretive, alice):
    text = guest.get(visiting(guest, secretive, alice, ports=())).content.decode()
    assert ALOUD not in text
    assert "streaming" in text
    assert "no outputs" in text


def test_a_final_output_that_was_allowed_is_shown(guest, secretive, alice):
    address = visiting(guest, secretive, alice, ports=[("after", "other")])
    assert f"{HUSH}other" in guest.get(address).content.decode()


def test_what_a_failed_task_had_streamed_is_shown_still(guest, secretive, alice):
    secretive.task_runs.filter(path="speak").update(status="failed")
    secretive.chunks.update(superseded=True)
    text = guest.get(visiting(guest, secretive, alice)).content.decode()
    assert ALOUD in text
    assert HUSH not in text


def test_a_filter_of_the_tree_finds_no_words_that_a_guest_does_not_see(guest, secretive, alice, hx):
    address = visiting(guest, secretive, alice)
    found = guest.get(f"{address}?q=after", headers=hx).content.decode()
    assert "task-row-after" in found
    assert "task-row-speak" not in found
    assert "task-row" not in guest.get(f"{address}?q={HUSH}", headers=hx).content.decode()


def test_a_link_to_one_task_shows_no_other(guest, secretive, alice):
    address = visiting(guest, secretive, alice, task="speak")
    for view in ("tree", "graph", "timeline"):
        text = guest.get(f"{address}?view={view}").content.decode()
        assert "After" not in text
        assert "view=graph" not in text
    assert guest.get(f"{address}drawing.css").content == b""


def test_the_drawings_positions_come_from_under_the_links_address(guest, secretive, alice):
    address = visiting(guest, secretive, alice)
    assert f"{address}drawing.css" in guest.get(f"{address}?view=graph").content.decode()
    sheet = guest.get(f"{address}drawing.css")
    assert sheet["Content-Type"].startswith("text/css")
    assert b".at-0{left:" in sheet.content


@pytest.mark.parametrize("path", ["", "drawing.css"])
def test_answers_are_kept_to_the_one_who_asked(guest, secretive, alice, path):
    address = visiting(guest, secretive, alice)
    for answer in (
        guest.get(OPEN),
        guest.get(f"{address}{path}"),
        Client().get(f"{address}{path}"),
    ):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex"
        assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))


def test_an_ended_run_says_so_and_opens_no_socket(guest, secretive, alice):
    Run.objects.update(status="failed", ended_at=timezone.now())
    text = guest.get(visiting(guest, secretive, alice)).content.decode()
    assert 'data-over="yes"' in text
    assert "live-dot" not in text
    assert HUSH not in text


def test_a_guest_learns_that_the_link_was_turned_off_or_has_expired(guest, secretive, alice):
    address = visiting(guest, secretive, alice)
    ShareLink.objects.update(expires_at=timezone.now())
    expired = guest.get(address)
    revoke(ShareLink.objects.get(), alice)
    revoked = guest.get(address)
    assert (expired.status_code, revoked.status_code) == (410, 410)
    assert b"This link has expired" in expired.content
    assert b"This link was turned off" in revoked.content


def test_a_page_opens_to_nobody_without_its_own_links_cookie(guest, secretive, alice):
    """Another link's cookie, an old one, a forged one and none are answered alike."""
    address = visiting(guest, secretive, alice)
    other, _ = linked(secretive, alice)
    mine = guest.cookies[current.SHARE_COOKIE_NAME].value
    forged = signing.dumps([str(other.pk), ShareToken.objects.latest("pk").pk], salt="another")
    told = []
    for cookie in (mine, forged, "nonsense", ""):
        stranger = Client()
        stranger.cookies = SimpleCookie({current.SHARE_COOKIE_NAME: cookie})
        told.append(stranger.get(f"/s/{other.pk}/"))
    told.append(Client().get("/s/00000000-0000-4000-8000-000000000000/"))
    assert {answer.status_code for answer in told} == {404}
    assert len({body(answer) for answer in told}) == 1
    assert guest.get(address).status_code == 200


def test_a_visit_ends_after_some_hours(guest, secretive, alice, settings):
    address = visiting(guest, secretive, alice)
    settings.SHARE_VISIT = timedelta(seconds=-1)
    assert guest.get(address).status_code == 404


def test_a_link_for_the_team_needs_a_member_who_is_signed_in(
    guest, secretive, alice, bob, charlie, client_of
):
    _, token = linked(secretive, alice, audience=Audience.TEAM)
    assert let_in(guest, token).status_code == 303
    asked = guest.get(f"/s/{ShareLink.objects.get().pk}/")
    assert asked["Location"].startswith(reverse("sign-in"))
    told = {}
    for person in (bob, charlie):
        browser = client_of(person)
        told[person.get_username()] = browser.get(let_in(browser, token)["Location"])
    assert (told["bob"].status_code, told["charlie"].status_code) == (200, 404)
    assert HUSH not in told["bob"].content.decode()


def test_a_member_may_go_on_to_the_full_view(secretive, alice, bob, client_of):
    address = visiting(client_of(bob), secretive, alice)
    member = client_of(bob)
    assert let_in(member, linked(secretive, alice)[1]).status_code == 303
    page = member.get(f"/s/{ShareLink.objects.latest('made_at').pk}/").content.decode()
    assert reverse("run-show", args=[secretive.pk]) in page
    assert "Open full view" in page
    assert address.startswith("/s/")
