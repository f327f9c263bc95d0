"""The page of a workflow's last runs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.workflows.views.conftest import NOW
from workflows.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client_of, alice, rich_workflow):
    """Fetch the history."""
    return lambda query="", **more: client_of(alice).get(
        f"/workflows/{rich_workflow.pk}/history/{query}", **more
    )


def test_each_task_stands_beside_each_run(page, rich_run):
    answer = page()
    text = answer.content.decode()

    assert [row.path for row, *_ in answer.context["rows"]] == [
        "retrieve",
        "answer",
        "hash",
        "report",
    ]
    assert f"/runs/{rich_run.pk}/tasks/answer/" in text
    assert "answer, streaming" in text
    assert "<script>alert" not in text


@pytest.mark.parametrize(("query", "columns"), [("?runs=5", 5), ("", 10), ("?runs=7", 10), ("?runs=5&page=3", 2)])  # fmt: skip
def test_as_many_runs_as_asked_for_are_shown(page, rich_workflow, rich_run, alice, query, columns):
    Run.objects.bulk_create(
        Run(team=rich_run.team, version=rich_run.version, started_by=alice) for _ in range(11)
    )
    answer = page(query)
    assert len(answer.context["columns"]) == columns
    assert answer.context["older"] == ("page" not in query)


def test_a_new_version_is_a_rule(page, rich_workflow, rich_run, alice):
    rich_workflow.revise(rich_run.version.definition.replace("Rich", "Richer"), alice)
    Run.objects.start(rich_workflow.latest, alice, {"question": "?"})
    assert "v1 → v2" in page().content.decode()


def test_its_queries_do_not_grow_with_the_runs(client_of, rich_run, alice, rich_workflow):
    client, address = client_of(alice), f"/workflows/{rich_workflow.pk}/history/?runs=50"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _ in range(20):
        run = Run.objects.start(rich_run.version, alice, {"question": "?"})
        run.task_runs.create(path="answer", status="completed", started_at=NOW, ended_at=NOW)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(few) == len(many) < 10


def test_a_workflow_that_has_not_run_says_so(page):
    assert "No runs yet." in page().content.decode()
    assert "no older runs" in page("?page=9").content.decode()


@pytest.mark.parametrize(("status", "moves"), [("running", True), ("completed", False)])
def test_only_the_newest_run_that_goes_on_is_followed(page, rich_run, status, moves):
    Run.objects.filter(pk=rich_run.pk).update(status=status)
    text = page().content.decode()

    assert ("data-moving" in text) == moves
    assert text.count(f'data-newest="/runs/{rich_run.pk}/"') == 1
    assert "data-moving" not in page("?page=2").content.decode()


def test_htmx_gets_the_grid(page, rich_run, hx):
    assert "<html" in page().content.decode()
    assert "<html" not in page(headers=hx).content.decode()


def test_who_may_look(client_of, client, bob, charlie, rich_workflow):
    address = f"/workflows/{rich_workflow.pk}/history/"
    assert client_of(bob).get(address).status_code == 200
    assert client_of(charlie).get(address).status_code == 404
    assert client.get(address).status_code == 302
