"""A person's credentials: written and never read; told and agreed to before a run."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from runner.graph.needs import Need
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from workflows.models import AuditEvent, Credential, Membership, Run
from workflows.models.drafting import act, draft_of

PLACE = "/me/credentials/"
TEXT = "ghp-a-long-secret-0042"
GIVEN = {"name": "github", "text": TEXT, "hosts": "api.github.com  github.com."}


def kept(client, **more):
    return client.post(PLACE, GIVEN | more)


def test_a_credential_is_kept_sealed_and_shown_nowhere(client_of, alice):
    client = client_of(alice)

    assert kept(client, scopes="repo", expires="2999-01-01").status_code == 303

    page = client.get(PLACE).content.decode()
    assert "github" in page
    assert "…0042" in page
    assert "api.github.com github.com" in page
    assert TEXT not in page
    row = Credential.objects.get()
    assert row.reveal() == TEXT
    assert TEXT not in str(Credential.objects.values())
    assert TEXT not in str(AuditEvent.objects.values())


def test_a_second_text_takes_the_place_of_the_first(client_of, alice):
    client = client_of(alice)
    kept(client)
    kept(client, text="short")

    row = Credential.objects.get()
    assert row.reveal() == "short"
    assert row.hint == ""


def test_a_sealed_text_of_another_person_does_not_open(client_of, alice, bob):
    kept(client_of(alice))
    kept(client_of(bob), text="another")
    stolen = Credential.objects.get(person=alice).sealed

    Credential.objects.filter(person=bob).update(sealed=stolen)

    with pytest.raises(Exception, match="sealed for another row"):
        Credential.objects.get(person=bob).reveal()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "git hub", "Use letters"),
        ("name", "x" * 65, "at most 64"),
        ("text", "", "required"),
        ("text", "x" * (16 * 1024 + 1), "at most 16384"),
        ("hosts", "https://github.com/", "is no host name"),
        ("hosts", "-x", "is no host name"),
        ("hosts", "", "required"),
        ("expires", "2020-01-01", "That day is past"),
        ("expires", "soon", "valid date"),
    ],
)
def test_what_is_no_credential_gets_one_sentence(client_of, alice, field, value, sentence):
    answer = kept(client_of(alice), **{field: value})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert TEXT not in answer.content.decode()
    assert not Credential.objects.exists()


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_and_no_more(client_of, alice, settings, more):
    settings.CREDENTIALS_A_PERSON = 2
    client = client_of(alice)
    answers = [kept(client, name=f"n{number}") for number in range(2 + more)]

    assert answers[-1].status_code == (422 if more else 303)
    assert kept(client, name="n0").status_code == 303
    assert Credential.objects.count() == 2


def test_only_its_person_removes_it(client_of, alice, bob):
    kept(client_of(alice))
    row = Credential.objects.get()

    assert client_of(bob).post(f"{PLACE}{row.pk}/remove/").status_code == 404
    assert client_of(alice).get(f"{PLACE}{row.pk}/remove/").status_code == 405
    assert client_of(alice).post(f"{PLACE}{row.pk}/remove/").status_code == 303
    assert not Credential.objects.exists()


# ── before a run ────────────────────────────────────────────────────────────────────────────────


class Pushes(Task):
    """Stands for a task that is there, and needs a credential."""

    name = "text.count_words"
    effect = "repeatable"
    needs = (Need("github", hosts=("api.github.com",), scopes=("repo",)),)

    async def execute(self, inputs, context):
        return {}


class PushesElsewhere(Pushes):
    """Needs it for another host."""

    name = "text.keywords"
    needs = (Need("github", hosts=("elsewhere.example",)),)


PORTS = {Pushes.name: "text", PushesElsewhere.name: "question"}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    registry = TaskRegistry()
    registry.register(Pushes)
    registry.register(PushesElsewhere)
    monkeypatch.setattr("workflows.grants.default_registry", lambda: registry)


def definition(kind):
    inputs = {PORTS[kind]: "the river"}
    tasks = [{"id": "push", "type": kind, "title": "Push", "inputs": inputs}]
    return json.dumps({"v": 1, "name": "demo", "tasks": tasks})


def test_who_gets_what_for_which_host_is_told_with_what_is_wrong(client_of, alice, workflow):
    workflow.revise(definition("text.count_words"), alice)
    client = client_of(alice)
    page = f"/workflows/{workflow.pk}/run/"

    assert "missing" in client.get(page).content.decode()
    kept(client, hosts="github.com")
    assert "add that host to it" in client.get(page).content.decode()
    kept(client)
    assert "does not cover repo" in client.get(page).content.decode()
    kept(client, scopes="repo")
    Credential.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "expired" in client.get(page).content.decode()
    kept(client, scopes="repo")
    told = client.get(page).content.decode()
    assert "<b>Push</b> is given <code>github</code> for api.github.com" in told
    assert 'class="fault"' not in told
    assert 'name="grants"' not in told


def test_who_did_not_publish_it_is_asked_once_and_again_after_a_change(
    client_of, alice, bob, workflow
):
    Membership.objects.filter(user=bob).update(role="runner")
    workflow.revise(definition("text.count_words"), alice)
    client, page = client_of(bob), f"/workflows/{workflow.pk}/run/"

    def begin(**more):
        key = f"{Run.objects.count()}{more}"
        return client.post(page, {"in-key": key, **more}).status_code

    assert begin() == 422
    assert not Run.objects.exists()
    assert begin(grants="on") == 303
    assert begin() == 303
    changed = workflow.revise(definition("text.keywords"), alice)
    assert begin() == 422
    again = {"in-cell": "start-latest", "in-key": "again"}
    Run.objects.update(status="failed")
    refused = client.post(f"/runs/{Run.objects.earliest('created_at').pk}/rerun/", again)
    assert refused.status_code == 422
    assert f"Version {changed.number} would give tasks your credentials" in refused.content.decode()
    with pytest.raises(CommandError, match="agree there"):
        call_command("run_workflow", workflow.name, person="bob")
    assert begin(grants="on") == 303
    assert Run.objects.count() == 3


def test_a_draft_that_others_drew_is_tried_with_ones_credentials_only_when_one_lets_it(
    client_of, alice, bob, workflow
):
    Membership.objects.filter(user=bob).update(role="editor")
    workflow.revise(definition("text.count_words"), alice)
    kept(client_of(bob), scopes="repo")
    address = f"/workflows/{workflow.pk}/try/"

    def attempt(person, **more):
        key = f"{Run.objects.count()}{person}"
        return client_of(person).post(address, {"in-key": key, **more})

    refused = attempt(bob)
    assert refused.status_code == 422
    assert "others have drawn here, too" in refused.text
    assert "say below that you let them" in refused.text
    assert not Run.objects.exists()
    assert attempt(alice).status_code == 303
    assert attempt(bob, grants="on").status_code == 303
    assert attempt(bob).status_code == 303
    draft = draft_of(workflow)
    act(workflow, bob, draft.revision, {"op": "title", "path": "push", "title": "Push it"})
    Run.objects.filter(started_by=alice).delete()
    assert attempt(alice).status_code == 422
