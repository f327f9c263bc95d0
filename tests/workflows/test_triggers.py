"""Schedules and webhooks start runs as one person would, and nothing when that person may not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from runner.outside.signing import signed
from workflows.hooks import UNKNOWN, Begun, Told, begin, outcome_of
from workflows.models import Missed, Run, Schedule, Webhook
from workflows.ticking import GRACE, start_due
from workflows.trigger_forms import WebhookForm

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
ASKS = json.dumps(
    {
        "v": 1, "name": "demo", "title": "Demo", "help": "", "dataflows": [], "outputs": [],
        "inputs": [{"name": "question", "type": "str"}, {"name": "count", "type": "int", "default": 3}],
        "tasks": [{"id": "a", "type": "test.number", "config": {}, "inputs": {}}],
    },
    sort_keys=True,
)  # fmt: skip


@pytest.fixture
def asking(workflow, alice):
    """The workflow, in a version that asks for inputs."""
    workflow.revise(ASKS, alice)
    return workflow


def made(kind, workflow, person, **more):
    """Make a trigger of the latest version."""
    own = {"workflow": workflow, "person": person, "version": workflow.latest, "title": "Nightly"}
    return kind(**own | more)


@pytest.fixture
def schedule(workflow, alice):
    """One that is due now."""
    row = made(Schedule, workflow, alice, cron="30 7 * * *", next_at=NOW)
    row.save()
    return row


# ── schedules ───────────────────────────────────────────────────────────────────────────────────


def test_what_is_due_starts_once_and_comes_again(schedule, alice):
    assert [start_due(NOW), start_due(NOW)] == [1, 0]
    (run,) = Run.objects.all()
    assert (run.started_by, run.label, run.version) == (alice, "Nightly", schedule.version)
    schedule.refresh_from_db()
    assert schedule.next_at == NOW + timedelta(days=1)
    assert schedule.last_run == run


def test_who_looks_at_the_same_time_takes_another_or_none(schedule):
    """Two processes have read the same row; the first to write has it."""
    from workflows.ticking import _tick

    again = Schedule.objects.get(pk=schedule.pk)
    assert _tick(schedule, NOW)
    assert not _tick(again, NOW)
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("missed", "late", "runs"),
    [
        (Missed.SKIP, GRACE, 1),
        (Missed.SKIP, GRACE + timedelta(seconds=1), 0),
        (Missed.ONCE, timedelta(days=3), 1),
    ],
)
def test_times_that_were_missed_are_left_out_or_made_up_for_once(schedule, missed, late, runs):
    Schedule.objects.update(missed=missed)
    assert start_due(NOW + late) == runs
    assert Run.objects.count() == runs
    schedule.refresh_from_db()
    assert schedule.next_at > NOW + late
    assert bool(schedule.trouble) == (not runs)


@pytest.mark.parametrize("change", [{"is_on": False}, {"next_at": NOW + timedelta(minutes=1)}])
def test_what_is_off_or_not_due_starts_nothing(schedule, change):
    Schedule.objects.update(**change)
    assert start_due(NOW) == 0


def test_a_workflow_that_was_removed_starts_nothing(schedule, workflow):
    workflow.removed_at = NOW
    workflow.save()
    assert start_due(NOW) == 0


@pytest.mark.parametrize("gone", ["left", "viewer", "inactive"])
def test_nothing_starts_for_who_left(schedule, alice, team, gone):
    """Engine 6.7."""
    if gone == "left":
        team.memberships.all().delete()
    elif gone == "viewer":
        team.memberships.update(role="viewer")
    else:
        alice.is_active = False
        alice.save()
    assert start_due(NOW) == 0
    schedule.refresh_from_db()
    assert schedule.trouble == "alice may not run this workflow any more."


def test_a_version_of_somebody_else_waits_until_it_is_confirmed(schedule, workflow, bob):
    """Engine 6.7."""
    workflow.revise(ASKS, bob)
    assert start_due(NOW) == 0
    schedule.refresh_from_db()
    assert schedule.trouble == "Version 2 waits until alice confirms it."


def test_a_version_of_ones_own_is_confirmed(schedule, workflow, alice):
    workflow.revise(ASKS.replace('"question", "type": "str"', '"question", "default": "x"'), alice)
    assert start_due(NOW) == 1
    assert Run.objects.get().version == workflow.latest


def test_inputs_that_do_not_fit_any_more_are_said(schedule, asking):
    assert start_due(NOW) == 0
    schedule.refresh_from_db()
    assert "question" in schedule.trouble.lower()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"zone": "Mars/Olympus"}, "There is no time zone 'Mars/Olympus'"),
        ({"cron": "soon"}, "'soon' has not five fields"),
    ],
)
def test_a_schedule_that_cannot_go_on_is_turned_off_and_the_others_start(
    schedule, workflow, alice, broken, said
):
    made(Schedule, workflow, alice, cron="30 7 * * *", next_at=NOW).save()
    Schedule.objects.filter(pk=schedule.pk).update(next_at=NOW - GRACE, **broken)
    assert start_due(NOW) == 1
    schedule.refresh_from_db()
    assert said in schedule.trouble
    assert not schedule.is_on


def test_an_unforeseen_fault_of_one_schedule_does_not_hold_up_the_others(schedule, workflow, alice):
    version = workflow.revise(ASKS.replace("Demo", "Other"), alice)
    other = made(Schedule, workflow, alice, cron="30 7 * * *", next_at=NOW, inputs="{}")
    other.inputs = '{"question": "Why?"}'
    other.save()
    Schedule.objects.filter(pk=schedule.pk).update(next_at=NOW - GRACE, inputs="3")
    assert start_due(NOW) == 1
    schedule.refresh_from_db()
    assert "the server's log" in schedule.trouble
    assert Run.objects.get().version == version


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def webhook(asking, alice):
    """One whose body has the inputs; `secret` is what it told at the start."""
    row = made(Webhook, asking, alice, title="Push")
    row.secret = row.renew()
    row.save()
    return row


def asked(webhook, body=b'{"question": "Why?"}', *, secret=None, key="msg_1", late=0, **more):
    """Begin what a signed request asks for."""
    headers = signed(secret or webhook.secret, key, int(NOW.timestamp()), body)
    return begin(webhook.pk, {**headers, **more}, body, "192.0.2.1", NOW.timestamp() + late)


def test_a_signed_request_starts_a_run_with_what_it_brings(webhook, alice):
    run = Run.objects.get(pk=asked(webhook).run)
    assert (run.started_by, json.loads(run.inputs)) == (alice, {"question": "Why?"})


def test_the_same_message_starts_one_run(webhook):
    assert asked(webhook) == asked(webhook)
    assert asked(webhook, key="msg_2").run != asked(webhook).run
    assert Run.objects.count() == 2


def test_what_was_typed_is_not_changed_by_a_request(webhook):
    webhook.inputs = '{"count": 7}'
    webhook.save()
    run = Run.objects.get(pk=asked(webhook, b'{"question": "Why?", "count": 9}').run)
    assert json.loads(run.inputs) == {"question": "Why?", "count": 7}


@pytest.mark.parametrize(
    ("body", "value"), [(b'"Why?"', "Why?"), (b"Why, then?", "Why, then?"), (b"", None)]
)
def test_a_body_may_be_one_input(webhook, body, value):
    webhook.body_port = "question"
    webhook.save()
    begun = asked(webhook, body)
    if value is None:
        assert begun.status == 422
    else:
        assert json.loads(Run.objects.get(pk=begun.run).inputs) == {"question": value}


@pytest.mark.parametrize(
    "more",
    [
        {"late": 301},
        {"secret": "whsec_AAAA"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "1"},
        {"webhook-id": "msg_2"},
    ],
)
def test_a_request_that_is_not_signed_as_it_should_be_starts_nothing(webhook, more):
    told = asked(webhook, **more)
    assert (told.status, told.body) == (401, {"error": UNKNOWN})
    assert Run.objects.count() == 0


@pytest.mark.parametrize("change", [{"is_on": False}, {"sealed": "k:AAAA"}, {"id": uuid4()}])
def test_whether_there_is_a_webhook_is_not_told(webhook, change):
    Webhook.objects.update(**change)
    told = asked(webhook)
    assert (told.status, told.body) == (401, {"error": UNKNOWN})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "The body has to be a JSON object of values by input."),
        (b"{", "The body is no JSON that can be used"),
        (b'{"question": NaN}', "The body is no JSON that can be used"),
        (b"\xff", "The body is neither JSON nor text in UTF-8."),
        (b'{"question": 3}', "Port question of Demo wants text"),
        (b'{"question": "a", "other": 1}', "has no input 'other'"),
        (b"{" * 10_000, "The body is no JSON that can be used"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_a_sentence(webhook, body, said):
    told = asked(webhook, body)
    assert told.status == 422
    assert said in told.body["error"]
    assert Run.objects.count() == 0


def test_too_many_requests_from_one_address_are_held_off(webhook, settings):
    settings.HOOK_TRIES = (2, timedelta(minutes=1))
    assert [asked(webhook, key=f"m{n}") for n in range(3)][2].status == 429
    assert Run.objects.count() == 2


def test_a_message_may_not_have_an_endless_name(webhook):
    assert asked(webhook, key="m" * 65).status == 400
    assert asked(webhook, key="m" * 64).run


def test_what_waits_for_a_person_is_a_conflict(webhook, asking, bob):
    asking.revise(ASKS.replace("Demo", "Other"), bob)
    told = asked(webhook)
    assert (told.status, told.body["error"]) == (409, "Version 3 waits until alice confirms it.")


def test_the_key_of_a_start_fits_where_a_run_keeps_it(webhook, schedule):
    """SQLite keeps a longer one, PostgreSQL refuses it."""
    Schedule.objects.update(inputs='{"question": "Why?"}')
    asked(webhook, key="m" * 64)
    assert start_due(NOW) == 1
    longest = Run._meta.get_field("idempotency_key").max_length or 0
    assert [len(run.idempotency_key) <= longest for run in Run.objects.all()] == [True, True]


def test_the_secret_is_not_in_the_database(webhook):
    assert webhook.secret not in str(Webhook.objects.values_list())
    assert Webhook.objects.get().reveal() == webhook.secret


def test_the_answer_names_the_run(webhook, client):
    body = b'{"question": "Why?"}'
    headers = signed(webhook.secret, "msg_1", int(datetime.now(UTC).timestamp()), body)
    answer = client.post(
        reverse("hook", args=[webhook.pk]), body, "application/json", headers=headers
    )
    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "run": str(run.pk),
        "url": f"http://testserver{reverse('run-show', args=[run.pk])}",
    }


@pytest.mark.parametrize(("status", "output"), [("completed", True), ("failed", False)])
def test_the_answer_waits_for_the_end_if_it_is_asked_to(webhook, client, status, output):
    webhook.answer_port = "answer"
    webhook.save()
    asked(webhook)
    Run.objects.update(status=status, outputs='{"answer": ["a", 1]}')
    body = b'{"question": "Why?"}'
    headers = signed(webhook.secret, "msg_1", int(datetime.now(UTC).timestamp()), body)
    answer = client.post(
        reverse("hook", args=[webhook.pk]), body, "application/json", headers=headers
    )
    told = {"run": str(Run.objects.get().pk), "status": status}
    assert answer.json() == told | ({"output": ["a", 1]} if output else {})


def test_an_answer_does_not_wait_for_ever(webhook, client, settings):
    settings.HOOK_WAIT_SECONDS = 0.4
    webhook.answer_port = "answer"
    webhook.save()
    body = b'{"question": "Why?"}'
    headers = signed(webhook.secret, "msg_1", int(datetime.now(UTC).timestamp()), body)
    answer = client.post(
        reverse("hook", args=[webhook.pk]), body, "application/json", headers=headers
    )
    assert answer.status_code == 202


TOLD = json.dumps(
    {
        "v": 1, "name": "told", "title": "Told", "help": "", "inputs": [], "dataflows": [],
        "outputs": [
            {"name": "text", "from": "speak.text"}, {"name": "key", "from": "speak.key"},
            {"name": "deep", "from": "group.key"},
        ],
        "tasks": [
            {"id": "speak", "type": "guest.speak"},
            {"id": "group", "type": "flow.graph", "graph": {
                "inputs": [], "dataflows": [], "outputs": [{"name": "key", "from": "low.key"}],
                "tasks": [{"id": "low", "type": "guest.speak"}],
            }},
        ],
    },
    sort_keys=True,
)  # fmt: skip


def test_a_secret_output_is_never_an_answer(guest_types, workflow, alice):
    """Neither offered, also not from inside of a compound, nor given if it has become one."""
    version = workflow.revise(TOLD, alice)
    answer: Any = WebhookForm(version).fields["answer_port"]
    assert [name for name, _ in answer.choices] == ["", "text"]
    run = Run.objects.start(version, alice, {})
    Run.objects.update(status="completed", outputs='{"text": "aloud", "key": "hush"}')
    ended = {"run": str(run.pk), "status": "completed"}
    for port, output in (("text", {"output": "aloud"}), ("key", {})):
        assert outcome_of(Begun(run=run.pk, port=port)) == Told(status=200, body=ended | output)
