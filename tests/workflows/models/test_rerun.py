"""Reruns of stored runs: which go on, which are new, and what those take over."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from runner.errors import PlanError, RunnerError
from runner.graph.values import decode
from runner.run.rerun import RerunMode
from tests.drive import definition_of
from workflows.models import Run, Workflow
from workflows.models.rerunning import RerunWish

pytestmark = pytest.mark.django_db

FLOWS = [("$inputs.text", "answer.question"), ("answer.text", "report.text")]
OTHER = {"id": "other", "type": "text.keywords", "inputs": {"question": "Why?"}}


def drawn(words=3):
    """Answer a question and report; `other` stands by itself."""
    tasks = [
        {"id": "answer", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "report", "type": "text.report", "inputs": {"question": "Who?", "words": words}},
        OTHER,
    ]
    return definition_of(tasks, FLOWS, inputs=[{"name": "text", "type": "str"}])


@pytest.fixture
def asking(team, alice):
    """A workflow of which a run can keep something."""
    made = Workflow.objects.create(team=team, name="asking", created_by=alice)
    made.revise(drawn(), alice)
    return made


@pytest.fixture
def failed(asking, alice):
    """A run of it that failed at its second task."""
    run = Run.objects.start(asking.latest, alice, {"text": "a b"})
    for path, status in [("answer", "completed"), ("report", "failed"), ("other", "cached")]:
        run.task_runs.create(path=path, status=status)
    Run.objects.filter(pk=run.pk).update(status="failed")
    return Run.objects.get(pk=run.pk)


def wish(mode="failed", **more):
    return RerunWish(mode=RerunMode(mode), **more)


def test_a_failed_run_goes_on(failed, alice):
    """Engine 7.6."""
    assert Run.objects.rerun(failed, alice, wish()) == failed
    assert failed.requests.get().kind == "resume"


def test_a_run_that_cannot_go_on_says_so(failed, alice):
    Run.objects.filter(pk=failed.pk).update(status="completed")
    with pytest.raises(RunnerError, match="nothing left to do"):
        Run.objects.rerun(failed, alice, wish("resume"))
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (wish(inputs={"text": "c"}), ["other"]),
        (wish("task", task="other"), ["answer"]),
        (wish("task", task="answer"), ["other"]),
        (wish("start"), []),
    ],
)
def test_any_other_rerun_is_a_new_run_of_the_same_version(failed, alice, asked, kept):
    again = Run.objects.rerun(failed, alice, asked)
    assert (again.parent, again.version, again.status) == (failed, failed.version, "queued")
    assert json.loads(again.kept) == kept
    assert decode(again.inputs) == {"text": "a b"} | dict(asked.inputs or {})
    assert not failed.requests.exists()


def test_the_latest_version_runs_what_it_changed(failed, asking, alice):
    asking.revise(drawn(words=9), alice)
    again = Run.objects.rerun(failed, alice, wish("resume", latest=True))
    assert again.version.number == 2
    assert json.loads(again.kept) == ["answer", "other"]


def test_an_input_that_no_longer_exists_is_left_out(failed, asking, alice):
    asking.revise(definition_of([OTHER]))
    again = Run.objects.rerun(failed, alice, wish(latest=True))
    assert (decode(again.inputs), json.loads(again.kept)) == ({}, ["other"])


def test_what_has_another_version_than_when_the_run_began_is_run(failed, alice):
    types = json.loads(failed.types)
    Run.objects.filter(pk=failed.pk).update(types=json.dumps(types | {"text.answer": "0"}))
    again = Run.objects.rerun(Run.objects.get(pk=failed.pk), alice, wish("task", task="report"))
    versions = {name: signature.partition("@")[0] for name, signature in types.items()}
    assert versions == {"text.answer": "1", "text.keywords": "1", "text.report": "1"}
    assert json.loads(again.kept) == ["other"]


def test_a_rerun_of_a_trial_is_a_trial(asking, alice):
    """Engine 1.5."""
    options = {"only": ["report"], "pins": {"answer": {"text": "So."}}}
    trial = Run.objects.start(asking.latest, alice, {"text": "x"}, options=options)
    again = Run.objects.rerun(trial, alice, wish("start"))
    assert decode(again.options) == options


def test_a_rerun_belongs_to_who_asks_for_it(failed, team):
    """Engine 6.7."""
    from tests.conftest import _member

    dora = _member(team, "dora", "runner")
    again = Run.objects.rerun(failed, dora, wish("start"), "key")
    assert again.started_by == dora
    assert Run.objects.rerun(failed, dora, wish("start"), "key") == again


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (wish("task", task="gone"), "There is no task 'gone'"),
        (wish(inputs={"no": 1}), "has no input 'no'"),
    ],
)
def test_what_makes_no_plan_starts_nothing(failed, alice, asked, sentence):
    with pytest.raises(PlanError, match=sentence):
        Run.objects.rerun(failed, alice, asked)
    assert Run.objects.count() == 1


def test_nothing_is_kept_of_a_version_that_can_no_longer_be_planned(failed, asking, alice):
    asking.revise(drawn(words=9), alice)
    version = failed.version
    version.definition = version.definition.replace("text.report", "gone.type")
    version.save()
    again = Run.objects.rerun(Run.objects.get(pk=failed.pk), alice, wish(latest=True))
    assert json.loads(again.kept) == []


@pytest.fixture
def outer(team, alice, asking):
    """A workflow that runs the other one, and itself."""
    sub = {"type": "flow.subgraph"}
    tasks = [
        sub | {"id": "a", "config": {"workflow": "asking"}, "inputs": {"text": "x y"}},
        sub | {"id": "b", "config": {"workflow": "outer"}},
        sub | {"id": "c", "config": {"workflow": "nowhere"}},
    ]
    made = Workflow.objects.create(team=team, name="outer", created_by=alice)
    made.revise(definition_of(tasks), alice)
    return made


def test_a_run_is_pinned_to_the_workflows_it_is_made_of(outer, asking, alice, charlie):
    """Engine 6.8."""
    run = Run.objects.start(outer.latest, alice, {})
    asking.revise(drawn(words=9), alice)
    pinned = json.loads(run.workflows)
    assert pinned == {"asking": drawn(), "outer": outer.latest.definition}
    assert Workflow.objects.pinned(outer.latest, alice)["asking"] == drawn(words=9)
    assert Workflow.objects.pinned(outer.latest, charlie) == {}


def test_the_command_says_what_will_run_and_asks_for_it(failed, capsys):
    call_command("rerun", str(failed.pk), "--from", "task", "--task", "report", person="alice")
    said, named = capsys.readouterr().out.splitlines()
    assert said == "A new run runs report; 2 tasks are kept."
    assert named == f"run {failed.reruns.get().pk}"


def test_a_preview_asks_for_nothing(failed, capsys):
    call_command("rerun", str(failed.pk), "--preview", person="alice")
    assert capsys.readouterr().out == "The run goes on: it runs report; 2 tasks are kept.\n"
    assert not failed.requests.exists()


@pytest.mark.parametrize(
    ("person", "more", "sentence"),
    [
        ("nobody", [], "There is no user 'nobody'."),
        ("bob", [], "bob has no run"),
        ("alice", ["--input", "no=1"], "has no input 'no'"),
    ],
)
@pytest.mark.usefixtures("bob")
def test_the_command_refuses_in_one_sentence(failed, person, more, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("rerun", str(failed.pk), *more, person=person)
