"""The admin: rows to read, and confirmed actions."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from workflows.admin import rooms
from workflows.models import AuditEvent, CacheEntry, Run, RunEvent, RunRequest, Webhook
from workflows.models.credential import keep_credential
from workflows.models.share import share

pytestmark = pytest.mark.django_db
CHANGELIST = "admin:workflows_run_changelist"


@pytest.fixture
def root(client_of):
    """A client of the operator."""
    return client_of(User.objects.create_superuser("root", password="river-delta-42"))


def ask(client, run, **more):
    data = {"action": "cancel", "_selected_action": [str(run.pk)], **more}
    return client.post(reverse(CHANGELIST), data)


#: Rows without a page of their own: they stand on that of another row, or say nothing.
INSIDE = {"membership", "sharetoken", "tries", "jobevent", "jobgroup"}


def test_every_model_has_its_page():
    registered = {model._meta.model_name for model in admin.site._registry}
    own = {model._meta.model_name for model in apps.get_app_config("workflows").get_models()}
    assert own - registered == INSIDE


@pytest.mark.parametrize("model", sorted(
    str(each._meta.model_name) for each in apps.get_app_config("workflows").get_models()
    if each in admin.site._registry
))  # fmt: skip
def test_every_list_opens_and_nobody_adds_to_it(root, run, model):
    assert root.get(reverse(f"admin:workflows_{model}_changelist")).status_code == 200
    added = root.get(reverse(f"admin:workflows_{model}_add")).status_code
    assert added == (200 if model == "team" else 403)


def test_a_list_counts_no_further_than_its_cap(root, run, monkeypatch):
    monkeypatch.setattr("workflows.admin.rooms.CAP", 3)
    RunEvent.objects.bulk_create(
        RunEvent(run=run, seq=n, at=run.created_at, kind="RunStarted") for n in range(9)
    )
    response = root.get(reverse("admin:workflows_runevent_changelist"))
    assert response.context["cl"].result_count == 3


def test_a_run_can_be_read_and_not_changed(root, run):
    page = reverse("admin:workflows_run_change", args=[run.pk])
    assert root.get(page).status_code == 200
    assert root.post(page, {"status": "completed"}).status_code == 403
    assert root.get(reverse("admin:workflows_run_add")).status_code == 403
    assert root.post(reverse("admin:workflows_run_delete", args=[run.pk])).status_code == 403


def test_cancel_asks_first(root, run):
    response = ask(root, run)
    assert "Yes, cancel" in response.text
    assert not RunRequest.objects.exists()


def test_a_confirmed_cancel_becomes_a_request(root, run):
    assert ask(root, run, confirmed="yes").status_code == 302
    request = RunRequest.objects.get()
    assert (request.run, request.kind, request.actor.username) == (run, "cancel", "root")


@pytest.mark.parametrize(
    ("status", "action", "kind"),
    [
        ("running", "pause", "pause"),
        ("paused", "continue_", "continue"),
        ("failed", "resume", "resume"),
    ],
)
def test_every_action_is_confirmed_and_becomes_a_request(root, run, status, action, kind):
    Run.objects.update(status=status)
    assert f'name="action" value="{action}"' in ask(root, run, action=action).text
    assert ask(root, run, action=action, confirmed="yes").status_code == 302
    assert RunRequest.objects.get().kind == kind


def test_who_may_manage_runs_may_forget_a_shared_result(root, team):
    entry = CacheEntry.objects.create(team=team, key="k")
    page = reverse("admin:workflows_cacheentry_delete", args=[entry.pk])
    assert root.post(page, {"post": "yes"}).status_code == 302
    assert not CacheEntry.objects.exists()


def test_what_cannot_be_cancelled_is_counted(root, run):
    Run.objects.update(status="completed")
    response = ask(root, run, confirmed="yes")
    assert "1 could not cancel" in root.get(response.url).text


def test_who_may_only_look_finds_no_action(client_of, run):
    watcher = User.objects.create_user("watcher", password="x", is_staff=True)
    watcher.user_permissions.add(Permission.objects.get(codename="view_run"))
    ask(client_of(watcher), run, confirmed="yes")
    assert not RunRequest.objects.exists()


def test_a_member_without_staff_rights_stays_out(client_of, alice, run):
    assert client_of(alice).get(reverse(CHANGELIST)).status_code == 302


# ── the list of runs ────────────────────────────────────────────────────────────────────────────


def test_a_list_of_a_hundred_runs_costs_few_queries(root, workflow, alice, django_assert_max_num_queries):  # fmt: skip
    for _ in range(100):
        made = Run.objects.start(workflow.latest, alice, {})
        made.events.create(seq=1, at=made.created_at, kind="RunStarted")
    Run.objects.update(seq=1)
    with django_assert_max_num_queries(12):
        page = root.get(reverse(CHANGELIST)).text
    assert page.count('data-status="queued"') == 100


def test_a_run_says_where_it_stands_and_when_it_last_said_something(root, run):
    at = timezone.now() - timedelta(minutes=7)
    run.events.create(seq=1, at=at, kind="RunStarted")
    Run.objects.update(seq=1, status="running", owner="4711-a")
    page = root.get(reverse(CHANGELIST)).text
    assert '<span class="state" data-status="running">▶ running</span>' in page
    assert "7 min ago" in page
    assert "4711-a" in page


@pytest.mark.parametrize(("minutes", "status", "is_stuck"), [(6, "running", True), (4, "running", False), (6, "awaiting", False)])  # fmt: skip
def test_a_run_that_moves_and_says_nothing_is_found(root, run, minutes, status, is_stuck):
    at = timezone.now() - timedelta(minutes=minutes)
    run.events.create(seq=1, at=at, kind="RunStarted")
    Run.objects.update(seq=1, status=status)
    shown = root.get(reverse(CHANGELIST) + "?stuck=yes").context["cl"].result_count
    assert shown == is_stuck


def test_runs_are_found_by_workflow_person_link_and_credential(root, run, alice, charlie, workflow):
    share(run, alice, life=timedelta(days=1))
    run.task_runs.create(path="a", status="awaiting", reason="token")
    count = lambda query: root.get(f"{reverse(CHANGELIST)}?{query}").context["cl"].result_count  # noqa: E731
    queries = [f"workflow={workflow.pk}", f"person={alice.pk}", "more=shared", "more=token"]
    assert [count(each) for each in queries] == [1, 1, 1, 1]
    assert [count(each) for each in (f"person={charlie.pk}", "workflow=nothing")] == [0, 0]


# ── what may be done ────────────────────────────────────────────────────────────────────────────


def test_asking_first_says_how_many_it_would_change(root, run, workflow, alice):
    over = Run.objects.start(workflow.latest, alice, {})
    Run.objects.filter(pk=over.pk).update(status="completed")
    data = {"action": "cancel", "_selected_action": [str(run.pk), str(over.pk)]}
    page = root.post(reverse(CHANGELIST), data).text
    assert "Cancel: 2 run(s)?" in page
    assert "It changes something in 1 of them" in page


def test_what_failed_is_tried_again(root, run):
    Run.objects.update(status="failed")
    ask(root, run, action="retry", confirmed="yes")
    assert RunRequest.objects.get().kind == "resume"
    Run.objects.update(status="interrupted")
    assert "1 could not retry what failed" in root.get(ask(root, run, action="retry", confirmed="yes").url).text  # fmt: skip


def test_links_are_revoked_and_results_purged(root, run, alice):
    link, _token = share(run, alice, life=timedelta(days=1))
    ask(root, run, action="revoke_links", confirmed="yes")
    link.refresh_from_db()
    assert link.revoked_at is not None
    run.chunks.create(path="a", port="t", attempt=1, first=0, last=0, items='["x"]', size=1)
    assert "1 could not purge" in root.get(ask(root, run, action="purge", confirmed="yes").url).text
    Run.objects.update(status="completed", outputs='{"a":1}')
    ask(root, run, action="purge", confirmed="yes")
    run.refresh_from_db()
    assert (run.pruned, run.outputs, run.chunks.count()) == ("outputs", "{}", 0)


def test_the_events_of_runs_are_exported_line_by_line(root, run):
    for seq in (1, 2):
        run.events.create(seq=seq, at=run.created_at, kind="RunCancelling", payload='{"actor":"a"}')
    Run.objects.update(seq=2)
    assert "They have 2 events." in ask(root, run, action="export").text
    answer = ask(root, run, action="export", confirmed="yes")
    lines = [json.loads(line) for line in answer.getvalue().decode().splitlines()]
    assert [(line["run"], line["seq"], line["kind"], line["actor"]) for line in lines] == [
        (str(run.pk), 1, "RunCancelling", "a"),
        (str(run.pk), 2, "RunCancelling", "a"),
    ]
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("action", ["cancel", "revoke_links", "export"])
def test_whatever_is_done_stands_in_both_logs(root, run, alice, action):
    share(run, alice, life=timedelta(days=1))
    ask(root, run, action=action, confirmed="yes")
    assert LogEntry.objects.get().object_id == str(run.pk)
    event = AuditEvent.objects.filter(act="changed in the admin").get()
    assert (event.person_name, event.team, event.subject) == ("root", run.team, f"run {run}")


def test_a_change_by_form_is_audited_without_what_was_written(root, alice):
    page = reverse("admin:auth_user_password_change", args=[alice.pk])
    given = {"usable_password": "true", "password1": "of-Oceans-77", "password2": "of-Oceans-77"}
    assert root.post(page, given).status_code == 302
    event = AuditEvent.objects.get()
    assert (event.act, event.subject) == ("changed in the admin", "user alice")
    assert "Oceans" not in event.detail


def test_a_credential_is_revoked_and_read_by_nobody(root, alice):
    kept = keep_credential(alice, "rivers", "the-token-of-rivers", hosts=["rivers.example"])
    page = root.get(reverse("admin:workflows_credential_change", args=[kept.pk])).text
    assert kept.sealed not in page
    changelist = reverse("admin:workflows_credential_changelist")
    data = {"action": "revoke", "_selected_action": [str(kept.pk)]}
    assert "Revoke 1 credential(s)?" in root.post(changelist, data).text
    root.post(changelist, data | {"confirmed": "yes"})
    assert not alice.credentials.exists()


@pytest.mark.parametrize(("kind", "large"), [("chunk", "items"), ("checkpoint", "value")])
def test_a_large_text_is_shown_by_its_beginning(root, run, kind, large):
    text = "x" * (rooms.SHOWN + 10)
    values: dict[str, dict] = {
        "items": {"port": "t", "first": 0, "last": 0, "size": 9},
        "value": {"seq": 1, "epoch": 1},
    }
    rows = {"chunk": run.chunks, "checkpoint": run.checkpoints}[kind]
    row = rows.create(path="a", attempt=1, **{large: text}, **values[large])
    page = root.get(reverse(f"admin:workflows_{kind}_change", args=[row.pk])).text
    assert "x" * rooms.SHOWN in page
    assert text not in page
    assert f"({len(text)} characters in all)" in page
    assert "xxxx" not in root.get(reverse(f"admin:workflows_{kind}_changelist")).text


def test_a_run_leads_to_its_page_and_shows_its_last_events(root, run):
    run.events.create(seq=1, at=run.created_at, kind="RunStarted")
    page = root.get(reverse("admin:workflows_run_change", args=[run.pk])).text
    assert f'href="/runs/{run.pk}/"' in page
    assert "RunStarted" in page


def test_a_trigger_is_turned_off_once_that_is_confirmed_and_shows_no_secret(root, workflow, alice):
    webhook = Webhook(workflow=workflow, person=alice, version=workflow.latest, title="Push")
    webhook.renew()
    webhook.save()
    address = reverse("admin:workflows_webhook_changelist")
    asked = {"action": "turn_off", "_selected_action": [str(webhook.pk)]}
    assert "Turn 1 off?" in root.post(address, asked).content.decode()
    assert Webhook.objects.get().is_on
    root.post(address, asked | {"confirmed": "yes"})
    assert not Webhook.objects.get().is_on
    assert LogEntry.objects.filter(change_message__contains="Turned off").exists()
    shown = root.get(reverse("admin:workflows_webhook_change", args=[webhook.pk]))
    assert webhook.sealed not in shown.content.decode()


def test_events_of_a_kind_are_looked_for_among_the_newest_or_all_of_a_run(root, run, monkeypatch):
    monkeypatch.setattr("workflows.admin.kept.NEWEST", 2)
    for seq, kind in enumerate(["RunStarted", "TaskStarted", "TaskStarted", "TaskStuck"], 1):
        run.events.create(seq=seq, at=run.created_at, kind=kind)
    page = reverse("admin:workflows_runevent_changelist")
    count = lambda query: root.get(f"{page}?{query}").context["cl"].result_count  # noqa: E731
    assert [count(f"kind={kind}") for kind in ("RunStarted", "TaskStarted", "TaskStuck")] == [
        0,
        1,
        1,
    ]
    assert count(f"kind=TaskStarted&q={run.pk}") == 2
