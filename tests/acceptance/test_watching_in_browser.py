"""Runs that are watched in real browsers: late, cut off, slow, and while the server dies."""

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import ROOT, Server
from tests.acceptance.line import Line

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 90_000
LONG = 10_000
CHAINS, LINKS, WORDS = 6, 33, 110
SPEED = 20_000
START = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from workflows.models import Run, Team, Workflow
demo = User.objects.get(username="demo")
team = Team.objects.get(slug="demo")
made = Workflow.objects.create(team=team, name="watched", title="Watched", created_by=demo)
made.revise(sys.stdin.read(), demo)
print(Run.objects.start(made.latest, demo, {}).pk)
"""


def streaming(name, words, pace):
    """Give a task that streams so many words, one every `pace` seconds."""
    text = " ".join(f"{name}{number}" for number in range(words))
    given = {"question": "?", "hits": [{"topic": name, "text": text}]}
    config = {"pace": pace}
    return {"id": name, "type": "text.answer", "title": name, "config": config, "inputs": given}


def drawn(*, words, pace, chains, links=LINKS):
    """Give a workflow of two streams beside chains of quick tasks."""
    tasks = [streaming("left", words, pace), streaming("right", words, pace)]
    flows = []
    for chain in range(chains):
        for link in range(links):
            name = f"step{chain}-{link}"
            task = {"id": name, "type": "data.transform", "title": name}
            tasks.append(task | {"config": {"expression": "value + 1"}})
            if link:
                flows.append({"from": f"step{chain}-{link - 1}.result", "to": f"{name}.value"})
            else:
                tasks[-1]["inputs"] = {"value": 0}
    outputs = [{"name": name, "from": f"{name}.text"} for name in ("left", "right")]
    document = {"v": 1, "name": "watched", "title": "Watched", "inputs": [], "outputs": outputs}
    return json.dumps(document | {"tasks": tasks, "dataflows": flows}, sort_keys=True)


@pytest.fixture
def lines():
    """Two lines to the server."""
    with Line() as weak, Line() as slow:
        yield weak, slow


@pytest.fixture
def server(tmp_path, monkeypatch, lines):
    """A served installation that may be reached over the lines too."""
    made = Server(tmp_path)
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", ",".join(line.url for line in lines))
    for line in lines:
        line.port = made.port
    made.start()
    yield made
    made.kill()


@pytest.fixture
def start(server):
    """Start a run of a workflow, and give its address on the server."""

    def start(definition):
        done = subprocess.run(
            [sys.executable, "-c", START],
            input=definition,
            cwd=ROOT,
            env=server.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return f"/runs/{done.stdout.strip()}/"

    return start


def texts(page):
    """Give what a page shows of the tasks and of both streams."""
    return [page.locator("#tree").inner_text(), *page.locator("[data-stream]").all_inner_texts()]


def ends(page):
    """Wait until a page says that the run has ended."""
    expect(page.locator("#run-header .chip")).to_have_text("completed", timeout=SECONDS)
    expect(page.locator("#live-dot")).to_have_text("ended", timeout=SECONDS)
    page.wait_for_load_state("networkidle")


def hears(page):
    """Wait until words of a stream have come."""
    words = re.compile("left1 .*left9 ", re.DOTALL)
    expect(page.locator("[data-stream]").first).to_contain_text(words, timeout=SECONDS)


def stands_still(page):
    """Wait for the bar, and see that no clock goes on meanwhile."""
    expect(page.locator("#not-live")).to_contain_text("Not live since", timeout=SECONDS)
    clock = page.locator("#run-header [data-since]")
    before = clock.inner_text()
    page.wait_for_timeout(LONG / 4)
    assert clock.inner_text() == before
    expect(page.locator("#run-header .chip")).to_have_text("running")


def test_200_tasks_and_two_streams_are_seen_alike_by_who_is_late_cut_off_or_slow(
    page, browser, server, lines, sign_in, start
):
    """R1, R2, R14."""
    sign_in(page)
    state = page.context.storage_state()

    def joins(url):
        other = browser.new_context(storage_state=state).new_page()
        other.goto(url, timeout=SECONDS)
        return other

    run = start(drawn(words=WORDS, pace=0.15, chains=CHAINS))
    weak, slow = lines
    page.goto(f"{server.url}{run}")
    cut_off, slowed = joins(f"{weak.url}{run}"), joins(f"{slow.url}{run}")
    slow.speed = SPEED
    hears(cut_off)
    weak.cut()
    stands_still(cut_off)
    late = joins(f"{server.url}{run}")
    cut_off.wait_for_timeout(LONG * 3 / 4)
    weak.mend()
    expect(cut_off.locator("#not-live")).to_contain_text("caught up", timeout=SECONDS)
    watching = [page, cut_off, slowed, late]
    for each in watching:
        ends(each)
    seen = [texts(each) for each in watching]
    page.reload()

    shown = texts(page)
    assert [f"left{WORDS - 1}" in shown[1], f"right{WORDS - 1}" in shown[2]] == [True, True]
    assert seen == [shown] * 4
    for each in watching[1:]:
        each.context.close()


def test_a_page_whose_server_is_killed_says_so_and_catches_up_by_itself(
    page, server, sign_in, start
):
    """R2."""
    sign_in(page)
    run = start(drawn(words=90, pace=0.1, chains=1, links=3))
    page.goto(f"{server.url}{run}")
    hears(page)
    server.kill()
    stands_still(page)
    server.start()
    expect(page.locator("#not-live")).to_contain_text("caught up", timeout=SECONDS)
    ends(page)
    live = texts(page)
    sockets = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.reload()
    page.wait_for_load_state("networkidle")

    assert texts(page) == live
    assert sockets == []
