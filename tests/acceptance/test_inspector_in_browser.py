"""The inspector in a real browser: tabs by arrows, the address says which one, and no script."""

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_demo_in_browser import start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000


def test_tabs_are_walked_by_arrows_stay_with_a_stream_and_stand_in_the_address(
    page, browser, server, sign_in
):
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    sign_in(page)
    start_demo(page, server)
    page.locator('.tree-row a[data-path="answer"]').click()
    panel, chosen = page.locator("#task-panel"), page.locator('[role="tab"][aria-selected="true"]')
    expect(chosen).to_have_text("Stream", timeout=SECONDS)
    expect(page.locator(".pace").first).to_contain_text("/s · first after", timeout=SECONDS)
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)
    expect(page.locator("#task-head-answer .chip")).to_have_text("completed")
    expect(chosen).to_have_text("Stream")

    chosen.focus()
    page.keyboard.press("ArrowLeft")
    expect(panel).to_have_attribute("data-tab", "output")
    page.keyboard.press("End")
    expect(panel).to_have_attribute("data-tab", "attempts")
    expect(panel).to_have_attribute("aria-labelledby", "tab-attempts")
    expect(page.locator("#tab-attempts")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(panel).to_have_attribute("data-tab", "input")
    page.wait_for_url("**/?task=answer&tab=input")
    page.reload()
    expect(chosen).to_have_text("Input")
    assert faults == []

    state = page.context.storage_state()
    plain = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    plain.goto(page.url)
    plain.get_by_role("link", name="Events", exact=True).click()
    expect(plain.locator("#task-panel")).to_contain_text("TaskCompleted")
    expect(plain.locator('#task-tabs [aria-current="page"]')).to_have_text("Events")
