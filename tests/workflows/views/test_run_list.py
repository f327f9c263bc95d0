"""The list of runs; its address is the filter."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

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


@pytest.mark.parametrize(
    "query",
    [
        "?status=nonsense",
        "?workflow=x",
        "?before=never",
        "?q=a%00",
        "?by=x",
        "?since=no",
        "?until=9999-12-31",
    ],
)
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


@pytest.fixture
def named(rich_run):
    """A run with a label, of its own day."""
    at = datetime(2026, 3, 5, 23, 59, tzinfo=UTC)
    Run.objects.filter(pk=rich_run.pk).update(label="Night shift", created_at=at)
    return rich_run


@pytest.mark.parametrize("words", ["night", "Rich", "ALICE", "{id}", "{start}"])
def test_runs_are_found_by_label_workflow_person_and_id(page, named, words):
    asked = words.format(id=named.pk, start=str(named.pk)[:8])
    assert f"/runs/{named.pk}/" in page(f"?q={asked}")


@pytest.mark.parametrize("words", ["day shift", "Rivers", "0" * 32, "%", "_"])
def test_what_is_not_in_a_run_does_not_find_it(page, named, words):
    assert f"/runs/{named.pk}/" not in page("?" + urlencode({"q": words}))


def test_runs_are_filtered_by_person(page, named, alice, bob):
    assert f"/runs/{named.pk}/" in page(f"?by={alice.pk}")
    assert "No run by bob" in page(f"?by={bob.pk}")


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("?since=2026-03-05", True),
        ("?since=2026-03-06", False),
        ("?until=2026-03-05", True),
        ("?until=2026-03-04", False),
    ],
)
def test_runs_are_filtered_by_days(page, named, query, is_there):
    assert (f"/runs/{named.pk}/" in page(query)) == is_there


def test_nobody_of_another_team_is_offered(page, charlie):
    assert "charlie" not in page("")


def test_one_faulty_part_leaves_the_others(page, named, run):
    text = page("?status=running&since=never")
    assert f"/runs/{named.pk}/" in text
    assert f"/runs/{run.pk}/" not in text


# ── kept filters ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def keep(client_of, alice):
    """Keep a filter under a name."""

    def post(name, query, person=alice, **more):
        sent = {"name": name, "query": query}
        return client_of(person).post("/runs/filters/", sent, follow=True, **more)

    return post


def test_a_filter_is_kept_and_offered_to_its_person_only(keep, page, client_of, bob, rich_run):
    answer = keep("Mine & failed", "status=failed&before=2026-01-01&x=1")
    assert answer.redirect_chain == [("/runs/?status=failed", 303)]
    assert "Mine &amp; failed" in page("")
    assert "Mine &amp; failed" not in client_of(bob).get("/runs/").content.decode()


def test_a_filter_of_the_same_name_is_replaced(keep, alice, rich_run):
    keep("Mine", "status=failed")
    keep("Mine", "status=queued")
    assert [each.query for each in alice.saved_filters.all()] == ["status=queued"]


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", "status=failed", "needs a name"),
        ("x" * 61, "status=failed", "at most 60 characters"),
        ("x", "", "no filter to keep"),
        ("x", "status=nonsense", "no filter to keep"),
    ],
)
def test_what_is_no_filter_is_not_kept(keep, alice, name, query, sentence):
    assert sentence in keep(name, query).content.decode()
    assert not alice.saved_filters.exists()


def test_so_many_filters_and_no_more(keep, alice, settings):
    settings.SAVED_FILTERS = 2
    keep("a", "status=failed")
    keep("b", "status=failed")
    assert "You keep 2 filters already" in keep("c", "status=failed").content.decode()
    keep("b", "status=queued")
    assert [each.query for each in alice.saved_filters.order_by("name")] == [
        "status=failed", "status=queued",
    ]  # fmt: skip


def test_a_filter_is_removed_by_its_person_only(keep, client_of, alice, bob):
    keep("Mine", "status=failed")
    address = f"/runs/filters/{alice.saved_filters.get().pk}/remove/"
    assert client_of(bob).post(address).status_code == 404
    assert client_of(alice).post(address)["Location"] == "/runs/?status=failed"
    assert not alice.saved_filters.exists()


def test_who_is_not_signed_in_keeps_nothing(client):
    assert client.post("/runs/filters/", {"name": "x", "query": "q=x"}).status_code == 302
    assert client.get("/runs/filters/").status_code == 302
