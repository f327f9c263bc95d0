"""A graph of hundreds of tasks in a real browser, and the floor that its speed is measured by."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_watching_in_browser import drawn
from tests.benchmarks.w7_browser import (
    PAN,
    bare_page,
    frames_shown,
    seconds_to_open,
    start,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60_000
CHAINS, LINKS = 4, 90
DISPLAY = "drawn => getComputedStyle(drawn).display"


def test_a_box_of_a_large_graph_says_all_once_it_is_near_and_its_name_always(page, server, sign_in):
    sign_in(page)
    run = start(server, drawn(words=1, pace=0.0, chains=CHAINS, links=LINKS))
    page.goto(f"{server.url}/runs/{run}/?view=graph")
    page.wait_for_selector("#run-header[data-over=yes]", timeout=SECONDS)
    page.reload()
    expect(page.locator("#graph .large .box")).to_have_count(CHAINS * LINKS + 2)
    first, last = (page.locator(f'#graph .box[data-path="step0-{at}"]') for at in (0, LINKS - 1))
    expect(first.locator(".said")).to_be_visible()
    expect(last).not_to_have_class(re.compile("near"))
    assert page.get_by_role("link", name=f"step0-{LINKS - 1}, completed").count() == 1
    assert page.locator("#graph .flow.near").count() < page.locator("#graph .flow").count() / 2

    last.focus()
    assert page.locator("#graph .flow:not(.near)").first.evaluate(DISPLAY) == "none"
    expect(last).to_be_in_viewport()
    expect(last.locator(".said")).to_be_visible()
    page.keyboard.press("0")
    expect(page.locator("#graph")).to_have_class("canvas moved far")
    expect(page.locator("#graph .near")).to_have_count(0)
    assert page.locator("#graph .flow").last.evaluate(DISPLAY) == "inline"


def test_the_floor_of_the_browser_moves_as_many_boxes(page, tmp_path):
    """W7: its page has a box and a line for each task, and moves with each frame."""
    (tmp_path / "bare.html").write_text(bare_page(3, 4))
    address = (tmp_path / "bare.html").as_uri()
    assert seconds_to_open(page, address) > 0
    assert page.locator("#plane a").count() == page.locator("#plane path").count() == 12
    before = page.locator("#plane a").first.bounding_box()
    assert frames_shown(page, address, PAN) > 0
    assert page.locator("#plane a").first.bounding_box() != before
