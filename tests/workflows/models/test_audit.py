"""What people did: written down once, changed by nobody, and gone when it is old."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from workflows.models import AuditEvent
from workflows.retention import prune

PASSWORD = "river-delta-42"


@pytest.fixture
def event(alice, team):
    AuditEvent.objects.record(alice, "invited", team, "somebody")
    return AuditEvent.objects.get()


def acts():
    return list(AuditEvent.objects.order_by("pk").values_list("person_name", "act", "subject"))


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: AuditEvent.objects.update(act="did nothing"),
        lambda event: AuditEvent.objects.bulk_update([event], ["act"]),
        lambda event: AuditEvent.objects.all().delete(),
        lambda event: AuditEvent.objects.filter(pk=event.pk).delete(),
    ],
    ids=["save", "delete", "update", "update in bulk", "delete all", "delete some"],
)
def test_no_code_changes_or_removes_what_was_done(event, change):
    with pytest.raises(TypeError, match="never changed"):
        change(event)
    assert acts() == [("alice", "invited", "somebody")]


@pytest.mark.parametrize("column", ["at", "person_name", "act", "subject", "detail"])
def test_the_database_refuses_a_change_as_well(event, column):
    change = f"UPDATE workflows_auditevent SET {column} = {column}"  # noqa: S608
    with (
        pytest.raises(IntegrityError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_who_did_it_stays_named_when_person_and_team_are_gone(event, alice, team):
    team.delete()
    alice.delete()
    kept = AuditEvent.objects.get()
    assert (kept.person_id, kept.team_id, kept.person_name) == (None, None, "alice")


@pytest.mark.parametrize(("days", "age", "is_kept"), [(400, 399, True), (400, 401, False), (0, 9999, True)])  # fmt: skip
def test_it_is_kept_for_as_long_as_the_operator_says(alice, settings, days, age, is_kept):
    """P13."""
    settings.KEEP_AUDIT_DAYS = days
    at = timezone.now() - timedelta(days=age)
    AuditEvent.objects.create(at=at, person=alice, person_name="alice", act="a", subject="s")
    prune()
    assert AuditEvent.objects.exists() is is_kept


def test_signing_in_and_out_and_another_password_are_written_down(client, alice):
    client.post(reverse("sign-in"), {"username": "alice", "password": PASSWORD})
    given = {"old_password": PASSWORD, "new_password1": "of-Oceans-77", "new_password2": "of-Oceans-77"}  # fmt: skip
    client.post(reverse("password"), given)
    client.post(reverse("sign-out"))
    assert acts() == [
        ("alice", "signed in", "from 127.0.0.1"),
        ("alice", "changed", "their password"),
        ("alice", "signed out", "from 127.0.0.1"),
    ]
    assert PASSWORD not in repr(AuditEvent.objects.values())


def test_the_admin_has_no_door_of_its_own(client, client_of, alice):
    """What counts wrong passwords, and writes down who came, stands at one door."""
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/sign-in/?next=/admin/"
    refused = client.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    assert refused.status_code == 405
    assert client_of(alice).get("/admin/", follow=True).status_code == 403
    alice.is_staff = True
    alice.save()
    assert client_of(alice).get("/admin/").status_code == 200
