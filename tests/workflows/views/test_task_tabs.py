"""The tabs of the inspector: links, one panel, and ways to show a value."""

import json
import re

import pytest

from runner.graph.values import encode
from runner.run.checkpoint import TaskCheckpoint
from tests.workflows.views.conftest import HOSTILE

TABS = ["Input", "Output", "Stream", "Log", "Error", "Events", "Attempts"]


@pytest.fixture
def task(client_of, alice, rich_run):
    """Fetch the inspector of a task."""

    def fetch(path, **options):
        return client_of(alice).get(f"/runs/{rich_run.pk}/tasks/{path}", **options)

    return fetch


@pytest.fixture
def gave(rich_run):
    """Let a task of the run have put something out."""

    def give(value, path="retrieve/rank"):
        kept = TaskCheckpoint(path=path, attempt=1, seq=2, outputs={"result": encode(value)})
        rich_run.checkpoints.filter(path=path).update(value=kept.to_json())

    return give


def links(drawn):
    """Give the tabs as (title, address), in order."""
    nav = drawn[drawn.index('id="task-tabs"') : drawn.index('id="task-panel"')]
    return re.findall(r'href="([^"]+)"[^>]*>(\w+)', nav)


def test_tabs_are_links_that_need_no_script(task):
    drawn = task("answer/").content.decode()
    assert [title for _, title in links(drawn)] == TABS
    for address, title in links(drawn):
        name = title.lower()
        shown = task(address.partition("/tasks/")[2]).content.decode()
        assert f'id="task-panel" data-tab="{name}"' in shown
        assert re.search(rf'data-tab="{name}" aria-current="page"', shown)


def test_a_map_has_its_items_first(task):
    assert links(task("hash/").content.decode())[0][1] == "Items"
    assert 'role="grid"' not in task("hash/?tab=log").content.decode()


def test_htmx_gets_the_panel_alone(task, hx):
    part = task("answer/?tab=log", headers=hx | {"HX-Target": "task-panel"}).content.decode()
    assert part.lstrip().startswith('<section id="task-panel"')
    assert 'id="task-tabs"' not in part


def test_the_run_page_opens_the_wanted_tab_beside_the_run(client_of, alice, rich_run):
    drawn = client_of(alice).get(f"/runs/{rich_run.pk}/?task=answer&tab=events").content.decode()
    assert 'id="task-panel" data-tab="events" data-follows="no"' in drawn
    assert f'data-url="/runs/{rich_run.pk}/tasks/answer/?tab=events"' in drawn


def test_a_tab_that_nobody_chose_follows_the_task(task, rich_run):
    assert 'data-tab="stream" data-follows="yes"' in task("answer/").content.decode()
    rich_run.task_runs.filter(path="answer").update(status="completed")
    assert 'data-tab="output" data-follows="yes"' in task("answer/").content.decode()
    assert 'data-tab="log" data-follows="no"' in task("answer/?tab=log").content.decode()


@pytest.mark.parametrize("tab", ["items", "nothing", "<script>", ""])
def test_a_tab_that_there_is_not_is_not_asked_for(task, tab):
    answer = task(f"answer/?tab={tab}")
    assert answer.status_code == 200
    assert 'data-tab="stream" data-follows="yes"' in answer.content.decode()


@pytest.mark.parametrize("path", ["answer/", "retrieve/", "hash/", "hash[41]/digest/", "report/"])
@pytest.mark.parametrize("tab", [title.lower() for title in TABS])
def test_every_tab_says_something_of_every_task(task, path, tab):
    drawn = task(f"{path}?tab={tab}").content.decode()
    panel = drawn[drawn.index('id="task-panel"') : drawn.index("</section>")]
    assert re.search(r"[A-Z]\w+", re.sub(r"<[^>]*>", "", panel.partition(">")[2]))
    assert HOSTILE not in drawn


# ── ways to show a value ────────────────────────────────────────────────────────────────────────


def modes(drawn):
    """Give the ways that are offered, the one in use marked by a star."""
    found = re.findall(r'&amp;as=(\w+)" hx[^>]*?( aria-current="true")?>', drawn)
    return [mode + ("*" if current else "") for mode, current in found]


def test_a_list_of_objects_is_a_table_and_can_be_read_as_json_or_as_it_is_kept(task, gave):
    gave([{"name": HOSTILE, "n": 1}, {"n": 2}])
    table = task("retrieve/rank/").content.decode()
    pretty = task("retrieve/rank/?tab=output&port=result&as=pretty").content.decode()
    raw = task("retrieve/rank/?tab=output&port=result&as=raw").content.decode()

    assert modes(table) == ["table*", "pretty", "raw"]
    assert '<th scope="col">name</th><th scope="col">n</th>' in table
    assert "&quot;n&quot;: 2" in pretty
    assert "{&quot;n&quot;:2}" in raw
    assert HOSTILE not in table + pretty + raw


def test_a_text_is_shown_as_markdown_when_somebody_asks(task, gave):
    gave(f"# Rivers\n\n*Wide* ones {HOSTILE} ![x](https://evil.test/x.gif)")
    plain = task("retrieve/rank/").content.decode()
    drawn = task("retrieve/rank/?tab=output&port=result&as=markdown").content.decode()

    assert modes(plain) == ["pretty*", "markdown", "raw"]
    assert "# Rivers" in plain
    assert "<h4>Rivers</h4>" in drawn
    assert "<em>Wide</em>" in drawn
    assert HOSTILE not in drawn
    assert "<img" not in drawn


def test_a_way_is_asked_for_one_port_alone_and_only_where_it_fits(task, gave):
    gave(7)
    assert modes(task("retrieve/rank/?port=result&as=markdown").content.decode()) == [
        "pretty*", "raw",
    ]  # fmt: skip


def test_an_input_is_shown_whole_with_its_source_and_to_be_saved(task, rich_run):
    drawn = task("answer/?tab=input").content.decode()
    assert f'href="/runs/{rich_run.pk}/tasks/retrieve/rank/?download=result"' in drawn
    assert "&quot;a&quot;,\n  &quot;b&quot;" in drawn


def test_what_the_run_was_given_is_shown_where_it_is_used_and_saved_from_there(task, rich_run):
    drawn = task("retrieve/split/?tab=input").content.decode()
    assert "from the run’s input question" in drawn
    assert f'href="/runs/{rich_run.pk}/inputs/question/"' in drawn


def test_what_was_streamed_is_an_output_once_the_task_is_done(task, rich_run):
    rich_run.task_runs.filter(path="answer").update(status="completed")
    drawn = task("answer/").content.decode()
    assert 'data-tab="output"' in drawn
    assert "To sort &lt;script&gt;" in drawn


def test_a_stream_says_how_much_came_how_soon_and_how_fast(task, rich_run):
    from datetime import timedelta

    start = rich_run.started_at
    happened: list[tuple[int, str, float, dict]] = [
        (5, "TaskStarted", 0.0, {}),
        (6, "StreamOpened", 0.4, {"port": "text"}),
        (7, "StreamClosed", 2.4, {"port": "text", "chunks": 2}),
    ]
    for seq, kind, after, about in happened:
        payload = json.dumps({"path": "answer", "attempt": 1, **about})
        at = start + timedelta(seconds=after)
        rich_run.events.create(seq=seq, at=at, kind=kind, path="answer", payload=payload)
    drawn = re.sub(r"<[^>]*>", "", task("answer/?tab=stream").content.decode())
    assert "2 chunks · 42 B · 21 B/s · first after 400 ms" in drawn


# ── what the run was given ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def given(rich_run):
    """Where an input of the run is given to be saved."""
    return f"/runs/{rich_run.pk}/inputs/question/"


def test_who_sees_the_run_gets_its_input(client_of, bob, given):
    answer = client_of(bob).get(given)
    assert answer.content == b"Why?"
    assert answer["Content-Disposition"] == 'attachment; filename="input-question.txt"'


def test_a_stranger_gets_no_input(client_of, charlie, given):
    assert client_of(charlie).get(given).status_code == 404


def test_who_is_not_signed_in_gets_no_input(client, given):
    assert client.get(given)["Location"].startswith("/sign-in/?next=")


def test_an_input_that_was_not_given_is_not_found(client_of, alice, given):
    assert client_of(alice).get(given.replace("question", "answer")).status_code == 404
