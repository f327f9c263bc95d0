"""The list of runs; its address is the filter."""

from datetime import timedelta

import pytest

from workflows.models import Run


@pytest.fixture
def page(client_of, alice, rich_run, run):
    """Fetch the list with a filter."""
    return lambda query: client_of(alice).get(f"/runs/{query}").content.decode()


def test_runs_are_filtered_by_state_and_workflow(page, rich_run, run):
    assert f"/runs/{rich_run.pk}/" in page("?status=running")
    assert f"/runs/{run.pk}/" not in page("?status=running")
    assert f"/runs/{run.pk}/" in page(f"?workflow={run.version.workflow_id}")


def test_an_empty_answer_names_the_filter(page):
    assert "No run is failed" in page("?status=failed")


@pytest.mark.parametrize("query", ["?status=nonsense", "?workflow=x", "?before=never"])
def test_a_filter_that_makes_no_sense_is_left_out(page, rich_run, query):
    assert f"/runs/{rich_run.pk}/" in page(query)


def test_older_runs_are_a_page_further(client_of, alice, rich_run, page):
    Run.objects.bulk_create(
        Run(team=rich_run.team, version=rich_run.version, started_by=alice, label=f"no {each}")
        for each in range(60)
    )
    first = client_of(alice).get("/runs/")
    older = client_of(alice).get(f"/runs/?{first.context['older']}")

    assert len(first.context["runs"]) == 50
    assert len(older.context["runs"]) == 12
    assert older.context["runs"][0].created_at < first.context["runs"][-1].created_at


def test_home_shows_what_runs_and_bars_of_what_ran(client_of, alice, rich_run):
    Run.objects.filter(pk=rich_run.pk).update(
        status="failed", ended_at=rich_run.started_at + timedelta(seconds=9)
    )
    page = client_of(alice).get("/").content.decode()

    assert "last runs: 1, failed: 1" in page
    assert "9.0 s" in page
