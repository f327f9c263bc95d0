"""`manage.py watch_run` and what asks something of a run: exit codes, JSON, in whose name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from runner.run.status import RunStatus
from workflows.management.following import Standing

ROOT = Path(__file__).resolve().parents[3]
ASKING = {
    "id": "check", "type": "flow.ask", "title": "Check", "inputs": {},
    "config": {"kind": "approval", "title": "Send it?"},
}  # fmt: skip
SET_UP = f"""
import json
import django
django.setup()
from django.contrib.auth.models import User
from workflows.demo_library import add_demo_person
from workflows.models import Run, Team, Workflow
from tests.drive import definition_of
add_demo_person("demo", "river-delta-42")
demo = User.objects.get(username="demo")
User.objects.create_user("stranger")
team = Team.objects.get(memberships__user=demo)
for name in ("watched", "driven"):
    made = Workflow.objects.create(team=team, name=name, title=name)
    made.revise(definition_of([{ASKING!r}], []), demo)
run = Run.objects.start(made.latest, demo, {{}})
print(run.pk)
"""


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["watch_run", "cancel_run", "resume_run"])
@pytest.mark.parametrize(
    ("person", "sentence"),
    [("charlie", "charlie has no run"), ("nobody", "There is no user 'nobody'.")],
)
@pytest.mark.usefixtures("charlie")
def test_whose_run_it_is_not_gets_one_sentence_and_2(run, command, person, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command(command, str(run.pk), person=person)

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_who_may_only_look_may_watch_and_not_cancel(run, bob, monkeypatch):
    from workflows.management.commands import watch_run

    monkeypatch.setattr(watch_run, "follow", lambda run, follower, *, as_json: 0)
    call_command("watch_run", str(run.pk), person="bob")

    with pytest.raises(CommandError, match="bob has no run"):
        call_command("cancel_run", str(run.pk), person="bob")


@pytest.mark.django_db
def test_what_was_asked_is_said_as_json(run, alice, capsys):
    call_command("cancel_run", str(run.pk), person="alice", json=True)

    assert json.loads(capsys.readouterr().out) == {"asked": "cancel", "run": str(run.pk)}


@pytest.mark.parametrize(
    ("status", "reason", "needs"),
    [("awaiting", "approval", True), ("awaiting", "time", False), ("awaiting", "version", True),
     ("paused", "", True), ("paused", "storage", False), ("running", "", False)],
)  # fmt: skip
def test_a_run_needs_a_person_only_if_nothing_comes_by_itself(status, reason, needs):
    standing = Standing(status=RunStatus(status), reason=reason, is_asked=False)

    assert standing.needs_a_person is needs


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A data directory with a queued run that will ask a person; no server uses it."""
    environment = {
        **os.environ,
        "ANABRANCH_DATA": str(tmp_path_factory.mktemp("data")),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "workflows.settings",
        "NO_COLOR": "1",
    }
    _python(environment, "manage.py", "migrate", "-v0")
    made = _python(environment, "-c", SET_UP)
    assert made.returncode == 0, made.stderr
    return environment | {"RUN": made.stdout.split()[-1]}


def _python(environment, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _manage(installation, command, *arguments):
    run = [installation["RUN"]] if command != "run_workflow" else []
    return _python(installation, "manage.py", command, *run, *arguments, "--as", "demo")


@pytest.mark.slow
def test_a_run_is_driven_paused_cancelled_and_watched_by_one_process_each(installation):
    """R13: the run goes on in whichever process, and each shows the same events."""
    waits = _manage(installation, "run_workflow", "watched")
    assert waits.returncode == 3, waits.stderr
    assert "check awaiting an approval" in waits.stdout

    paused = _manage(installation, "pause_run", "--watch")
    assert paused.returncode == 3, paused.stderr
    cancelled = _manage(installation, "cancel_run", "--watch")
    assert cancelled.returncode == 130, cancelled.stderr
    seen = _manage(installation, "watch_run", "--json")

    assert seen.returncode == 130
    events = [json.loads(line) for line in seen.stdout.splitlines()]
    assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "RunCancelled"
