"""Deciding in a browser what becomes of a task that must not start twice, and of changed types."""

import json

import pytest

from workflows.models import Run

NUMBER = '"title": "Answer", "type": "test.number"'
COUNTS = ("test.number", "text.count_words")
DEEP = "hash[3]/digest"
DETAIL = json.dumps({"message": "The task had begun when the <b>process</b> died."})


@pytest.fixture
def undecided(rich_run, rich_workflow, alice):
    """Let a task of the run, which counts words, and one of a map's items wait for a decision."""
    counting = rich_workflow.latest.definition.replace(NUMBER, NUMBER.replace(*COUNTS))
    version = rich_workflow.revise(counting, alice)
    Run.objects.filter(pk=rich_run.pk).update(status="awaiting", version=version)
    rich_run.task_runs.filter(path__in=["answer", DEEP]).update(
        status="awaiting", reason="decision", detail=DETAIL
    )
    return f"/runs/{rich_run.pk}/decide/answer/"


def asked(run):
    """What was asked of the run."""
    return [json.loads(each.payload) for each in run.requests.order_by("pk")]


@pytest.mark.parametrize("path", ["answer", DEEP])
def test_who_may_run_sees_why_and_three_ways(client_of, alice, bob, rich_run, undecided, path):
    """R9: inside of a map's item as well as at the top."""
    address = f"/runs/{rich_run.pk}/tasks/{path}/"
    page = client_of(alice).get(address).content.decode()
    assert "the &lt;b&gt;process&lt;/b&gt; died." in page
    assert page.count('name="decide-action"') == 3
    assert 'name="decide-action"' not in client_of(bob).get(address).content.decode()


@pytest.mark.parametrize(
    ("sent", "decision"),
    [
        ({"action": "retry"}, {"action": "retry"}),
        ({"action": "fail", "message": "No."}, {"action": "fail", "message": "No."}),
        (
            {"action": "complete", "outputs": '{"count": 4}'},
            {"action": "complete", "outputs": {"count": 4}},
        ),
    ],
)
def test_a_decision_becomes_a_request(client_of, alice, rich_run, undecided, sent, decision):
    """Engine 6.3, 7.3."""
    answer = client_of(alice).post(undecided, {f"decide-{key}": sent[key] for key in sent})
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{rich_run.pk}/tasks/answer/")
    assert asked(rich_run) == [{"path": "answer", **decision}]
    assert Run.objects.get(pk=rich_run.pk).status == "awaiting"


@pytest.mark.parametrize("outputs", ["", "[1]", "{", "{}", '{"other": 1}', '{"count": "x"}'])
@pytest.mark.parametrize("whole", [True, False])
def test_outputs_that_do_not_fit_are_refused(
    client_of, alice, rich_run, undecided, hx, outputs, whole
):
    sent = {"decide-action": "complete", "decide-outputs": outputs}
    answer = client_of(alice).post(undecided, sent, headers={} if whole else hx)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count('class="fault"') == 1
    assert ("<html" in page) is whole
    assert asked(rich_run) == []


def test_a_task_whose_type_is_gone_cannot_be_marked_done(client_of, alice, rich_run, undecided):
    sent = {"decide-action": "complete", "decide-outputs": "{}"}
    answer = client_of(alice).post(f"/runs/{rich_run.pk}/decide/{DEEP}/", sent)
    assert "not installed" in answer.content.decode()
    assert asked(rich_run) == []


def test_htmx_gets_the_sentence_alone(client_of, alice, undecided, hx):
    page = client_of(alice).post(undecided, {"decide-action": "retry"}, headers=hx)
    assert "It was decided" in page.content.decode()
    assert "<html" not in page.content.decode()


def test_an_action_that_is_none_is_refused(client_of, alice, rich_run, undecided):
    assert client_of(alice).post(undecided, {"decide-action": "guess"}).status_code == 422
    assert asked(rich_run) == []


def test_a_task_that_waits_for_none_takes_no_decision(client_of, alice, rich_run):
    address = f"/runs/{rich_run.pk}/decide/answer/"
    page = client_of(alice).post(address, {"decide-action": "retry"}, follow=True)
    assert "does not wait for a decision" in page.content.decode()
    assert asked(rich_run) == []


@pytest.mark.parametrize("action", ["take", "fail"])
def test_a_run_whose_types_have_changed_is_decided_at_its_head(client_of, alice, rich_run, action):
    """P11."""
    Run.objects.filter(pk=rich_run.pk).update(status="awaiting", reason="version")
    address = f"/runs/{rich_run.pk}/decide/"
    assert address in client_of(alice).get(f"/runs/{rich_run.pk}/").content.decode()
    assert client_of(alice).post(address, {"action": action}).status_code == 303
    assert asked(rich_run) == [{"action": action}]


@pytest.mark.parametrize("action", ["", "take", "retry"])
def test_a_run_that_waits_for_no_version_is_not_decided(client_of, alice, rich_run, action):
    address = f"/runs/{rich_run.pk}/decide/"
    page = client_of(alice).post(address, {"action": action}, follow=True).content.decode()
    assert "does not wait for a decision" in page
    assert asked(rich_run) == []


def test_a_task_without_its_credential_can_look_again(client_of, alice, rich_run):
    Run.objects.filter(pk=rich_run.pk).update(status="awaiting")
    rich_run.task_runs.filter(path="answer").update(status="awaiting", reason="token")
    address = f"/runs/{rich_run.pk}/renew/"
    assert address in client_of(alice).get(f"/runs/{rich_run.pk}/tasks/answer/").content.decode()
    assert client_of(alice).post(address).status_code == 303
    assert [each.kind for each in rich_run.requests.all()] == ["renew"]


@pytest.mark.parametrize("act", ["decide/answer/", "decide/", "renew/"])
class TestAccess:
    """Who may run may decide."""

    @pytest.mark.parametrize("person", ["bob", "charlie"])
    def test_others_find_nothing(self, client_of, request, rich_run, undecided, act, person):
        client = client_of(request.getfixturevalue(person))
        assert client.post(f"/runs/{rich_run.pk}/{act}", {"action": "take"}).status_code == 404
        assert asked(rich_run) == []

    def test_nobody_is_asked_to_sign_in(self, client, rich_run, undecided, act):
        answer = client.post(f"/runs/{rich_run.pk}/{act}")
        assert answer["Location"].startswith("/sign-in/?next=")

    def test_only_a_post_changes_anything(self, client_of, alice, rich_run, undecided, act):
        expected = 200 if act == "decide/answer/" else 405
        assert client_of(alice).get(f"/runs/{rich_run.pk}/{act}").status_code == expected
        assert asked(rich_run) == []
