"""The shipped workflows and the first person."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from workflows.access import run_for
from workflows.demo_library import add_demo_person, load_demos
from workflows.models import Run, RunRequest, Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db


def test_demos_become_workflows_of_team_demo_once():
    names = load_demos()
    assert set(names) == {
        "ask-the-python-manual",
        "licence-check-of-this-installation",
        "verify-this-installation",
    }
    assert {each.team.slug for each in Workflow.objects.all()} == {"demo"}
    assert load_demos() == []
    assert WorkflowVersion.objects.count() == len(names)


def test_a_changed_demo_is_a_new_version(tmp_path):
    demo = tmp_path / "demo.json"
    demo.write_text('{"v":1,"name":"demo","title":"Demo","tasks":[],"dataflows":[]}')
    assert load_demos(tmp_path) == ["demo"]
    demo.write_text('{"v":1,"name":"demo","title":"Better","tasks":[],"dataflows":[]}')
    assert load_demos(tmp_path) == ["demo"]
    workflow = Workflow.objects.get()
    assert workflow.title == "Better"
    assert [each.number for each in workflow.versions.all()] == [1, 2]


def test_the_first_person_may_run_the_demos():
    load_demos()
    person = add_demo_person("demo", "river-delta-42")
    version = WorkflowVersion.objects.visible_to(person)[0]
    run = Run.objects.start(version, person, {})
    assert run_for(person, run.pk, "edit") == run


def test_a_terminal_asks_as_a_person_does(run, alice, capsys):
    call_command("cancel_run", str(run.pk), "--as", "alice")
    assert RunRequest.objects.get().kind == "cancel"
    assert str(run.pk) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "reason", "payload"),
    [
        (["answer_run", "a", '{"n": 1}'], "input", {"path": "a", "value": {"n": 1}}),
        (["decide_run", "a", "retry"], "decision", {"path": "a", "action": "retry"}),
        (
            ["decide_run", "a", "complete", "--outputs", '{"p": 2}'],
            "decision",
            {"path": "a", "action": "complete", "outputs": {"p": 2}},
        ),
        (
            ["decide_run", "a", "fail", "--message", "no"],
            "decision",
            {"path": "a", "action": "fail", "message": "no"},
        ),
    ],
)
def test_a_terminal_answers_and_decides(run, alice, command, reason, payload):
    """Engine 6.3, 7.3."""
    Run.objects.filter(pk=run.pk).update(status="awaiting")
    run.task_runs.create(path="a", status="awaiting", reason=reason)
    name, *rest = command
    call_command(name, str(run.pk), *rest, "--as", "alice")
    assert json.loads(RunRequest.objects.get().payload) == payload


def test_a_terminal_pauses_and_continues(run, alice):
    """Engine 5.1."""
    call_command("pause_run", str(run.pk), "--as", "alice")
    Run.objects.filter(pk=run.pk).update(status="paused")
    call_command("continue_run", str(run.pk), "--as", "alice")
    assert [each.kind for each in RunRequest.objects.order_by("pk")] == ["pause", "continue"]


def test_what_a_terminal_answers_is_json_and_waited_for(run, alice):
    with pytest.raises(CommandError, match="is not JSON"):
        call_command("answer_run", str(run.pk), "a", "{", "--as", "alice")
    with pytest.raises(CommandError, match="does not wait for an answer"):
        call_command("answer_run", str(run.pk), "a", "{}", "--as", "alice")


@pytest.mark.parametrize(
    ("command", "person", "sentence"),
    [
        ("resume_run", "alice", "not one that can be resumed"),
        ("cancel_run", "bob", "has no run"),
        ("cancel_run", "charlie", "has no run"),
        ("cancel_run", "zoe", "There is no user"),
    ],
)
def test_what_cannot_be_asked_is_said(run, bob, charlie, command, person, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command(command, str(run.pk), "--as", person)
