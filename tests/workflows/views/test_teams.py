"""Teams: members see who belongs to them, owners say who does."""

import pytest
from django.contrib.auth.models import User

from workflows.models import AuditEvent, Invitation, Membership, Run, Team

ROOM = "/teams/rivers/"


def member(team, name):
    return Membership.objects.get(team=team, user__username=name)


def test_a_member_sees_who_belongs_to_the_team_and_may_change_nothing(client_of, bob, alice):
    page = client_of(bob).get(ROOM).content.decode()

    assert "alice" in page
    assert "bob" in page
    assert "Leave Rivers" in page
    assert "Remove alice" not in page
    assert "Invite somebody" not in page


def test_a_stranger_finds_no_team(client_of, charlie, team):
    assert client_of(charlie).get(ROOM).status_code == 404


@pytest.mark.parametrize(
    "act",
    ["rename/", "dissolve/", "invitations/", "members/{user}/role/", "members/{user}/remove/"],
)
@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_only_owners_change_a_team(client_of, request, team, alice, act, person):
    address = ROOM + act.format(user=alice.pk)
    client = client_of(request.getfixturevalue(person))

    assert client.post(address, {"name": "Lakes", "role": "viewer"}).status_code == 404
    assert Team.objects.visible_to(alice).get().name == "Rivers"
    assert member(team, "alice").role == "owner"
    assert not Invitation.objects.exists()


def test_an_owner_changes_a_role_and_it_is_written_down(client_of, alice, bob, team):
    client_of(alice).post(f"{ROOM}members/{bob.pk}/role/", {"role": "editor"})

    assert member(team, "bob").role == "editor"
    event = AuditEvent.objects.get()
    assert str(event) == "alice changed the role of bob"
    assert event.detail == "from viewer to editor"


def test_a_role_that_is_none_changes_nothing(client_of, alice, bob, team):
    page = client_of(alice).post(f"{ROOM}members/{bob.pk}/role/", {"role": "king"}, follow=True)

    assert "There is no such role" in page.content.decode()
    assert member(team, "bob").role == "viewer"


@pytest.mark.parametrize("act", ["role/", "remove/"])
def test_the_last_owner_stays_one(client_of, alice, team, act):
    page = client_of(alice).post(f"{ROOM}members/{alice.pk}/{act}", {"role": "viewer"}, follow=True)

    assert "A team needs an owner" in page.content.decode()
    assert member(team, "alice").role == "owner"


def test_who_leaves_sees_nothing_more_and_their_runs_are_cancelled(client_of, bob, run, team):
    Membership.objects.filter(user=bob).update(role="runner")
    Run.objects.update(started_by=bob)

    answer = client_of(bob).post(f"{ROOM}members/{bob.pk}/remove/")

    assert answer["Location"] == "/teams/"
    assert client_of(bob).get(ROOM).status_code == 404
    assert list(Run.objects.get().requests.values_list("kind", flat=True)) == ["cancel"]


def test_whoever_founds_a_team_owns_it(client_of, bob):
    answer = client_of(bob).post("/teams/", {"name": "Rivers of the north"})

    assert answer["Location"] == "/teams/rivers-of-the-north/"
    made = Team.objects.get(slug="rivers-of-the-north")
    assert member(made, "bob").role == "owner"


def test_teams_of_one_name_have_addresses_of_their_own(client_of, bob, team):
    answer = client_of(bob).post("/teams/", {"name": "Rivers"})

    assert answer["Location"] == "/teams/rivers-2/"


@pytest.mark.parametrize("name", ["", " ", "x" * 81])
def test_a_team_needs_a_name(client_of, bob, name):
    answer = client_of(bob).post("/teams/", {"name": name})

    assert answer.status_code == 422
    assert Team.objects.count() == 1


@pytest.mark.parametrize("more", [0, 1])
def test_nobody_belongs_to_more_teams_than_the_setting_says(client_of, bob, settings, more):
    settings.TEAMS_A_PERSON = 2 - more
    answer = client_of(bob).post("/teams/", {"name": "Lakes"})

    assert answer.status_code == (422 if more else 303)
    assert Team.objects.count() == 2 - more


def test_a_team_is_renamed_and_dissolved_once_its_name_is_typed(client_of, alice, team):
    client = client_of(alice)
    client.post(f"{ROOM}rename/", {"name": "Lakes"})
    assert Team.objects.get().name == "Lakes"

    page = client.post(f"{ROOM}dissolve/", {"name": "Rivers"}, follow=True).content.decode()
    assert "Not dissolved" in page
    client.post(f"{ROOM}dissolve/", {"name": "Lakes"})
    assert Team.objects.get().removed_at
    assert client.get(ROOM).status_code == 404
    assert [event.act for event in AuditEvent.objects.all()] == ["dissolved", "renamed"]


def test_an_audit_event_is_never_changed(alice, team):
    AuditEvent.objects.record(alice, "founded", team, team)
    event = AuditEvent.objects.get()

    with pytest.raises(TypeError, match="never changed"):
        event.save()
    with pytest.raises(TypeError, match="never changed"):
        AuditEvent.objects.update(act="found")


def test_what_a_person_has_here_stands_on_one_page(client_of, bob):
    page = client_of(bob).get("/me/").content.decode()

    assert "Rivers" in page
    assert "/me/password/" in page
    assert "/appearance/" in page


def test_a_password_is_changed_and_other_browsers_are_signed_out(client_of, bob):
    here, elsewhere = client_of(bob), client_of(bob)
    given = {
        "old_password": "river-delta-42",
        "new_password1": "delta-of-a-river-7",
        "new_password2": "delta-of-a-river-7",
    }

    assert here.post("/me/password/", given)["Location"] == "/me/"
    assert User.objects.get(username="bob").check_password("delta-of-a-river-7")
    assert here.get("/me/").status_code == 200
    assert elsewhere.get("/me/").status_code == 302


def test_a_password_that_is_wrong_is_told(client_of, bob):
    given = {"old_password": "wrong", "new_password1": "a", "new_password2": "b"}
    answer = client_of(bob).post("/me/password/", given)

    assert answer.status_code == 422
    assert "old password was entered incorrectly" in answer.content.decode()
