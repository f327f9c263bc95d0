"""The run page: a tree or a graph, complete without a script."""

from urllib.parse import urlencode

import pytest

from tests.workflows.views.conftest import HOSTILE
from workflows.models import Run


@pytest.fixture
def page(client_of, alice, rich_run):
    """Fetch the run page, or a part of it."""

    def fetch(query="", **options):
        return client_of(alice).get(f"/runs/{rich_run.pk}/{query}", **options).content.decode()

    return fetch


def test_every_task_is_drawn_also_before_it_started(page):
    """R10."""
    for view, prefix in [("tree", "task-row"), ("graph", "task-box")]:
        drawn = page(f"?view={view}")
        for slug in ["retrieve--split", "retrieve--rank", "answer", "hash", "report"]:
            assert f'id="{prefix}-{slug}"' in drawn


@pytest.mark.parametrize("view", ["tree", "graph"])
@pytest.mark.parametrize("status", ["retrying", "interrupted", "pending", "cancelled"])
def test_trying_again_takes_nothing_away(page, rich_run, view, status):
    """R10."""
    rich_run.task_runs.all().update(status=status)
    drawn = page(f"?view={view}")
    assert f'id="task-{"row" if view == "tree" else "frame"}-retrieve"' in drawn
    for slug in ["retrieve--split", "retrieve--rank", "answer", "hash", "report"]:
        assert f'id="task-{"row" if view == "tree" else "box"}-{slug}"' in drawn


def test_a_hostile_title_and_a_hostile_stream_are_text(page):
    for view in ["tree", "graph"]:
        drawn = page(f"?view={view}")
        assert HOSTILE not in drawn
        assert "&lt;script&gt;alert" in drawn


def test_htmx_gets_the_view_alone(page, hx):
    part = page("?view=graph", headers=hx)

    assert "<html" not in part
    assert 'id="graph"' in part


@pytest.mark.parametrize("part", ["result", "controls"])
def test_htmx_gets_a_named_part(page, hx, part):
    assert f'id="run-{part}"' in page(f"?part={part}", headers=hx)


def test_a_compound_and_a_map_say_how_many_are_done(page):
    drawn = page()

    assert "2/2" in drawn
    assert "59/60" in drawn
    assert "×60" in drawn


def test_the_result_shows_what_was_streamed_so_far_and_where_it_goes_on(page):
    drawn = page()

    assert "To sort " in drawn
    assert 'data-next="2"' in drawn
    assert 'data-seq="4"' in drawn


def test_an_active_run_refreshes_itself_without_script_and_an_ended_one_does_not(page, rich_run):
    from workflows.models import Run

    assert 'http-equiv="refresh"' in page()
    Run.objects.filter(pk=rich_run.pk).update(status="completed")
    ended = page()

    assert 'http-equiv="refresh"' not in ended
    assert 'data-over="yes"' in ended


def test_the_first_problem_is_named_at_the_top(page, rich_run):
    """R9."""
    rich_run.task_runs.filter(path="answer").update(
        status="failed", error='{"type": "ValueError", "message": "No page 99."}'
    )

    assert "No page 99." in page().partition('role="treegrid"')[0]


def test_a_viewer_sees_no_buttons(client_of, bob, rich_run):
    drawn = client_of(bob).get(f"/runs/{rich_run.pk}/").content.decode()

    assert f"/runs/{rich_run.pk}/cancel/" not in drawn


def test_a_task_can_stand_beside_the_run_from_the_start(page):
    assert 'id="task"' in page("?task=answer")
    assert 'id="task"' not in page("?task=nothing")


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        ("queued", {"pause", "cancel"}),
        ("running", {"pause", "cancel"}),
        ("awaiting", {"pause", "cancel"}),
        ("paused", {"continue", "cancel"}),
        ("interrupted", {"pause", "cancel", "resume"}),
        ("cancelling", set()),
        ("failed", {"resume"}),
        ("completed", set()),
    ],
)
def test_a_run_shows_what_may_be_asked_of_it_now(page, rich_run, status, buttons):
    """Engine 6.3."""
    Run.objects.filter(pk=rich_run.pk).update(status=status)
    acts = ("pause", "continue", "cancel", "resume")
    drawn = page()

    assert {act for act in acts if f'/runs/{rich_run.pk}/{act}/"' in drawn} == buttons


def test_who_may_only_look_gets_no_buttons(client_of, bob, rich_run, hx):
    answer = client_of(bob).get(f"/runs/{rich_run.pk}/?part=controls", headers=hx)

    assert "<form" not in answer.content.decode()


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"status": "awaiting", "reason": "approval"}, "waits for an approval"),
        ({"status": "paused"}, "nothing further starts until somebody continues it"),
        ({"status": "completed", "handled": 1}, "1 handled error"),
        ({"status": "completed", "handled": 3}, "3 handled errors"),
    ],
)
def test_a_run_says_what_it_waits_for_and_what_it_dealt_with(page, rich_run, known, words):
    """Engine 3.3, 5.1."""
    Run.objects.filter(pk=rich_run.pk).update(**known)
    rich_run.task_runs.filter(status="failed").delete()

    assert words in page()


def test_a_compound_is_closed_by_following_its_address(page):
    assert 'aria-expanded="true"' in page()
    closed = page("?view=tree&close=retrieve")

    assert 'id="task-row-retrieve"' in closed
    assert 'id="task-row-retrieve--rank"' not in closed
    assert "?view=tree&amp;open=retrieve" in closed


def test_a_filter_leaves_what_it_names_and_says_how_many_it_left_out(page, hx):
    found = page("?view=tree&q=rank", headers=hx)

    assert 'id="task-row-retrieve--rank"' in found
    assert 'id="task-row-answer"' not in found
    assert "left out" in found


@pytest.mark.parametrize("words", ["<b>", '"><b>', "nothing\x00like it", "%27", "\ud800"])
def test_a_filter_that_finds_nothing_says_so_and_stays_text(page, words):
    drawn = page("?" + urlencode({"q": words}, errors="surrogatepass"))

    assert "No task is called" in drawn
    assert "<b>" not in drawn.partition("treegrid")[2]
