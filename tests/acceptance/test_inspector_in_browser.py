"""The inspector in a real browser: tabs by arrows, a choice outlives a refresh, and no script."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.test_demo_in_browser import start_demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000
REFRESH = "document.dispatchEvent(new CustomEvent('put-off', { detail: 'pane' }))"


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


@pytest.fixture
def held(page):
    """A function that holds back the first answer from an address; it gives that request."""

    def hold(address):
        requests: list[Route] = []

        def meet(route):
            if requests:
                route.continue_()
            requests.append(route)

        page.route(address, meet)
        return requests

    return hold


def waits_for(page, requests, count=1):
    """Wait until there are so many requests."""
    for _ in range(600):
        if len(requests) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing was asked for")


def completed_answer(page, server):
    """Show the task `answer` of a run of the demo that has ended; give its panel."""
    start_demo(page, server)
    page.locator('.tree-row a[data-path="answer"]').click()
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)
    expect(page.locator("#task-head-answer .chip")).to_have_text("completed")
    return page.locator("#task-panel")


def test_a_refresh_asked_for_before_a_tab_was_chosen_does_not_put_the_old_tab_back(
    page, server, sign_in, held
):
    sign_in(page)
    start_demo(page, server)
    page.locator('.tree-row a[data-path="answer"]').click()
    expect(page.locator("#tab-stream")).to_have_attribute("aria-selected", "true", timeout=SECONDS)
    asked = held(re.compile(r"/tasks/answer/(\?tab=stream)?$"))
    waits_for(page, asked)
    page.locator("#tab-stream").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#task-panel")).to_have_attribute("data-tab", "output")
    with page.expect_response("**/tasks/answer/?tab=output"):
        asked[0].continue_()

    expect(page.locator("#tab-output")).to_be_focused()
    expect(page.locator("#task-panel")).to_have_attribute("data-tab", "output")


def test_a_refresh_waits_until_the_chosen_tab_is_there(page, server, sign_in, held):
    sign_in(page)
    panel = completed_answer(page, server)
    page.wait_for_load_state("networkidle")
    chosen = held(re.compile(r"/tasks/answer/\?tab=events$"))
    page.locator("#tab-events").click()
    waits_for(page, chosen)
    page.evaluate(REFRESH)
    page.wait_for_timeout(1000)
    assert len(chosen) == 1
    with page.expect_response("**/tasks/answer/?tab=events"):
        chosen[0].continue_()
    expect(panel).to_have_attribute("data-tab", "events")
    waits_for(page, chosen, 2)

    expect(panel).to_have_attribute("data-tab", "events")


def test_a_link_in_the_inspector_keeps_its_focus_when_the_inspector_is_refreshed(
    page, server, sign_in
):
    sign_in(page)
    completed_answer(page, server)
    page.wait_for_load_state("networkidle")
    link = page.get_by_role("link", name="Run from here…")
    link.focus()
    link.evaluate("link => { link.dataset.old = 'yes'; }")
    page.evaluate(REFRESH)
    expect(page.locator("#inspector-inner [data-old]")).to_have_count(0)

    expect(link).to_be_focused()
