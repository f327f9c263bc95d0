"""The panel has a form for every task of every example, and keeps what it says."""

import pytest

from workflows.examples import examples
from workflows.models import Workflow, WorkflowDraft

SHIPPED = [each.name for each in examples()]


@pytest.fixture
def drawn(client_of, alice, team):
    """A function that makes an example a draft of alice's own; gives a client and the draft."""

    def draw(name):
        client = client_of(alice)
        client.post(f"/workflows/examples/{name}/use/")
        return client, Workflow.objects.get()

    return draw


def paths_in(definition, before=""):
    """Give the paths of all tasks of a definition."""
    for task in definition.tasks:
        yield f"{before}{task.id}"
        if task.graph is not None:
            yield from paths_in(task.graph, f"{before}{task.id}/")


@pytest.mark.parametrize("name", SHIPPED)
def test_each_task_of_an_example_has_a_form_and_no_problem(drawn, name):
    client, workflow = drawn(name)
    definition = WorkflowDraft.objects.get().drawing.definition
    for path in paths_in(definition):
        answer = client.get(f"/workflows/{workflow.pk}/edit/panel/?path={path}")
        assert answer.status_code == 200, path
        assert "<form" in answer.content.decode(), path
    assert "No problems" in client.get(f"/workflows/{workflow.pk}/edit/").content.decode()


@pytest.mark.parametrize(
    ("name", "task", "field"),
    [
        ("words-as-they-come", "write_verses", "code"),
        ("questions-in-sql", "ask", "sql"),
        ("filter-and-sort-a-list", "list", "template"),
    ],
)
def test_what_people_write_has_a_field_of_several_lines(drawn, name, task, field):
    client, workflow = drawn(name)
    page = client.get(f"/workflows/{workflow.pk}/edit/panel/?path={task}").content.decode()
    assert f'<textarea name="config-port-{field}"' in page
