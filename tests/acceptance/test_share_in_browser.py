"""A run that is shared while it goes on, in real browsers: its maker's and its guests'."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Error, expect

from tests.acceptance.conftest import ROOT
from tests.acceptance.test_accessibility import RULES, RUN, TOO_WIDE
from tests.guest_tasks import ALOUD, HUSH
from tests.stage.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000
ENTRY_POINT = "[anabranch.tasks]\nguests = tests.guest_tasks\n"
CREDENTIAL = f"{HUSH}credential-4711"
#: Makes a workflow and two runs of it that say secrets and wait; prints their ids.
PREPARE = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from workflows.models import Run, Team, Workflow
from workflows.models.credential import keep_credential
demo, team = User.objects.get(username="demo"), Team.objects.get(slug="demo")
keep_credential(demo, "rivers", sys.argv[2], hosts=["api.rivers.example"])
made = Workflow.objects.create(team=team, name="spoken", title="Spoken", created_by=demo)
version = made.revise(sys.argv[1], demo)
for label in ("one", "two"):
    print(Run.objects.start(version, demo, {"question": sys.argv[3]}, label=f"hush-label-{label}").pk)
"""
TASKS = [
    {"id": "speak", "type": "guest.speak", "title": "Speak", "inputs": {"fails": True}},
    {"id": "also", "type": "guest.speak", "title": "Also", "inputs": {"hidden": f"{HUSH}constant"}},
]
DEFINITION = {
    "v": 1, "name": "spoken", "title": "Spoken", "tasks": TASKS, "outputs": [],
    "inputs": [{"name": "question", "type": "str"}],
    "dataflows": [{"from": "$inputs.question", "to": "speak.hidden"}],
}  # fmt: skip


class Served(Stage):
    """A server that knows the task that says secrets."""

    def install(self):
        """Let the server find that task as it finds anybody's."""
        super().install()
        packaged = self.data / "packages" / "stage-1.dist-info"
        (packaged / "entry_points.txt").write_text(ENTRY_POINT)

    def manage(self, *words):
        """Run a command in a process of its own; give what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "workflows.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Beside(Served):
    """A server beside another on its data directory, which `manage.py serve` would refuse."""

    @property
    def command(self):
        bind = ["-b", "127.0.0.1", "-p", str(self.port)]
        return [sys.executable, "-m", "daphne", *bind, "workflows.asgi:application"]


@pytest.fixture
def server(tmp_path):
    """A served installation with two runs under way that have said what they may and may not."""
    made = Served(tmp_path)
    made.install()
    made.start()
    question = f"{HUSH}input"
    told = made.manage("-c", PREPARE, json.dumps(DEFINITION), CREDENTIAL, question)
    made.runs = dict(zip(("one", "two"), told.split(), strict=True))
    for run in made.runs.values():
        made.wait_for_words(run)
    yield made
    made.kill()


@pytest.fixture
def maker(server, sign_in, page):
    """The page of somebody who is signed in."""
    sign_in(page)
    return page


@pytest.fixture
def guest(browser):
    """A page of somebody who is not signed in."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def heard(guest):
    """All texts that the guest's browser is sent: pages, parts of them, and frames."""
    texts: list[str] = []
    guest.on("response", lambda answer: texts.append(body_of(answer)))
    guest.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: texts.append(str(frame))),
    )
    return texts


def body_of(answer):
    """Give the text of an answer; a redirect has none, and one that was left behind loses it."""
    try:
        return "" if "/static/" in answer.url else answer.text()
    except Error:
        return ""


def shared(maker, server, part="one"):
    """Share the run in its dialog, by keys and clicks; give the link."""
    maker.goto(f"{server.url}{server.address(part)}")
    maker.keyboard.press("s")
    dialog = maker.locator("#share-dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("speak.text").check()
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.locator("#share-link")
    expect(link).to_be_visible()
    return link.input_value()


def enter(guest, link):
    """Follow a link as it was sent."""
    guest.goto(link)
    expect(guest.get_by_role("heading", name="Spoken")).to_be_visible(timeout=SECONDS)


def test_a_guest_watches_live_and_hears_no_secret(server, maker, guest, heard):
    """R7: over pages and frames of all views, while the run goes on and fails."""
    link = shared(maker, server)
    enter(guest, link)
    assert re.fullmatch(rf"{server.url}/s/[0-9a-f-]{{36}}/", guest.url)
    expect(guest.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    for view in ("graph", "timeline", "tree"):
        guest.get_by_role("link", name=view.title(), exact=True).click()
        guest.wait_for_url(re.compile(f"view={view}"))
        expect(guest.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    stream = guest.locator("[data-stream]")
    expect(stream).to_contain_text(f"{ALOUD}-4")
    server.released.touch()
    expect(stream).to_contain_text(f"{ALOUD}-at-last", timeout=SECONDS)
    expect(guest.locator("#run-header .chip")).to_have_text("failed", timeout=SECONDS)
    expect(guest.locator("#live-dot")).to_have_text("ended", timeout=SECONDS)
    guest.wait_for_load_state("networkidle")
    told = "\n".join([*heard, guest.content()])
    assert told.count("task-row-speak") > 3
    assert '"chunks"' in told
    assert HUSH not in told
    assert server.runs["one"] not in told


def test_the_token_is_in_no_log_and_not_in_the_database(server, maker, guest):
    link = shared(maker, server)
    token = link.rpartition("#")[2]
    enter(guest, link)
    assert token not in server.output()
    with closing(sqlite3.connect(server.data / "anabranch.sqlite3")) as database:
        kept = "\n".join(database.iterdump())
    assert "hush-label-one" in kept
    assert token not in kept
    assert server.look("SELECT views FROM workflows_sharelink") == [(1,)]


def test_a_link_turned_off_elsewhere_ends_an_open_page_within_two_seconds(server, maker, guest):
    """The process that turns it off is another than the one that serves the page."""
    enter(guest, shared(maker, server))
    expect(guest.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    server.manage("manage.py", "share_run", server.runs["one"], "--as", "demo", "--revoke")
    expect(guest.get_by_role("heading", name="This link was turned off")).to_be_visible(
        timeout=2000
    )
    assert ALOUD not in guest.content()


@pytest.fixture(params=["redis", "poll"])
def beside(request, tmp_path, monkeypatch):
    """Two servers on the same data: with a Redis between them, or without."""
    if request.param == "redis":
        monkeypatch.setenv("REDIS_URL", request.getfixturevalue("redis").url)
    server = request.getfixturevalue("server")
    other = Beside(tmp_path)
    other.start()
    yield server, other
    other.kill()


def test_a_link_revoked_at_one_server_ends_the_pages_of_another(beside, sign_in, page, guest):
    """Within two seconds, whether a bell is heard between them or not."""
    server, other = beside
    sign_in(page)
    link = shared(page, server)
    enter(guest, link.replace(server.url, other.url))
    expect(guest.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    page.get_by_role("button", name=re.compile("^Revoke ")).click()
    expect(guest.get_by_role("heading", name="This link was turned off")).to_be_visible(
        timeout=2000
    )


def test_the_dialog_shows_a_preview_and_copies_and_revokes_links(server, maker, browser):
    first = shared(maker, server)
    dialog = maker.locator("#share-dialog")
    with maker.expect_popup() as opened:
        dialog.get_by_role("button", name="Preview as a guest").click()
    expect(opened.value.get_by_text("This is what guests see")).to_be_visible()
    opened.value.close()
    dialog.get_by_role("button", name=re.compile("^Copy a new link")).click()
    expect(dialog.locator("#share-link")).not_to_have_value(first)
    second = dialog.locator("#share-link").input_value()
    for link in (first, second):
        with browser.new_context() as context:
            enter(context.new_page(), link)
    maker.reload()
    maker.keyboard.press("s")
    expect(dialog).to_contain_text("2 views")
    dialog.get_by_role("button", name=re.compile("^Revoke ")).click()
    expect(dialog).to_contain_text("revoked")
    expect(dialog.get_by_role("button", name=re.compile("^Revoke "))).to_have_count(0)


def test_a_locked_link_asks_for_its_password_and_keeps_what_was_brought(server, maker, guest):
    maker.goto(f"{server.url}{server.address('two')}share/")
    maker.get_by_label("Password").fill("delta of a river")
    maker.get_by_role("button", name="Make a link").click()
    link = maker.locator("#share-link").input_value()
    guest.goto(link)
    expect(guest.get_by_role("alert")).to_contain_text("Nothing opens with this")
    guest.get_by_label("Its password").fill("delta of a river")
    guest.get_by_role("button", name="Open").click()
    expect(guest.get_by_role("heading", name="Spoken")).to_be_visible(timeout=SECONDS)


def test_without_javascript_a_pasted_link_opens(server, maker, browser):
    link = shared(maker, server)
    with browser.new_context(java_script_enabled=False) as context:
        guest = context.new_page()
        guest.goto(link)
        guest.get_by_label("The link that you were given").fill(link)
        guest.get_by_role("button", name="Open").click()
        expect(guest.get_by_role("heading", name="Spoken")).to_be_visible(timeout=SECONDS)
        expect(guest.locator("[data-stream]")).to_contain_text(ALOUD)


def test_axe_has_nothing_to_say_of_what_guests_and_makers_see(server, maker, guest):
    link = shared(maker, server)
    said = found(maker, "dialog")
    maker.goto(f"{server.url}{server.address('one')}share/")
    said |= found(maker, "links")
    guest.goto(f"{server.url}/s/")
    said |= found(guest, "open")
    enter(guest, link)
    for view in ("tree", "graph", "timeline"):
        guest.goto(f"{guest.url.partition('?')[0]}?view={view}")
        said |= found(guest, view)
    server.manage("manage.py", "share_run", server.runs["one"], "--as", "demo", "--revoke")
    expect(guest.get_by_role("heading", name="This link was turned off")).to_be_visible()
    assert sorted(said | found(guest, "over")) == []


def found(page, name):
    """Ask axe about a page on a desk and on a phone, light and dark."""
    page.evaluate(AXE_SCRIPT)
    said = set()
    for width, height in ((1280, 800), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            asked = {"type": "tag", "values": RULES}
            said |= {f"{name} {width} {scheme} {each}" for each in page.evaluate(RUN, asked)}
        if page.evaluate(TOO_WIDE):
            said.add(f"{name} {width}: it scrolls sideways")
    return said
