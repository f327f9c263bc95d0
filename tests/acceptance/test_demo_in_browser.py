"""Demo A in a real browser: started, watched live, joined midway by a second viewer."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 30_000


def start_demo(page, server):
    """Start "Ask the Python manual" from its form; the page is the run's afterwards."""
    page.goto(f"{server.url}/workflows/")
    page.get_by_role("link", name="Ask the Python manual").first.click()
    page.get_by_role("link", name="Run…").first.click()
    page.get_by_label("Question").fill("How do I open a file and read it line by line?")
    page.locator("#start-form button[type=submit]").click()
    page.wait_for_url("**/runs/*/**")


def test_the_answers_words_appear_before_the_run_ends_for_every_viewer(
    page, browser, server, sign_in
):
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    sign_in(page)
    start_demo(page, server)
    address = page.url.split("?")[0]
    answer = f"{address}tasks/answer/?tab=stream"
    page.goto(answer)
    stream = page.locator("[data-stream]").first
    stream.wait_for(timeout=SECONDS)
    expect(stream).to_contain_text(re.compile(r"\w.{20}", re.DOTALL), timeout=SECONDS)
    late_context = browser.new_context(storage_state=page.context.storage_state())
    late = late_context.new_page()
    late.goto(answer)
    for each in (page, late):
        each.wait_for_selector("text=completed", timeout=SECONDS)
    live, joined = stream.text_content(), late.locator("[data-stream]").first.text_content()
    page.reload()
    reloaded = page.locator("[data-stream]").first.text_content()

    assert live == joined == reloaded
    assert faults == []
    late_context.close()


def test_tree_and_graph_show_each_task_with_its_state(page, server, sign_in):
    sign_in(page)
    start_demo(page, server)
    address = page.url.split("?")[0]
    page.goto(f"{address}?view=tree")
    page.wait_for_selector("#run-header >> text=completed", timeout=SECONDS)
    rows = page.get_by_role("row").count()
    page.goto(f"{address}?view=graph")

    assert rows >= 6
    assert page.locator("[id^=task-box-]").count() >= 5
