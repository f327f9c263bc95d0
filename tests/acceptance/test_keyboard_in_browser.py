"""The whole life of a run by keyboard alone: started, followed, cancelled, run again, compared."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60_000
MANY = 120
FOCUSED = "wanted => document.activeElement === wanted"


@pytest.fixture
def keys(page):
    """A function that presses keys, one after the other."""

    def press(*keys):
        for key in keys:
            page.keyboard.press(key)

    return press


@pytest.fixture
def reach(page):
    """A function that goes with Tab to what is wanted."""

    def reach(wanted, key="Tab"):
        for _ in range(MANY):
            if wanted.count() and wanted.first.evaluate(FOCUSED):
                return
            page.keyboard.press(key)
        raise AssertionError(f"{wanted} cannot be reached")

    return reach


def signs_in(page, server, reach):
    """Sign in as somebody without a mouse."""
    page.goto(f"{server.url}/sign-in/")
    reach(page.get_by_label("User name"))
    page.keyboard.type("demo")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")


def starts(page, keys, reach):
    """Find the demo by its name, and start a run of it."""
    keys("Control+k")
    expect(page.locator("#search-words")).to_be_focused()
    page.keyboard.type("Ask the Python")
    expect(page.locator("#search-dialog a.hit").first).to_contain_text("Ask the Python manual")
    keys("Enter")
    page.wait_for_url("**/workflows/*/")
    keys("r")
    page.wait_for_url("**/run/**")
    reach(page.get_by_label("Question"))
    page.keyboard.type("How do I open a file?")
    reach(page.locator("#start-form button.primary"))
    keys("Enter")
    page.wait_for_url("**/runs/*/")


def test_a_run_is_started_followed_cancelled_run_again_and_compared_by_keys_alone(
    page, server, keys, reach
):
    signs_in(page, server, reach)
    starts(page, keys, reach)
    keys("j")
    expect(page.locator(".tree-row a[data-path]").first).to_be_focused()
    keys("Enter")
    expect(page.locator("#task")).to_be_visible()
    keys("c")
    expect(page.locator("#cancel-dialog")).to_be_visible()
    reach(page.locator('#cancel-dialog button[value="yes"]'))
    keys("Enter")
    expect(page.locator("#run-header .chip")).to_have_text("cancelled", timeout=SECONDS)
    expect(page).to_have_title(re.compile(r"^■ \d/\d Ask the Python manual – Runs$"))
    first = page.url

    keys("Escape")
    expect(page.locator("#task")).to_have_count(0)
    expect(page.get_by_role("link", name="Run again…")).to_be_visible()
    keys("r")
    page.wait_for_url("**/rerun/**")
    reach(page.locator("#rerun-choice input:checked"))
    reach(page.locator("#cell-start-same"), "ArrowUp")
    expect(page.locator(".rerun-preview")).to_contain_text("new run")
    reach(page.locator('button.primary[form="rerun-form"]'))
    keys("Enter")
    page.wait_for_url(lambda url: "/runs/" in url and "rerun" not in url and url != first)
    expect(page.locator("#run-header .chip")).to_have_text("completed", timeout=SECONDS)
    expect(page).to_have_title(re.compile(r"^✓ (\d)/\1 "))

    keys("2")
    page.wait_for_url("**view=graph**")
    keys("j", "ArrowDown", "Enter")
    expect(page.locator("#task")).to_be_visible()
    keys("?")
    expect(page.locator("#keys-list")).to_contain_text("Compare")
    keys("Escape", "m")
    page.wait_for_url("**/runs/compare/**")
    expect(page.locator("h1")).to_contain_text("Compare")


def test_a_paused_stream_counts_what_it_holds_back_and_shows_it_all_afterwards(
    page, server, keys, reach
):
    signs_in(page, server, reach)
    starts(page, keys, reach)
    page.goto(f"{page.url.partition('?')[0]}tasks/answer/?tab=stream")
    stream, pause = page.locator("[data-stream]"), page.locator("[data-pause]")
    expect(stream).to_contain_text(re.compile(r"\w.{20}", re.DOTALL), timeout=SECONDS)
    reach(pause)
    keys("Enter")
    shown = stream.inner_text()
    expect(pause).to_have_text(re.compile(r"Go on: [1-9]\d* chunks? held back"), timeout=SECONDS)
    assert stream.inner_text() == shown
    keys("Enter")
    expect(pause).to_have_text("Pause view")
    expect(stream).to_contain_text(shown)
    assert len(stream.inner_text()) > len(shown)
