"""The page that shows two runs side by side."""

import json
from datetime import timedelta

import pytest

from runner.run.checkpoint import TaskCheckpoint
from workflows.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(rich_run, rich_workflow, alice):
    """Another run of the same workflow: slower, with another answer and question."""
    run = Run.objects.start(rich_workflow.latest, alice, {"question": "How?", "count": 3})
    at = rich_run.started_at
    for each, seconds in [(rich_run, 1), (run, 4)]:
        each.task_runs.filter(path="retrieve/rank").delete()
        each.task_runs.create(
            path="retrieve/rank", status="completed", started_at=at,
            ended_at=at + timedelta(seconds=seconds),
        )  # fmt: skip
    kept = TaskCheckpoint(path="retrieve/rank", attempt=1, seq=2, outputs={"result": '["a","z"]'})
    run.checkpoints.create(path=kept.path, attempt=1, seq=2, epoch=1, value=kept.to_json())
    return run


def keep_answer(run, *texts):
    """Let the answer be streamed in these chunks, and be done."""
    run.chunks.filter(path="answer").delete()
    for number, text in enumerate(texts):
        run.chunks.create(
            path="answer", port="text", attempt=1, first=number, last=number,
            items=json.dumps([text]), size=len(text),
        )  # fmt: skip
    kept = TaskCheckpoint(path="answer", attempt=1, seq=3, streams={"text": len(texts)})
    run.checkpoints.create(path="answer", attempt=1, seq=3, epoch=1, value=kept.to_json())


@pytest.fixture
def page(client_of, alice, rich_run, other):
    """Fetch the comparison."""
    address = f"/runs/compare/?a={rich_run.pk}&b={other.pk}"
    return lambda more="", **headers: client_of(alice).get(address + more, **headers)


def test_tasks_facts_and_inputs_stand_side_by_side(page):
    answer = page()
    text = answer.content.decode()
    first = answer.context["lines"][0]

    assert (first.task.path, first.delta, first.task.output) == (
        "retrieve/rank",
        "+3.0 s",
        "differs",
    )
    assert "Why?" in text
    assert "How?" in text
    assert [each.name for each in answer.context["facts"] if not each.is_same][:1] == ["State"]


def test_only_what_differs_is_shown_on_demand(page):
    shown = [line.task.path for line in page("&only=differs").context["lines"]]
    assert "retrieve/rank" in shown
    assert "retrieve/split" in shown
    assert "report" not in shown


@pytest.mark.parametrize(
    ("texts", "output"), [(("Because", " so."), "equal"), (("No.",), "differs")]
)
def test_streamed_outputs_are_compared_by_what_they_add_up_to(page, rich_run, other, texts, output):
    keep_answer(rich_run, "Because so.")
    keep_answer(other, *texts)
    found = {line.task.path: line.task.output for line in page().context["lines"]}
    assert found["answer"] == output


def test_streams_that_are_too_long_are_not_called_equal(page, rich_run, other, monkeypatch):
    keep_answer(rich_run, "Because so.")
    keep_answer(other, "Because so.")
    monkeypatch.setattr("workflows.sides.STREAMED", 10)
    found = {line.task.path: line.task.output for line in page().context["lines"]}
    assert found["answer"] == "unknown"


@pytest.mark.parametrize("port", ["&task=retrieve/rank&port=result", "&port=question"])
def test_a_text_is_compared_line_by_line_on_demand(page, port, hx):
    whole, part = page(port).content.decode(), page(port, headers=hx).content.decode()
    assert "diff-added" in whole
    assert "<html" in whole
    assert "<html" not in part


def test_what_neither_run_has_is_not_there(page):
    assert page("&task=gone&port=x").status_code == 404


def test_the_second_run_is_chosen_from_the_same_workflow(client_of, alice, rich_run, other, run):
    text = client_of(alice).get(f"/runs/compare/?a={rich_run.pk}").content.decode()
    assert f"b={other.pk}" in text
    assert str(run.pk) not in text


def test_htmx_gets_the_tasks(page, hx):
    assert "<html" not in page(headers=hx).content.decode()


def test_the_page_takes_few_queries(page, rich_run, django_assert_max_num_queries):  # fmt: skip
    with django_assert_max_num_queries(40):
        page()


@pytest.mark.parametrize("query", ["", "?a=x", "?a={a}&b=x", "?a={a}&b=00000000-0000-0000-0000-000000000000"])  # fmt: skip
def test_a_run_that_is_not_there_is_not_found(client_of, alice, rich_run, query):
    assert client_of(alice).get("/runs/compare/" + query.format(a=rich_run.pk)).status_code == 404


def test_a_viewer_may_compare_and_a_stranger_finds_nothing(client_of, bob, charlie, client, rich_run, other):  # fmt: skip
    address = f"/runs/compare/?a={rich_run.pk}&b={other.pk}"
    assert client_of(bob).get(address).status_code == 200
    assert client_of(charlie).get(address).status_code == 404
    assert client.get(address).status_code == 302


def test_a_strangers_run_cannot_be_the_second(client_of, charlie, rich_run, team):
    from workflows.models import Team, Workflow

    hills = Team.objects.get(slug="hills")
    made = Workflow.objects.create(team=hills, name="own", created_by=charlie)
    version = made.revise(rich_run.version.definition, charlie)
    own = Run.objects.start(version, charlie, {"question": "?"})
    answer = client_of(charlie).get(f"/runs/compare/?a={own.pk}&b={rich_run.pk}")
    assert answer.status_code == 404
