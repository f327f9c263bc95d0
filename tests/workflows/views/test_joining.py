"""Invitations: a link lets one person in, once."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from workflows.models import AuditEvent, Invitation, Membership

ROOM = "/teams/rivers/"


@pytest.fixture
def link(client_of, alice, team):
    """The link that alice makes for dora, as the page shows it."""
    given = {"note": "dora", "role": "editor"}
    page = client_of(alice).post(f"{ROOM}invitations/", given).content.decode()
    (found,) = re.findall(r'value="(http[^"]*#[^"]*)"', page)
    return found


def open_with(client, link):
    return client.post("/join/", {"token": link})


NEW = {"username": "dora", "password1": "delta-of-a-river-7", "password2": "delta-of-a-river-7"}


def test_somebody_new_joins_by_a_link_and_is_signed_in(client, link):
    assert open_with(client, link)["Location"] == "/join/accept/"
    page = client.get("/join/accept/").content.decode()
    assert "Join Rivers" in page
    assert "alice invites you as editor" in page

    assert client.post("/join/accept/", NEW)["Location"] == "/"

    assert Membership.objects.get(user__username="dora").role == "editor"
    assert client.get(ROOM).status_code == 200


def test_a_link_lets_one_person_in(client, link):
    open_with(client, link)
    late = Client()
    open_with(late, link)
    client.post("/join/accept/", NEW)

    answer = late.post("/join/accept/", NEW | {"username": "eve"})

    assert answer.status_code == 404
    assert not User.objects.filter(username="eve").exists()
    assert open_with(Client(), link).status_code == 404


def test_who_is_signed_in_joins_by_one_press(client_of, charlie, link):
    client = client_of(charlie)
    open_with(client, link)
    assert "Join as charlie" in client.get("/join/accept/").content.decode()

    client.post("/join/accept/")

    assert client.get(ROOM).status_code == 200


def test_a_member_is_raised_and_never_lowered(client_of, alice, bob, link, team):
    for person, role in [(bob, "editor"), (alice, "owner")]:
        Invitation.objects.update(used_at=None)
        client = client_of(person)
        open_with(client, link)
        client.post("/join/accept/")
        assert Membership.objects.get(team=team, user=person).role == role


@pytest.mark.parametrize(
    "end",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
        {"used_at": timezone.now()},
    ],
    ids=["expired", "taken back", "used"],
)
def test_unknown_and_ended_links_get_the_same_answer(client, link, end):
    unknown = open_with(client, "http://testserver/join/#nothing")
    Invitation.objects.update(**end)
    ended = open_with(client, link)

    assert unknown.status_code == ended.status_code == 404
    words = [re.sub(r'value="\w{64}"', "", each.content.decode()) for each in (unknown, ended)]
    assert words[0] == words[1]


def test_an_owner_takes_a_link_back(client_of, alice, client, link):
    invitation = Invitation.objects.get()

    client_of(alice).post(f"{ROOM}invitations/{invitation.pk}/take-back/")

    assert open_with(client, link).status_code == 404
    assert [event.act for event in AuditEvent.objects.all()] == ["took back", "invited"]


def test_a_link_is_kept_only_as_a_digest_and_shown_once(client_of, alice, link):
    token = link.partition("#")[2]

    assert token not in str(list(Invitation.objects.values()))
    assert token not in str(list(AuditEvent.objects.values()))
    assert token not in client_of(alice).get(ROOM).content.decode()


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_invitations_are_open_and_no_more(client_of, alice, team, settings, more):
    settings.OPEN_INVITATIONS = 2
    client = client_of(alice)
    answers = [client.post(f"{ROOM}invitations/", {"role": "viewer"}) for _ in range(2 + more)]

    assert answers[-1].status_code == (422 if more else 200)
    assert Invitation.objects.count() == 2


@pytest.mark.parametrize("given", [{"role": "king"}, {"role": "viewer", "note": "x" * 101}, {}])
def test_an_invitation_needs_a_role(client_of, alice, team, given):
    assert client_of(alice).post(f"{ROOM}invitations/", given).status_code == 422
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        NEW | {"username": "alice"},
        NEW | {"password2": "another"},
        NEW | {"password1": "12345678", "password2": "12345678"},
        {},
    ],
    ids=["taken", "not the same twice", "weak", "nothing"],
)
def test_who_chooses_badly_is_told_and_keeps_the_invitation(client, link, given):
    open_with(client, link)

    assert client.post("/join/accept/", given).status_code == 422
    assert Invitation.objects.open().exists()
    assert client.post("/join/accept/", NEW).status_code == 303


def test_without_an_invitation_nobody_joins(client, db):
    assert client.get("/join/accept/").status_code == 404
    assert client.post("/join/accept/", NEW).status_code == 404
    assert client.get("/join/").status_code == 200
    assert not User.objects.exists()
