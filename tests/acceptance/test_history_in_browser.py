"""The history of a workflow in a real browser: its newest column goes on while one looks."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_watching_in_browser import drawn
from tests.benchmarks.w7_browser import start

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60_000


def test_the_newest_column_goes_on_and_keeps_the_focus(page, server, sign_in):
    sign_in(page)
    run = start(server, drawn(words=60, pace=0.1, chains=1, links=2))
    page.goto(f"{server.url}/runs/{run}/")
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history/")
    page.evaluate("document.body.dataset.mark = 'stays'")
    newest = page.locator(f'th a[href="/runs/{run}/"]')
    expect(newest).to_have_attribute("data-status", "running", timeout=SECONDS)
    newest.focus()
    expect(newest).to_have_attribute("data-status", "completed", timeout=SECONDS)
    expect(newest).to_have_accessible_name(re.compile("completed"))
    cell = page.locator(f'td a[href="/runs/{run}/tasks/left/"]')
    expect(cell).to_have_attribute("data-status", "completed")

    expect(newest).to_be_focused()
    expect(page.locator("body[data-mark]")).to_have_count(1)
