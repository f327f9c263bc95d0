"""workflow-about and workflow-remove: another name, and taken away after a confirmation."""

import json

import pytest

from workflows.models import Run, Workflow
from workflows.models.drafting import draft_of


@pytest.fixture
def address(workflow):
    return f"/workflows/{workflow.pk}/about/"


@pytest.fixture
def user_of_it(workflow, alice):
    """A workflow that runs the other one as a sub-graph."""
    made = Workflow.objects.create(team=workflow.team, name="outer", title="Outer")
    task = {"id": "a", "type": "flow.subgraph", "config": {"workflow": "demo"}}
    made.revise(json.dumps({"v": 1, "tasks": [task]}), alice)
    return made


def test_a_workflow_is_renamed_with_its_draft(client_of, alice, workflow, address):
    answer = client_of(alice).post(address, {"title": "Rivers <b>", "name": "rivers"})
    workflow.refresh_from_db()
    assert (answer.status_code, workflow.title, workflow.name) == (303, "Rivers <b>", "rivers")
    assert draft_of(workflow).drawing.definition.title == "Rivers <b>"


def test_a_name_that_is_taken_gets_one_sentence_and_nothing_changes(
    client_of, alice, workflow, address
):
    Workflow.objects.create(team=workflow.team, name="rivers", title="Rivers")
    answer = client_of(alice).post(address, {"title": "Mine", "name": "rivers"})
    page = answer.content.decode()
    workflow.refresh_from_db()
    assert (answer.status_code, page.count('class="fault"'), workflow.title) == (422, 1, "Demo")
    assert "The team has a workflow called rivers already." in page
    assert 'value="Mine"' in page


def test_a_name_by_which_others_use_it_stays(client_of, alice, workflow, address, user_of_it):
    answer = client_of(alice).post(address, {"title": "Demo", "name": "other"})
    assert "“Outer” uses this workflow as demo" in answer.content.decode()
    assert client_of(alice).post(address, {"title": "New", "name": "demo"}).status_code == 303


def test_the_page_says_what_a_removal_means(client_of, alice, run, address, user_of_it):
    page = client_of(alice).get(address).content.decode()
    assert "Its 1 run stays to be read" in page
    assert "1 that is under way will be cancelled" in page
    assert "Used by" in page
    assert "Outer" in page


def test_it_is_removed_once_its_title_is_typed_and_its_runs_stay(client_of, alice, run, workflow):
    client, address = client_of(alice), f"/workflows/{workflow.pk}/remove/"
    client.post(address, {"title": "demo"})
    assert client.get(f"/workflows/{workflow.pk}/").status_code == 200
    client.post(address, {"title": "Demo"})
    assert client.get(f"/workflows/{workflow.pk}/").status_code == 404
    assert client.get(f"/runs/{run.pk}/").status_code == 200
    assert Run.objects.get().requests.filter(kind="cancel").exists()


def test_one_from_code_is_neither_renamed_nor_removed(client_of, alice, workflow, address):
    Workflow.objects.filter(pk=workflow.pk).update(origin="code", module="rivers.tasks")
    client = client_of(alice)
    assert "written in rivers.tasks" in client.get(address).content.decode()
    assert client.post(address, {"title": "X", "name": "x"}).status_code == 422
    client.post(f"/workflows/{workflow.pk}/remove/", {"title": "Demo"})
    assert Workflow.objects.get(pk=workflow.pk).removed_at is None


def test_only_editors_of_the_team_do_either(client_of, bob, charlie, client, workflow, address):
    for path in (address, f"/workflows/{workflow.pk}/remove/"):
        for person in (bob, charlie):
            assert client_of(person).post(path, {"title": "Demo"}).status_code == 404
        assert client.post(path)["Location"].startswith("/sign-in/?next=")
    assert Workflow.objects.get(pk=workflow.pk).removed_at is None
