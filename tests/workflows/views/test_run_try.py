"""run-try: the draft runs before it is published, whole or in part, and is marked as a trial."""

import pytest

from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.values import decode
from runner.run.checkpoint import TaskCheckpoint
from tests.drive import definition_of
from workflows.models import Run, Workflow
from workflows.models.drafting import act, draft_of, publish
from workflows.trials import LETTERS

pytestmark = pytest.mark.django_db

FLOWS = [("$inputs.text", "answer.question"), ("answer.text", "report.text")]


@pytest.fixture
def asking(team, alice):
    """A workflow whose draft says more than its version."""
    tasks = [
        {"id": "answer", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "report", "type": "text.report", "inputs": {"question": "Who?", "words": 3}},
    ]
    made = Workflow.objects.create(team=team, name="asking", title="Asking", created_by=alice)
    made.revise(definition_of(tasks, FLOWS, inputs=[{"name": "text", "type": "str"}]), alice)
    act(made, alice, draft_of(made).revision, {"op": "title", "path": "report", "title": "Tell"})
    return made


@pytest.fixture
def ran(asking, alice):
    """A run of it that is over, and what its first task gave."""

    def gave(text='"So."'):
        run = Run.objects.start(asking.latest, alice, {"text": "a"})
        kept = TaskCheckpoint(path="answer", attempt=1, seq=1, outputs={"text": text})
        run.checkpoints.create(path=kept.path, attempt=1, seq=1, epoch=1, value=kept.to_json())
        run.task_runs.create(path="answer", status="completed")
        Run.objects.filter(pk=run.pk).update(status="completed")
        return run

    return gave


@pytest.fixture
def post(client_of, alice, asking):
    def send(**form):
        return client_of(alice).post(f"/workflows/{asking.pk}/try/", form)

    return send


def planned(run):
    """The graph that the runner makes of it."""
    definition = draft_of(run.version.workflow).drawing.definition
    return plan(definition, decode(run.inputs), default_registry(), **decode(run.options))


def test_the_draft_runs_as_it_is_and_is_no_version(post, asking):
    """Engine 1.5."""
    answer = post(**{"in-port-text": "Why?"})
    run = Run.objects.get()
    assert answer.url == f"/runs/{run.pk}/"
    assert run.version.definition == draft_of(asking).definition != asking.latest.definition
    assert (run.trial, run.version.number, asking.latest.number) == (True, 0, 1)
    assert planned(run).trial


def test_only_a_task_takes_the_results_of_the_last_run(post, ran):
    """Engine 1.5."""
    ran()
    post(only="report", pin="answer")
    run = Run.objects.get(trial=True)
    graph = planned(run)
    assert (graph.pinned, graph.left_out) == (("answer",), ())
    assert decode(run.options)["pins"] == {"answer": {"text": "So."}}


def test_to_here_leaves_out_what_comes_after(post):
    """Engine 1.5."""
    post(until="answer", **{"in-port-text": "Why?"})
    assert planned(Run.objects.get()).left_out == ("report",)


def test_the_page_takes_by_itself_what_the_only_task_needs(client_of, alice, asking, ran):
    run = ran()
    page = client_of(alice).get(f"/workflows/{asking.pk}/try/?only=report").content.decode()
    assert 'name="pin" value="answer" checked' in page
    assert f"/runs/{run.pk}/" in page


def test_without_results_the_page_says_what_is_missing_and_nothing_starts(
    post, client_of, alice, asking
):
    sentence = "report takes &#x27;text&#x27; of answer, which does not run"
    page = client_of(alice).get(f"/workflows/{asking.pk}/try/?only=report").content.decode()
    assert sentence in page
    answer = post(only="report")
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Run.objects.exists()


@pytest.mark.parametrize(("more", "offered"), [(0, True), (1, False)])
def test_results_that_are_too_long_do_not_stand_in(client_of, alice, asking, ran, more, offered):
    ran(f'"{"x" * (LETTERS - 2 + more)}"')
    page = client_of(alice).get(f"/workflows/{asking.pk}/try/?until=report").content.decode()
    assert ('value="answer"' in page) is offered


def test_a_missing_input_gets_one_sentence_beside_its_field(post):
    page = post(until="answer").content.decode()
    assert page.count('class="fault"') == 1
    assert not Run.objects.exists()


def test_a_task_that_is_not_there_is_named(post):
    answer = post(only="<nobody>", **{"in-port-text": "a"})
    assert (answer.status_code, "&lt;nobody&gt;" in answer.content.decode()) == (422, True)


def test_the_same_draft_is_kept_once_and_publishing_still_makes_a_version(post, asking, alice):
    for _ in range(2):
        post(**{"in-port-text": "Why?"})
    assert asking.versions.filter(number=0).count() == 1
    assert publish(asking, alice).number == 2
    assert asking.latest.number == 2


def test_a_trial_is_marked_and_counts_neither_in_the_history_nor_among_versions(
    post, client_of, alice, asking
):
    post(**{"in-port-text": "Why?"})
    client, run = client_of(alice), Run.objects.get()
    assert '<span class="origin">trial</span>' in client.get(f"/runs/{run.pk}/").content.decode()
    assert '<span class="origin">trial</span>' in client.get("/runs/").content.decode()
    assert "No runs yet." in client.get(f"/workflows/{asking.pk}/history/").content.decode()
    versions = f"/workflows/{asking.pk}/versions/"
    assert 'id="version-0"' not in client.get(versions).content.decode()
    assert client.get(f"{versions}0/json/").status_code == 404
    assert client.get(f"/runs/{run.pk}/rerun/").status_code == 200


def test_only_editors_try_and_code_has_no_draft(client_of, alice, bob, charlie, client, asking):
    address = f"/workflows/{asking.pk}/try/"
    for person in (bob, charlie):
        assert client_of(person).get(address).status_code == 404
        assert client_of(person).post(address).status_code == 404
    assert client.get(address)["Location"].startswith("/sign-in/?next=")
    Workflow.objects.filter(pk=asking.pk).update(origin="code", module="x")
    assert client_of(alice).get(address).status_code == 303
