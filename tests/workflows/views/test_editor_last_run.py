"""What the editor shows of the last run: values at ports, and tasks that are not what it ran."""

import json

import pytest

from runner.graph.definition import GraphDefinition
from runner.run.checkpoint import TaskCheckpoint
from workflows.last_run import LONG, changed_tasks, in_few_letters
from workflows.models import Run, Workflow
from workflows.models.drafting import act, draft_of

CHAIN = {
    "v": 1,
    "inputs": [{"name": "text", "type": "str"}],
    "tasks": [
        {"id": "last", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "middle", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "first", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "apart", "type": "text.keywords", "inputs": {"question": "Who?"}},
    ],
    "dataflows": [
        {"from": "$inputs.text", "to": "first.question"},
        {"from": "first.text", "to": "middle.question"},
        {"from": "middle.text", "to": "last.question"},
    ],
}


@pytest.fixture
def drawn(team, alice):
    made = Workflow.objects.create(team=team, name="drawn", title="Drawn", created_by=alice)
    made.revise(json.dumps(CHAIN), alice)
    return made


@pytest.fixture
def ran(drawn, alice):
    run = Run.objects.start(drawn.latest, alice, {"text": "a"})
    kept = TaskCheckpoint(path="first", attempt=1, seq=1, outputs={"text": '"So it is."'})
    run.checkpoints.create(path=kept.path, attempt=1, seq=1, epoch=1, value=kept.to_json())
    run.task_runs.create(path="first", status="completed")
    Run.objects.filter(pk=run.pk).update(status="completed")
    return run


@pytest.fixture
def look(client_of, alice, drawn):
    def get(level=""):
        address = f"/workflows/{drawn.pk}/edit/last-run/?level={level}"
        return client_of(alice).get(address).json()

    return get


def test_values_of_the_last_run_stand_at_their_ports(look, ran):
    assert look() == {
        "values": {"first.text": "So it is."},
        "changed": [],
        "pinned": [],
        "run": f"/runs/{ran.pk}/",
    }


def test_a_changed_task_marks_all_that_follows(look, ran, drawn, alice):
    words = {"op": "set", "path": "middle", "section": "config", "name": "words", "value": 9}
    act(drawn, alice, draft_of(drawn).revision, words)
    assert look()["changed"] == ["last", "middle"]


def test_a_title_and_a_place_change_nothing(look, ran, drawn, alice):
    act(drawn, alice, 0, {"op": "title", "path": "first", "title": "Other"})
    act(drawn, alice, 1, {"op": "move", "positions": {"first": [64, 64]}})
    assert look()["changed"] == []


def test_what_was_removed_has_no_value(look, ran, drawn, alice):
    act(drawn, alice, 0, {"op": "remove", "ids": ["first"]})
    assert (look()["values"], look()["changed"]) == ({}, ["last", "middle"])


def test_a_level_that_was_not_there_has_no_values_and_is_new(look, ran, drawn, alice):
    act(drawn, alice, 0, {"op": "group", "ids": ["first", "middle"], "title": "Part"})
    said = look("part")
    assert (said["values"], said["changed"]) == ({}, ["middle", "first"])
    assert look("nowhere") == {"pinned": []}


def test_without_a_run_there_is_nothing_to_show(look):
    assert look() == {"pinned": []}


def test_a_stranger_sees_no_values(client_of, charlie, ran, drawn):
    address = f"/workflows/{drawn.pk}/edit/last-run/"
    assert client_of(charlie).get(address).status_code == 404


def test_another_input_of_the_graph_marks_what_reads_it():
    before = GraphDefinition.from_json(json.dumps(CHAIN))
    after = GraphDefinition.from_json(
        json.dumps(CHAIN | {"inputs": [{"name": "text", "type": "str", "default": "b"}]})
    )
    assert list(changed_tasks(before, after)) == ["last", "middle", "first"]
    assert list(changed_tasks(before, before)) == []


@pytest.mark.parametrize(
    ("encoded", "words"),
    [('"a\\n b"', "a b"), ("[]", "0 items"), ("[1]", "1 item"), ('{"a": 1}', "1 field"),
     ("{}", "0 fields"), ("true", "true"), ("12.5", "12.5"), (f'"{"x" * 99}"', "x" * 31 + "…"),
     ('{"$decimal": "1"}', "decimal"), (f'"{"x" * LONG}"', "65 kB")],
)  # fmt: skip
def test_a_value_is_said_in_few_letters(encoded, words):
    assert in_few_letters(encoded) == words
