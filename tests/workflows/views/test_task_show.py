"""The inspector of one task."""

import json

import pytest

from tests.workflows.views.conftest import HOSTILE, NOW


@pytest.fixture
def task(client_of, alice, rich_run):
    """Fetch the inspector of a task."""

    def fetch(path, **options):
        return client_of(alice).get(f"/runs/{rich_run.pk}/tasks/{path}", **options)

    return fetch


def test_a_streaming_task_shows_its_text_and_its_log_as_text(task):
    stream = task("answer/").content.decode()
    log = task("answer/?tab=log").content.decode()

    assert "To sort &lt;script&gt;" in stream
    assert "took &lt;script&gt;" in log
    assert HOSTILE not in stream + log


def test_htmx_gets_the_inspector_alone(task, hx):
    part = task("answer/", headers=hx).content.decode()

    assert "<html" not in part
    assert 'id="task"' in part


def test_an_output_is_shown_as_json_and_an_input_names_its_source(task, rich_run):
    rank = task("retrieve/rank/").content.decode()
    answer = task("answer/?tab=input").content.decode()

    assert "&quot;a&quot;,\n  &quot;b&quot;" in rank
    assert f"/runs/{rich_run.pk}/tasks/retrieve/rank/" in answer
    assert "retrieve/rank.result" in answer


def test_a_long_value_is_cut_with_its_size_and_can_be_downloaded(task, rich_run):
    from runner.run.checkpoint import TaskCheckpoint

    long = TaskCheckpoint(path="answer", attempt=1, seq=9, outputs={"page": f'"{"x" * 70_000}"'})
    rich_run.checkpoints.create(path="answer", attempt=1, seq=9, epoch=1, value=long.to_json())
    drawn = task("answer/?tab=output").content.decode()
    whole = task("answer/?download=page")

    assert "70 kB in all" in drawn
    assert "x" * 65_537 not in drawn
    assert whole.content == b"x" * 70_000
    assert whole["Content-Disposition"].startswith("attachment")


def test_a_stream_can_be_downloaded_whole(task):
    assert task("answer/?download=text").content.decode() == f"To sort {HOSTILE}"


def test_a_maps_items_come_in_pages_failed_ones_first(task, hx):
    first = task("hash/?items=1", headers=hx).content.decode()
    second = task("hash/?items=2", headers=hx).content.decode()

    assert first.count('id="task-row-') == 50
    assert second.count('id="task-row-') == 10
    assert first.index("hash-_41--digest") < first.index("hash-_0--digest")
    assert "51–60 of 60" in second


def test_the_error_comes_first_with_its_trace_folded(task, rich_run):
    error = (
        '{"type":"ValueError","message":"No page 99.","trace":"File a","task":"answer","attempt":2}'
    )
    rich_run.task_runs.filter(path="answer").update(status="failed", error=error)
    drawn = task("answer/").content.decode()

    assert drawn.index("No page 99.") < drawn.index("File a")


def test_a_task_that_could_not_run_names_the_culprit(task, rich_run):
    rich_run.task_runs.create(path="report", status="upstream-failed")
    rich_run.events.create(
        seq=5,
        at=rich_run.started_at,
        kind="TaskUpstreamFailed",
        path="report",
        payload='{"path":"report","culprit":"answer"}',
    )

    assert "because answer failed" in task("report/").content.decode()


@pytest.fixture
def tried_twice(rich_run):
    """A task whose second attempt streams, after one that failed."""
    rich_run.events.all().delete()
    happened: list[tuple[str, dict]] = [
        ("TaskStarted", {"attempt": 1}),
        ("TaskLogged", {"attempt": 1, "level": "INFO", "message": "in vain"}),
        ("TaskRetrying", {"attempt": 1, "error": {"message": "No <b>room</b>."}, "delay": 1}),
        ("TaskStarted", {"attempt": 2}),
        ("TaskLogged", {"attempt": 2, "level": "INFO", "message": "once more"}),
    ]
    for seq, (kind, about) in enumerate(happened, 1):
        payload = json.dumps({"path": "answer", **about})
        rich_run.events.create(seq=seq, at=NOW, kind=kind, path="answer", payload=payload)
    rich_run.chunks.update(superseded=True)
    rich_run.chunks.create(
        path="answer", port="text", attempt=2, first=0, last=0, items='["anew"]', size=8
    )
    rich_run.task_runs.filter(path="answer").update(attempt=2)


@pytest.mark.usefixtures("tried_twice")
def test_each_attempt_says_how_it_ended_what_it_wrote_and_what_it_streamed(task):
    drawn = task("answer/?tab=attempts").content.decode()
    assert "No &lt;b&gt;room&lt;/b&gt;." in drawn
    assert "its 2 chunks count no more" in drawn
    assert "in vain" in drawn
    assert "To sort &lt;script&gt;" in drawn
    assert "once more" not in drawn

    drawn = task("answer/?tab=attempts&attempt=2").content.decode()
    assert "once more" in drawn
    assert "anew" in drawn
    assert "in vain" not in drawn


@pytest.mark.usefixtures("tried_twice")
def test_what_an_earlier_attempt_streamed_is_not_taken_for_the_stream_under_way(task):
    earlier = task("answer/?tab=attempts&attempt=1").content.decode()
    now = task("answer/?tab=stream").content.decode()

    assert "data-stream" not in earlier
    assert "anew" in now
    assert "To sort" not in now


@pytest.mark.parametrize(
    ("status", "says"),
    [("pending", "waits for the end"), ("running", "took the whole"), ("skipped", "does not")],
)
def test_a_stream_says_what_each_reader_does_with_it(task, rich_run, status, says):
    rich_run.task_runs.create(path="report", status=status)
    drawn = task("answer/?tab=stream").content.decode()

    assert says in drawn


def test_a_list_of_objects_is_a_table_with_its_json_folded(task, rich_run):
    from runner.run.checkpoint import TaskCheckpoint

    encoded = json.dumps([{"name": HOSTILE, "n": 1}, {"n": 2}], separators=(",", ":"))
    kept = TaskCheckpoint(path="retrieve/rank", attempt=1, seq=2, outputs={"result": encoded})
    rich_run.checkpoints.filter(path=kept.path).update(value=kept.to_json())
    drawn = task("retrieve/rank/").content.decode()

    assert '<th scope="col">name</th><th scope="col">n</th>' in drawn
    assert "<tr><td></td><td>2</td></tr>" in drawn
    assert HOSTILE not in drawn


def test_events_are_shown_with_what_they_hold(task):
    drawn = task("answer/?tab=events&events=all").content.decode()

    assert "<summary>TaskLogged: INFO: took &lt;script&gt;" in drawn
    assert "&quot;level&quot;: &quot;INFO&quot;" in drawn


@pytest.mark.parametrize(
    "path", ["nothing/", "hash[99]/digest/", "hash[x]/digest/", "answer/?download=nothing"]
)
def test_what_the_run_does_not_have_is_not_found(task, path):
    assert task(path).status_code == 404
