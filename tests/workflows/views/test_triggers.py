"""The pages of triggers: made by who may draw, turned on by whose rights they use."""

import json

import pytest
from django.urls import reverse

from workflows.models import AuditEvent, Schedule, Webhook

DAILY = {"in-title": "Nightly", "in-cron": "30 2 * * *", "in-zone": "Europe/Berlin",
         "in-missed": "skip"}  # fmt: skip


@pytest.fixture
def client(client_of, alice):
    """A person who may draw."""
    return client_of(alice)


def address(workflow, *rest):
    return "/".join([reverse("trigger-list", args=[workflow.pk]).rstrip("/"), *rest, ""])


def test_an_empty_page_says_so_and_offers_both_kinds(client, workflow):
    page = client.get(address(workflow)).content.decode()
    assert "Nothing starts it at set times." in page
    assert address(workflow, "schedule") in page
    assert address(workflow, "webhook") in page


def test_a_schedule_is_made_and_shows_its_next_times(client, workflow, alice):
    page = client.post(address(workflow, "schedule"), DAILY, follow=True).content.decode()
    row = Schedule.objects.get()
    assert (row.person, row.version, row.is_on) == (alice, workflow.latest, True)
    assert row.next_at is not None
    assert "At 02:30" in page
    assert page.count(", 02:30</time>") == 3
    assert AuditEvent.objects.filter(act="made a schedule", detail="Nightly").exists()


def test_the_secret_of_a_webhook_is_shown_once(client, workflow):
    page = client.post(address(workflow, "webhook"), {"in-title": "Push"}).content.decode()
    secret = Webhook.objects.get().reveal()
    assert secret in page
    assert secret not in client.get(address(workflow)).content.decode()


def test_another_secret_takes_the_place_of_the_first(client, workflow):
    client.post(address(workflow, "webhook"), {"in-title": "Push"})
    first = Webhook.objects.get()
    page = client.post(address(workflow, "webhook", str(first.pk), "secret")).content.decode()
    second = Webhook.objects.get().reveal()
    assert second in page
    assert second != first.reveal()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("in-cron", "every day", "has not five fields"),
        ("in-cron", "61 * * * *", "is no cron expression"),
        ("in-zone", "Berlin", "There is no time zone"),
        ("in-title", "", "This field is required."),
        ("in-missed", "never", "is not one of the available choices"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(client, workflow, field, value, said):
    answer = client.post(address(workflow, "schedule"), DAILY | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Schedule.objects.exists()


def test_a_schedule_needs_inputs_that_are_enough_and_a_webhook_does_not(
    client, rich_workflow, alice
):
    refused = client.post(address(rich_workflow, "schedule"), DAILY)
    assert refused.status_code == 422
    client.post(address(rich_workflow, "schedule"), DAILY | {"in-port-question": "Why?"})
    assert json.loads(Schedule.objects.get().inputs)["question"] == "Why?"
    client.post(address(rich_workflow, "webhook"), {"in-title": "Push", "in-port-count": "x"})
    assert not Webhook.objects.exists()
    client.post(address(rich_workflow, "webhook"), {"in-title": "Push", "in-port-count": "7"})
    assert json.loads(Webhook.objects.get().inputs) == {"count": 7}


def test_no_more_than_the_limit_are_made(client, workflow, settings):
    settings.TRIGGERS_A_WORKFLOW = 1
    client.post(address(workflow, "schedule"), DAILY)
    answer = client.post(address(workflow, "webhook"), {"in-title": "Push"})
    assert (
        "This workflow has as many triggers as it may; remove one first." in answer.content.decode()
    )
    assert not Webhook.objects.exists()


def test_a_workflow_without_a_version_says_what_to_do_first(client, team, alice):
    from workflows.models import Workflow

    empty = Workflow.objects.create(team=team, name="empty", title="Empty", created_by=alice)
    page = client.get(address(empty, "schedule"), follow=True).content.decode()
    assert "Publish a version first" in page


def test_anybody_who_draws_may_turn_one_off_and_only_its_person_on(
    client, client_of, workflow, bob, team
):
    team.memberships.filter(user=bob).update(role="editor")
    client.post(address(workflow, "schedule"), DAILY)
    row = Schedule.objects.get()
    turn = address(workflow, "schedule", str(row.pk), "turn")
    client_of(bob).post(turn)
    row.refresh_from_db()
    assert not row.is_on
    page = client_of(bob).post(turn, {"on": "yes"}, follow=True).content.decode()
    assert "Only alice can turn it on" in page
    client.post(turn, {"on": "yes"})
    row.refresh_from_db()
    assert row.is_on


def test_a_zone_that_is_no_more_is_said_on_the_page(client, workflow):
    client.post(address(workflow, "schedule"), DAILY)
    row = Schedule.objects.get()
    Schedule.objects.update(zone="Mars/Olympus", is_on=False)
    assert "There is no time zone" in client.get(address(workflow)).content.decode()
    turn = address(workflow, "schedule", str(row.pk), "turn")
    page = client.post(turn, {"on": "yes"}, follow=True).content.decode()
    assert "Make the schedule anew." in page
    assert not Schedule.objects.get().is_on


def test_turning_on_confirms_the_latest_version(client, workflow, bob):
    client.post(address(workflow, "schedule"), DAILY)
    row = Schedule.objects.get()
    latest = workflow.revise(workflow.latest.definition.replace("Demo", "Other"), bob)
    page = client.get(address(workflow)).content.decode()
    assert f"Run version {latest.number}" in page
    client.post(address(workflow, "schedule", str(row.pk), "turn"), {"on": "yes"})
    row.refresh_from_db()
    assert row.version == latest


def test_one_is_removed_and_written_down(client, workflow):
    client.post(address(workflow, "schedule"), DAILY)
    client.post(address(workflow, "schedule", str(Schedule.objects.get().pk), "remove"))
    assert not Schedule.objects.exists()
    assert AuditEvent.objects.filter(act="removed a schedule").exists()


@pytest.mark.parametrize("kind", ["alarm", "schedules"])
def test_there_are_no_other_kinds(client, workflow, kind):
    assert client.get(address(workflow, kind)).status_code == 404


def test_one_of_another_workflow_is_not_found(client, workflow, rich_workflow):
    client.post(address(workflow, "schedule"), DAILY)
    key = str(Schedule.objects.get().pk)
    assert client.post(address(rich_workflow, "schedule", key, "remove")).status_code == 404
    assert client.post(address(workflow, "webhook", key, "remove")).status_code == 404
