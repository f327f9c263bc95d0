"""Browsers that watch a run of 200 tasks: late, cut off, slow, and while the server is killed."""

import pytest
from playwright.sync_api import expect

from tests.stage.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60_000
CUT_OFF = 10_000
TEXTS = (
    "() => [...document.querySelectorAll('#run-result [data-stream]')].map((e) => e.textContent)"
)
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 20_000, "uploadThroughput": 20_000}


@pytest.fixture
def stage(tmp_path):
    """A server of its own, with the tasks of the stage."""
    made = Stage(tmp_path)
    made.install()
    made.start()
    made.set(waits=False)
    yield made
    made.kill()


@pytest.fixture
def watch(stage, browser):
    """A function that opens a page in a browser of its own."""
    contexts = []

    def opened(path):
        context = browser.new_context()
        contexts.append(context)
        context.add_cookies([stage.cookie])
        page = context.new_page()
        page.goto(f"{stage.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()


def begun(stage, watch, seconds):
    """Start the large run from its form."""
    page = watch(stage.drawing("catchment", "run/"))
    page.fill("[name=in-port-river]", "Rhone")
    page.fill("[name=in-port-seconds]", str(seconds))
    page.click("#start-form button[type=submit]")
    page.wait_for_url("**/runs/*/**")
    return page


def test_who_comes_late_is_cut_off_or_is_slow_ends_with_the_same_text(stage, watch):
    """R1, R2, R14."""
    cut = begun(stage, watch, 16)
    path = cut.url.removeprefix(stage.url)
    slow = watch(path)
    slow.context.new_cdp_session(slow).send("Network.emulateNetworkConditions", SLOW)
    expect(cut.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    cut.context.set_offline(True)
    cut.wait_for_timeout(CUT_OFF)
    late = watch(path)
    cut.context.set_offline(False)
    pages = [cut, slow, late]
    for page in pages:
        expect(page.locator('#run-header[data-status="completed"]')).to_have_count(
            1, timeout=SECONDS
        )
        expect(page.locator("#run-header")).to_contain_text("200/200")
    shown = [page.evaluate(TEXTS) for page in pages]
    late.reload()
    reloaded = late.evaluate(TEXTS)
    assert [len(text.split()) for text in reloaded] == [200, 200]
    assert shown == [reloaded] * 3


def test_a_killed_server_is_said_and_the_page_catches_up_by_itself(stage, watch):
    """R2."""
    page = begun(stage, watch, 8)
    page.evaluate("window.never = 'reloaded'")
    expect(page.locator("#live-dot")).to_have_text("live", timeout=SECONDS)
    stage.kill()
    expect(page.locator("#not-live")).to_contain_text("Not live since", timeout=SECONDS)
    clock = page.locator("#run-header [data-since]")
    stopped = clock.text_content()
    page.wait_for_timeout(2500)
    assert clock.text_content() == stopped
    assert page.locator("#run-header").get_attribute("data-status") == "running"
    stage.start()
    expect(page.locator('#run-header[data-status="completed"]')).to_have_count(1, timeout=SECONDS)
    assert page.evaluate("window.never") == "reloaded"
    page.wait_for_timeout(1000)
    shown = page.evaluate(TEXTS)
    page.reload()
    assert shown == page.evaluate(TEXTS)
    assert [len(text.split()) for text in shown] == [200, 200]
