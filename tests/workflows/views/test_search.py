"""Search: what fits the words and may be seen, as a page and as the part a dialog shows."""

import pytest

from workflows.models import Run

ADDRESS = "/search/"


def _hits(client, words, **more):
    return client.get(ADDRESS, {"q": words}, **more).content.decode()


def test_nobody_is_sent_to_sign_in(client, db):
    assert client.get(ADDRESS)["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_members_find_workflows_and_runs(client_of, request, rich_run, person):
    page = _hits(client_of(request.getfixturevalue(person)), "rich")

    assert f'href="/workflows/{rich_run.version.workflow_id}/"' in page
    assert f'href="/runs/{rich_run.pk}/"' in page


def test_a_stranger_finds_nothing_of_it(client_of, charlie, alice, rich_run):
    client = client_of(charlie)
    for words in ("rich", str(rich_run.pk)[:8], "@alice", "run rich"):
        page = _hits(client, words)
        assert str(rich_run.pk) not in page
        assert str(rich_run.version.workflow_id) not in page
        assert f"by={alice.pk}" not in page


def test_only_who_may_run_is_offered_to(client_of, alice, bob, rich_run):
    address = f'href="/workflows/{rich_run.version.workflow_id}/run/"'

    assert address in _hits(client_of(alice), ">run rich")
    assert address not in _hits(client_of(bob), ">run rich")


@pytest.mark.parametrize("digits", [4, 8, 18, 36])
def test_a_run_is_found_by_the_beginning_of_its_id(client_of, alice, rich_run, digits):
    page = _hits(client_of(alice), f"#{str(rich_run.pk)[:digits]}")

    assert f'href="/runs/{rich_run.pk}/"' in page


def test_a_run_is_found_by_its_label(client_of, alice, rich_run):
    Run.objects.filter(pk=rich_run.pk).update(label="Night shift")

    assert "Night shift" in _hits(client_of(alice), "#night")


@pytest.mark.parametrize(
    ("words", "kind", "others"),
    [("@bob", "People", "Runs"), ("#rich", "Runs", "Workflows"), (">home", "Acts", "Runs")],
)
def test_a_sign_in_front_asks_for_one_kind(client_of, alice, bob, rich_run, words, kind, others):
    page = _hits(client_of(alice), words)

    assert f'aria-label="{kind}"' in page
    assert f'aria-label="{others}"' not in page


def test_a_persons_hit_leads_to_their_runs(client_of, alice, bob):
    assert f'href="/runs/?by={bob.pk}"' in _hits(client_of(alice), "@bo")


def test_a_dialog_gets_the_hits_alone(client_of, alice, rich_run, hx):
    part = _hits(client_of(alice), "rich", headers=hx)

    assert part.strip().startswith('<div class="hits"')
    assert "<html" not in part


@pytest.mark.parametrize(
    "words", ["%", "_", "\0", "x" * 5000, "<script>", "dead-beef-", "\U0001f600"]
)
def test_strange_words_find_nothing_or_something_but_break_nothing(client_of, alice, rich_run, words):  # fmt: skip
    page = _hits(client_of(alice), words)

    assert "<script>" not in page.replace('<script src="', "")
    assert 'href="/runs/' not in page.split('class="hits"')[1].split("</main>")[0] or words == "\0"


def test_a_search_costs_the_same_for_many_runs(client_of, alice, rich_workflow, django_assert_max_num_queries):  # fmt: skip
    client = client_of(alice)
    for _ in range(20):
        Run.objects.start(rich_workflow.latest, alice, {"question": "?", "count": 1})

    with django_assert_max_num_queries(12):
        assert _hits(client, "rich").count('href="/runs/') >= 8
