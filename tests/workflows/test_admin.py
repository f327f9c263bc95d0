"""The admin: rows to read, and confirmed actions."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from workflows.models import CacheEntry, Run, RunEvent, RunRequest

pytestmark = pytest.mark.django_db
CHANGELIST = "admin:workflows_run_changelist"


@pytest.fixture
def root(client_of):
    """A client of the operator."""
    return client_of(User.objects.create_superuser("root", password="river-delta-42"))


def ask(client, run, **more):
    data = {"action": "cancel", "_selected_action": [str(run.pk)], **more}
    return client.post(reverse(CHANGELIST), data)


@pytest.mark.parametrize(
    "model", ["run", "runevent", "taskrun", "cacheentry", "workflow", "workflowversion"]
)
def test_every_list_opens(root, run, model):
    assert root.get(reverse(f"admin:workflows_{model}_changelist")).status_code == 200


def test_a_list_counts_no_further_than_its_cap(root, run, monkeypatch):
    monkeypatch.setattr("workflows.admin.CAP", 3)
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
