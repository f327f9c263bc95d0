"""workflow-export and workflow-copy: a definition as a file, and as a drawing of one's own."""

import pytest

from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from tests import code_graphs
from workflows.code_library import load_code_workflows
from workflows.models import Run, Workflow


@pytest.fixture
def from_code(team):
    """The workflow that the tests' module brings to the team."""
    registry = TaskRegistry()
    registry.register_module(code_graphs)
    load_code_workflows(registry)
    return Workflow.objects.get(team=team, name="greeting")


def test_the_file_is_the_definition_byte_for_byte(client_of, bob, from_code):
    answer = client_of(bob).get(f"/workflows/{from_code.pk}/export/")
    assert answer.content == code_graphs.greeting.definition.to_json().encode()
    assert GraphDefinition.from_json(answer.content).to_json().encode() == answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="greeting.json"'


def test_a_copy_is_shown_and_can_be_run(client_of, alice, from_code):
    client = client_of(alice)
    answer = client.post(f"/workflows/{from_code.pk}/copy/", follow=True)
    made = Workflow.objects.get(name="greeting-copy")
    assert answer.redirect_chain == [(f"/workflows/{made.pk}/", 302)]
    assert 'class="origin"' not in answer.content.decode()
    client.post(f"/workflows/{made.pk}/run/", {"in-port-name": "Ada"})
    assert Run.objects.get().version == made.latest


def test_the_list_and_the_page_say_that_it_is_from_code(client_of, alice, from_code):
    page = client_of(alice).get(f"/workflows/{from_code.pk}/").content.decode()
    line = client_of(alice).get("/workflows/").content.decode()
    assert "tests.code_graphs" in page
    assert 'class="origin">from code<' in page
    assert 'class="origin">from code<' in line


def test_the_page_says_that_the_code_is_gone(client_of, alice, from_code):
    load_code_workflows(TaskRegistry())
    page = client_of(alice).get(f"/workflows/{from_code.pk}/").content.decode()
    assert "Its code is gone" in page


def test_a_stranger_finds_neither(client_of, charlie, from_code):
    address = f"/workflows/{from_code.pk}"
    assert client_of(charlie).get(f"{address}/export/").status_code == 404
    assert client_of(charlie).post(f"{address}/copy/").status_code == 404


def test_who_may_only_look_exports_and_does_not_copy(client_of, bob, from_code):
    client, address = client_of(bob), f"/workflows/{from_code.pk}"
    assert client.get(f"{address}/export/").status_code == 200
    assert client.post(f"{address}/copy/").status_code == 404
    assert f"{address}/copy/" not in client.get(f"{address}/").content.decode()
    assert not Workflow.objects.filter(name="greeting-copy").exists()


@pytest.mark.parametrize(("act", "method"), [("export", "get"), ("copy", "post")])
def test_who_is_not_signed_in_is_asked_to(client, from_code, act, method):
    answer = getattr(client, method)(f"/workflows/{from_code.pk}/{act}/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_other_methods_are_refused(client_of, alice, from_code):
    address = f"/workflows/{from_code.pk}"
    assert client_of(alice).post(f"{address}/export/").status_code == 405
    assert client_of(alice).get(f"{address}/copy/").status_code == 405


@pytest.mark.parametrize(("act", "method"), [("export", "get"), ("copy", "post")])
def test_a_workflow_without_a_version_has_nothing_to_give(client_of, alice, team, act, method):
    empty = Workflow.objects.create(team=team, name="empty", title="Empty")
    answer = getattr(client_of(alice), method)(f"/workflows/{empty.pk}/{act}/")
    assert answer.status_code == 404
