"""The inspector of one task."""

import json

import pytest

from tests.workflows.views.conftest import HOSTILE, NOW


@pytest.fixture
def page(client_of, alice, rich_run):
    """Fetch the inspector of a task."""

    def fetch(path, **options):
        return client_of(alice).get(f"/runs/{rich_run.pk}/tasks/{path}", **options)

    return fetch


def test_a_streaming_task_shows_its_text_and_its_log_as_text(page):
    drawn = page("answer/").content.decode()

    assert "To sort &lt;script&gt;" in drawn
    assert "took &lt;script&gt;" in drawn
    assert HOSTILE not in drawn


def test_htmx_gets_the_inspector_alone(page, hx):
    part = page("answer/", headers=hx).content.decode()

    assert "<html" not in part
    assert 'id="task"' in part


def test_an_output_is_shown_as_json_and_an_input_names_its_source(page, rich_run):
    rank = page("retrieve/rank/").content.decode()
    answer = page("answer/").content.decode()

    assert "&quot;a&quot;,\n  &quot;b&quot;" in rank
    assert f"/runs/{rich_run.pk}/tasks/retrieve/rank/" in answer
    assert "retrieve/rank.result" in answer


def test_a_long_value_is_cut_with_its_size_and_can_be_downloaded(page, rich_run):
    from runner.run.checkpoint import TaskCheckpoint

    long = TaskCheckpoint(path="answer", attempt=1, seq=9, outputs={"page": f'"{"x" * 70_000}"'})
    rich_run.checkpoints.create(path="answer", attempt=1, seq=9, epoch=1, value=long.to_json())
    drawn = page("answer/").content.decode()
    whole = page("answer/?download=page")

    assert "70 kB in all" in drawn
    assert "x" * 65_537 not in drawn
    assert whole.content == b"x" * 70_000
    assert whole["Content-Disposition"].startswith("attachment")


def test_a_stream_can_be_downloaded_whole(page):
    assert page("answer/?download=text").content.decode() == f"To sort {HOSTILE}"


def test_a_maps_items_come_in_pages_failed_ones_first(page, hx):
    first = page("hash/?items=1", headers=hx).content.decode()
    second = page("hash/?items=2", headers=hx).content.decode()

    assert first.count('role="row"') == 50
    assert second.count('role="row"') == 10
    assert first.index("hash-_41--digest") < first.index("hash-_0--digest")
    assert "51–60 of 60" in second


def test_the_error_comes_first_with_its_trace_folded(page, rich_run):
    error = (
        '{"type":"ValueError","message":"No page 99.","trace":"File a","task":"answer","attempt":2}'
    )
    rich_run.task_runs.filter(path="answer").update(status="failed", error=error)
    drawn = page("answer/").content.decode()

    assert drawn.index("No page 99.") < drawn.index("File a")


def test_a_task_that_could_not_run_names_the_culprit(page, rich_run):
    rich_run.task_runs.create(path="report", status="upstream-failed")
    rich_run.events.create(
        seq=5,
        at=rich_run.started_at,
        kind="TaskUpstreamFailed",
        path="report",
        payload='{"path":"report","culprit":"answer"}',
    )

    assert "because answer failed" in page("report/").content.decode()


def test_earlier_attempts_say_why_they_ended_and_what_they_had_streamed(page, rich_run):
    failed = {"path": "answer", "attempt": 1, "error": {"message": "No <b>room</b>."}, "delay": 1}
    ended = {"path": "answer", "attempt": 2}
    for seq, kind, payload in [(5, "TaskRetrying", failed), (6, "TaskInterrupted", ended)]:
        rich_run.events.create(
            seq=seq, at=NOW, kind=kind, path="answer", payload=json.dumps(payload)
        )
    rich_run.chunks.update(superseded=True)
    drawn = page("answer/").content.decode()

    assert drawn.index("Attempt 2") < drawn.index("Its process stopped.")
    assert drawn.index("Its process stopped.") < drawn.index("its 2 chunks count no more")
    assert "No &lt;b&gt;room&lt;/b&gt;." in drawn


@pytest.mark.parametrize(
    ("status", "says"),
    [("pending", "waits for the end"), ("running", "took the whole"), ("skipped", "does not")],
)
def test_a_stream_says_what_each_reader_does_with_it(page, rich_run, status, says):
    rich_run.task_runs.create(path="report", status=status)
    drawn = page("answer/").content.decode()

    assert says in drawn[drawn.index("Stream<") :]


def test_a_list_of_objects_is_a_table_with_its_json_folded(page, rich_run):
    from runner.run.checkpoint import TaskCheckpoint

    encoded = json.dumps([{"name": HOSTILE, "n": 1}, {"n": 2}], separators=(",", ":"))
    kept = TaskCheckpoint(path="retrieve/rank", attempt=1, seq=2, outputs={"result": encoded})
    rich_run.checkpoints.filter(path=kept.path).update(value=kept.to_json())
    drawn = page("retrieve/rank/").content.decode()

    assert '<th scope="col">name</th><th scope="col">n</th>' in drawn
    assert "<tr><td></td><td>2</td></tr>" in drawn
    assert HOSTILE not in drawn


def test_events_are_shown_with_what_they_hold(page):
    drawn = page("answer/").content.decode()

    assert "<summary>TaskLogged</summary>" in drawn
    assert "&quot;level&quot;: &quot;INFO&quot;" in drawn


@pytest.mark.parametrize(
    "path", ["nothing/", "hash[99]/digest/", "hash[x]/digest/", "answer/?download=nothing"]
)
def test_what_the_run_does_not_have_is_not_found(page, path):
    assert page(path).status_code == 404
