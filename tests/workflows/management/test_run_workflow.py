"""`manage.py run_workflow`: whom it serves, what it refuses, and its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.drive import definition_of
from workflows.models import Run, Workflow

ROOT = Path(__file__).resolve().parents[3]
QUOTE = {"id": "answer", "type": "text.answer", "config": {"pace": 0}, "inputs": {"hits": []}}
SET_UP = """
import django
django.setup()
from workflows.demo_library import add_demo_person, load_demos
load_demos()
add_demo_person("demo", "river-delta-42")
"""


@pytest.fixture
def quoting(team, alice):
    """A workflow of the team that wants a question."""
    made = Workflow.objects.create(team=team, name="quoting", created_by=alice)
    question = {"name": "question", "type": "str"}
    flows = [("$inputs.question", "answer.question")]
    made.revise(
        definition_of([QUOTE], flows, inputs=[question], outputs={"text": "answer.text"}), alice
    )
    return made


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "person", "sentence"),
    [
        ("quoting", "alice", "question"),
        ("nothing", "alice", "alice has no workflow 'nothing' to run."),
        ("quoting", "bob", "bob has no workflow"),
        ("quoting", "charlie", "charlie has no workflow"),
        ("hills/quoting", "alice", "alice has no workflow"),
        ("quoting", "nobody", "There is no user 'nobody'."),
    ],
)
@pytest.mark.usefixtures("quoting", "bob", "charlie")
def test_what_cannot_be_run_gets_one_sentence(name, person, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("run_workflow", name, person=person)

    assert refused.value.returncode == 2
    assert not Run.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("quoting")
def test_a_wrong_type_gets_one_sentence(team, alice):
    made = Workflow.objects.create(team=team, name="sized")
    made.revise(definition_of([], inputs=[{"name": "size", "type": "int"}]), alice)

    with pytest.raises(CommandError, match="wants a whole number, not the text 'big'") as refused:
        call_command("run_workflow", "sized", person="alice", input=["size=big"])
    assert refused.value.returncode == 2


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A data directory of its own with the demos and a person; no server uses it."""
    data = tmp_path_factory.mktemp("data")
    environment = {
        **os.environ,
        "DATABASE_URL": "",
        "ANABRANCH_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "workflows.settings",
    }
    for command in (["manage.py", "migrate", "-v0"], ["-c", SET_UP]):
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)
    return environment


def run_workflow(environment, *arguments):
    command = [sys.executable, "manage.py", "run_workflow", *arguments, "--as", "demo"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
def test_without_a_server_the_command_drives_the_run_itself(installation):
    inputs = ("--input", "rounds=1", "--input", "limit=2")
    done = run_workflow(installation, "verify-this-installation", *inputs)

    assert done.returncode == 0, done.stderr
    assert "✓ verify[1]/hash completed" in done.stdout
    assert "Every file is as it was installed." in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_it_prints_the_same_events_as_the_console(installation):
    arguments = ("--input", "rounds=1", "--input", "limit=1", "--json")
    here = run_workflow(installation, "verify-this-installation", *arguments)
    demo = "runner/library/demos/verify-this-installation.json"
    there = subprocess.run(
        [sys.executable, "-m", "runner", demo, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert _kinds(here.stdout) == _kinds(there.stdout)


@pytest.mark.slow
def test_a_failed_run_leaves_with_1(installation):
    inputs = ("--input", "limit=1", "--input", "rounds=1")
    environment = installation | {"ANABRANCH_OBSERVER": "/dev/null/x"}
    done = run_workflow(environment, "verify-this-installation", *inputs)

    assert done.returncode == 1
    assert "cannot be written" in done.stdout


def _kinds(printed):
    return [
        (each["kind"], each.get("path"))
        for line in printed.splitlines()
        if (each := json.loads(line))["kind"] != "TaskProgressed"
    ]
