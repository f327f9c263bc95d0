"""The inbox: who is asked what, the first answer counts, and what happens without one."""

import json
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from runner.graph.needs import Need
from runner.graph.registry import default_registry
from runner.graph.task import Task
from workflows.deadlines import after_deadline
from workflows.models import Membership, Run
from workflows.models.credential import keep_credential
from workflows.outline import outline_of
from workflows.waiting import count_waiting

APPROVAL = {"kind": "approval", "title": "Send it?", "help": "", "fields": []}
APPROVE = {"in-port-approved": "on", "in-port-note": ""}


@pytest.fixture
def dora(team, django_user_model):
    """Another one who may run, and so may answer."""
    made = django_user_model.objects.create_user("dora", password="river-delta-42")
    Membership.objects.create(team=team, user=made, role="runner")
    return made


@pytest.fixture
def ask(rich_run):
    """Let a task of alice's run wait for something; give the address to answer at."""

    def ask(reason="approval", until=None, **question):
        Run.objects.filter(pk=rich_run.pk).update(status="awaiting")
        detail = json.dumps(question | APPROVAL, separators=(",", ":"))
        rich_run.task_runs.filter(path="answer").update(
            status="awaiting", reason=reason, detail=detail, until=until
        )
        return f"/runs/{rich_run.pk}/answer/answer/"

    return ask


def inbox(client):
    return client.get(reverse("waiting-list")).content.decode()


@pytest.mark.parametrize(
    ("given", "verb"), [(APPROVE, "approved"), ({"in-port-note": "no"}, "rejected")]
)
def test_the_first_answer_counts_and_who_comes_later_is_told_whose_it_was(
    client_of, alice, dora, rich_run, ask, given, verb
):
    address = ask()
    client_of(dora).post(address, given)
    late = client_of(alice).post(address, APPROVE | {"in-port-note": "late"}, follow=True)
    assert f"dora has {verb} this already." in late.text
    assert rich_run.requests.get().actor == dora
    assert f"dora has {verb} this already." in client_of(alice).get(address).text


def test_who_is_late_is_told_also_once_the_task_has_gone_on(client_of, alice, dora, rich_run, ask):
    address = ask()
    client_of(dora).post(address, APPROVE)
    rich_run.requests.update(handled_at=datetime.now(UTC))
    rich_run.task_runs.filter(path="answer").update(status="running", reason="", detail="")
    assert "dora has approved this already." in client_of(alice).post(address, APPROVE, follow=True).text  # fmt: skip


def test_the_first_decision_counts_too(client_of, alice, dora, rich_run, ask):
    ask(reason="decision")
    address = reverse("run-decide", args=[rich_run.pk, "answer"])
    client_of(dora).post(address, {"decide-action": "retry"})
    late = client_of(alice).post(address, {"decide-action": "fail"}, follow=True)
    assert "dora has decided this already." in late.text
    assert json.loads(rich_run.requests.get().payload)["action"] == "retry"


def test_who_started_the_run_may_not_approve_it_where_the_question_says_so(
    client_of, alice, dora, rich_run, ask
):
    address = ask(others_only=True)
    assert "Send it?" not in inbox(client_of(alice))
    assert "Send it?" in inbox(client_of(dora))
    assert [count_waiting(each) for each in (alice, dora)] == [0, 1]
    refused = client_of(alice).post(address, APPROVE, follow=True).text
    assert "Somebody else than who started the run has to answer this." in refused
    assert "Somebody else" in client_of(alice).get(f"/runs/{rich_run.pk}/?task=answer").text
    with pytest.raises(CommandError, match="Somebody else"):
        call_command("answer_run", str(rich_run.pk), "answer", '{"approved": true}', "--as=alice")
    assert not rich_run.requests.exists()
    client_of(dora).post(address, APPROVE)
    assert rich_run.requests.get().actor == dora


def test_the_inbox_leads_to_the_question_and_the_answer_leads_back(client_of, dora, ask):
    ask()
    client = client_of(dora)
    assert 'answer/?from=waiting" aria-label="Review: Send it?"' in inbox(client)
    answered = client.post(ask() + "?from=waiting", APPROVE)
    assert (answered.status_code, answered["Location"]) == (303, "/waiting/")


def test_the_inbox_and_the_question_name_what_happens_without_an_answer(client_of, dora, ask):
    address = ask(until=datetime(2030, 5, 4, 14, 20, tzinfo=UTC))
    assert "otherwise the task fails" in inbox(client_of(dora))
    page = " ".join(client_of(dora).get(address).text.split())
    assert "4 May 14:20</time>, the task fails." in page


def test_after_a_deadline_the_drawing_says_which_way_it_goes():
    ask = {"id": "ask", "type": "flow.ask"}
    graph = {"tasks": [ask, {"id": "b", "type": "t"}], "dataflows": [], "inputs": [], "outputs": []}
    document = {
        "v": 1, "name": "n", "inputs": [], "outputs": [],
        "dataflows": [{"from": "ask.[error]", "to": "late.value"}],
        "tasks": [ask, {"id": "late", "type": "t", "title": "Call them"},
                  {"id": "or", "type": "flow.fallback", "title": "Either", "graph": graph},
                  {"id": "race", "type": "flow.first_of", "title": "Race", "graph": graph},
                  {"id": "each", "type": "flow.map", "graph": graph}],
    }  # fmt: skip
    outline = outline_of(json.dumps(document))
    said = {path: after_deadline(outline, path)
            for path in ("ask", "or/ask", "race/ask", "each[3]/ask", "gone")}  # fmt: skip
    assert said == {
        "ask": "it goes on with Call them",
        "or/ask": "Either tries its next alternative",
        "race/ask": "the other alternatives of Race go on",
        "each[3]/ask": "the task fails",
        "gone": "the task fails",
    }


class NeedsRivers(Task):
    """Needs a credential."""

    name = "test.needs_rivers"
    effect: ClassVar = "none"
    needs = (Need("rivers", hosts=("api.rivers.example",), scopes=("read",)),)


@pytest.fixture
def waits_for_credential(rich_run, ask, monkeypatch):
    """Let the task wait for a credential."""
    registry = default_registry()
    registry.register(NeedsRivers)
    monkeypatch.setattr("workflows.waiting.default_registry", lambda: registry)
    definition = json.loads(rich_run.version.definition)
    definition["tasks"][1]["type"] = NeedsRivers.name
    type(rich_run.version).objects.update(definition=json.dumps(definition))
    ask(reason="token")
    rich_run.task_runs.filter(path="answer").update(detail='{"credential":"rivers"}')
    return rich_run


def test_a_credential_is_renewed_from_the_inbox_and_the_run_looks_again(
    client_of, alice, waits_for_credential
):
    """R18: only its text is left to say."""
    keep_credential(alice, "rivers", "old", hosts=["other.example"])
    waits_for_credential.requests.all().delete()
    client, begin = (
        client_of(alice),
        inbox(client_of(alice)).partition('href="/me/credentials/?')[2],
    )
    address = "/me/credentials/?" + begin.partition('"')[0].replace("&amp;", "&")
    asked = parse_qs(urlsplit(address).query)
    assert asked["hosts"] + asked["scopes"] == ["api.rivers.example", "read"]
    form = client.get(address).context["form"].initial
    assert form == {"name": "rivers", "hosts": "other.example api.rivers.example", "scopes": "read"}
    kept = client.post(address, form | {"text": "a-new-text"})
    assert kept["Location"] == "/waiting/"
    assert waits_for_credential.requests.get().kind == "renew"


def test_a_credential_is_nobody_elses_to_renew(client_of, dora, waits_for_credential):
    assert "rivers" not in inbox(client_of(dora))
    assert count_waiting(dora) == 0
