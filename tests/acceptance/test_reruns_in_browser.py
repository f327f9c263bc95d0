"""Running a run again in a real browser: the preview follows what is chosen; the history by keys."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_demo_in_browser import start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000


def run_demo(page, server):
    """Run a demo to its end, and stay on the page of its run."""
    start_demo(page, server)
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)


def walk_history(page):
    """Go through the grid of the workflow's runs by arrows, and open a task."""
    page.get_by_role("link", name="Ask the Python manual").first.click()
    page.get_by_role("link", name="History").click()
    held = page.locator('[data-grid] a[tabindex="0"]')
    expect(held).to_have_count(1)
    held.focus()
    before = held.get_attribute("href")
    page.keyboard.press("ArrowDown")
    expect(held).to_be_focused()
    assert held.get_attribute("href") != before
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/runs/.+/tasks/.+"))


def test_a_run_does_again_what_the_preview_said_and_the_history_is_walked_by_keys(
    page, server, sign_in
):
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    sign_in(page)
    run_demo(page, server)
    first = page.url
    page.get_by_role("link", name="Run again…").click()
    said = page.locator(".rerun-preview strong")
    expect(said).to_contain_text("nothing is kept")
    page.locator("#rerun-task").select_option("retrieve/split")
    page.wait_for_selector("td:has(#cell-task-same) >> text=keeps 2")
    page.locator("#cell-task-same").check()
    expect(said).to_contain_text("2 tasks are kept.")
    sentence = said.inner_text()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)

    assert page.url.split("?")[0] != first.split("?")[0]
    expect(page.locator(".notices")).to_contain_text(sentence)
    expect(page.locator(".lineage")).to_contain_text("Runs again what an earlier run did")
    walk_history(page)
    assert faults == []
