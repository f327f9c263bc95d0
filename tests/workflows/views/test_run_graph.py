"""The graph of a run: folded as its address says, complete without a script, live in any folding."""

import json

import pytest

from workflows.frames import news_since
from workflows.models import Run


@pytest.fixture
def page(client_of, alice, rich_run):
    """Fetch the run page, or a part of it."""

    def fetch(query="", **options):
        return client_of(alice).get(f"/runs/{rich_run.pk}/{query}", **options).content.decode()

    return fetch


def fragments_of(run, after):
    """Give what a watching page is sent of the graph, as one text."""
    frames = news_since(str(run.pk), after, views=["graph"]).frames["graph"]
    return "".join("".join(json.loads(each.text).get("fragments", [])) for each in frames)


def test_a_closed_compound_hides_what_is_inside_and_counts_it(page):
    drawn = page("?view=graph&close=retrieve")

    assert 'id="task-box-retrieve"' in drawn
    assert 'id="task-frame-retrieve"' not in drawn
    assert 'id="task-box-retrieve--split"' not in drawn
    assert "2/2" in drawn.partition('id="task-box-retrieve"')[2].partition("</a>")[0]
    assert 'id="task-box-answer"' in drawn


def test_a_closed_compound_says_what_is_in_trouble_inside(page, rich_run):
    rich_run.task_runs.filter(path="retrieve").update(status="running")
    rich_run.task_runs.filter(path="retrieve/rank").update(status="failed")
    closed = page("?view=graph&close=retrieve").partition('id="task-box-retrieve"')[2]
    opened = page("?view=graph").partition('id="task-frame-retrieve"')[2]

    assert "1/2 · 1 failed" in closed.partition("</a>")[0]
    assert "1/2 · 1 failed" in opened.partition("</a>")[0]


def test_what_opens_and_closes_is_a_link_that_says_what_it_does(page):
    opened, closed = page("?view=graph"), page("?view=graph&close=retrieve&beside=definition")

    assert 'href="?view=graph&amp;close=retrieve"' in opened
    assert 'aria-label="Close Retrieve"' in opened
    assert 'href="?view=graph&amp;beside=definition"' in closed
    assert 'aria-label="Open Retrieve"' in closed


def test_the_positions_are_those_of_the_same_folding(page, client_of, alice):
    for query, boxes in [("", 6), ("&close=retrieve", 4)]:
        drawn = page(f"?view=graph{query}")
        sheet = drawn.partition('data-sheet="')[2].partition('"')[0]
        answer = client_of(alice).get(sheet.replace("&amp;", "&"))

        assert answer.content.decode().count(".at-") == boxes
        assert "immutable" in answer["Cache-Control"]
        assert f'href="{sheet}" data-drawing' in drawn


@pytest.mark.parametrize("query", ["&close=nothing", "&close=", "&every=sideways", "&open=a%00b"])
def test_what_cannot_be_folded_is_not_asked(page, query):
    assert 'id="task-box-retrieve--split"' in page(f"?view=graph{query}")


def test_a_large_graph_begins_closed_and_opens_as_asked(page, monkeypatch):
    """R3."""
    monkeypatch.setattr("workflows.folding.OPEN_AT_MOST", 5)

    assert 'id="task-box-retrieve--split"' not in page("?view=graph")
    assert 'id="task-box-hash"' in page("?view=graph")
    assert 'id="task-box-retrieve--split"' in page("?view=graph&open=retrieve")
    assert 'id="task-box-retrieve--split"' in page("?view=graph&every=open")


def test_a_graph_with_very_many_boxes_asks_before_it_is_drawn(page, monkeypatch):
    """R3."""
    monkeypatch.setattr("workflows.run_graph.DRAWN_AT_ONCE", 5)

    assert "This graph has 6 tasks" in page("?view=graph")
    assert 'id="task-box-answer"' not in page("?view=graph")
    assert 'href="?view=graph&amp;all=yes"' in page("?view=graph")
    assert 'id="task-box-answer"' in page("?view=graph&all=yes")
    assert 'id="task-box-answer"' in page("?view=graph&every=closed")


def test_a_watching_page_hears_of_a_compound_open_or_closed(rich_run):
    rich_run.events.create(
        seq=5, at=rich_run.created_at, kind="TaskStarted", path="retrieve/rank", payload="{}"
    )
    Run.objects.filter(pk=rich_run.pk).update(seq=5)
    sent = fragments_of(rich_run, 4)

    assert 'id="task-frame-retrieve"' in sent
    assert 'id="task-box-retrieve"' in sent
    assert 'id="task-box-retrieve--rank"' in sent
    assert 'id="dataflow-retrieve.passages..answer.value"' in sent
    assert 'class="line"' not in sent


def test_a_page_that_much_happens_to_draws_the_graph_again(rich_run, monkeypatch):
    monkeypatch.setattr("workflows.frames.ROW_LIMIT", 1)
    rich_run.events.create(
        seq=5, at=rich_run.created_at, kind="TaskStarted", path="retrieve/rank", payload="{}"
    )
    Run.objects.filter(pk=rich_run.pk).update(seq=5)
    (frame,) = news_since(str(rich_run.pk), 4, views=["graph"]).frames["graph"]

    assert json.loads(frame.text)["again"] == [True]
    assert "task-box-retrieve" not in frame.text


def test_what_is_drawn_anew_says_as_of_when(page, rich_run, hx):
    for view, element in [("graph", "graph-view"), ("tree", "tree"), ("timeline", "timeline")]:
        part = page(f"?view={view}", headers=hx)
        tag = part.partition(f'id="{element}"')[2].partition(">")[0]

        assert f'data-seq="{rich_run.seq}"' in tag
        assert "data-again=" in tag


def test_the_definition_stands_beside_the_run_with_the_differences_in_words(page):
    alone, beside = page("?view=graph"), page("?view=graph&beside=definition")

    assert 'id="differences"' not in alone
    assert "Graph of the definition" in beside
    assert "expanded ×60" in beside.partition("Graph of the definition")[0]
    assert beside.count('id="task-box-hash"') == 1


def test_a_page_that_watches_fetches_the_differences_alone(page, hx):
    part = page("?part=differences", headers=hx)

    assert part.strip().startswith('<section class="differences"')
    assert "expanded ×60" in part


def test_the_graph_offers_no_zoom_before_a_script_can_do_it(page):
    drawn = page("?view=graph")

    for key in ["+", "-", "0"]:
        button = drawn.partition(f'data-key="{key}"')[2].partition(">")[0]
        assert button.endswith("hidden")


def test_a_closed_compound_of_the_definition_says_that_something_inside_differs(page, rich_run):
    rich_run.task_runs.filter(path="retrieve/split").update(status="cached")
    for query, words in [("", "cached"), ("&close=retrieve", "differs inside")]:
        drawn = page(f"?view=graph&beside=definition{query}")
        definition = drawn.partition("Graph of the definition")[2].partition("Graph of the run")[0]

        assert f'<span class="differs">{words}</span>' in definition
