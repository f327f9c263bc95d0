"""A compound in the graph of a run in a real browser: closed and opened in place."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.benchmarks.w7_browser import start

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECONDS = 60_000
AWAY = 3  # pixels that a compound may move when it is turned


def add(name, **more):
    """Draw a task that adds one."""
    config = {"expression": "value + 1"}
    return {"id": name, "type": "data.transform", "title": name, "config": config} | more


def drawn():
    """Draw a compound of two tasks between two others."""
    inner = {
        "name": "inner",
        "inputs": [{"name": "value", "type": "int"}],
        "outputs": [{"name": "result", "from": "two.result"}],
        "tasks": [add("one"), add("two")],
        "dataflows": [
            {"from": "$inputs.value", "to": "one.value"},
            {"from": "one.result", "to": "two.value"},
        ],
    }
    compound = {"id": "inner", "type": "flow.graph", "title": "Inner", "graph": inner}
    tasks = [add("first", inputs={"value": 0}), compound, add("last")]
    flows = [
        {"from": "first.result", "to": "inner.value"},
        {"from": "inner.result", "to": "last.value"},
    ]
    return json.dumps({"v": 1, "name": "folded", "tasks": tasks, "dataflows": flows})


@pytest.fixture
def graph(page, server, sign_in):
    """Show the graph of a run that has ended; a mark on the page says that it is never left."""
    sign_in(page)
    run = start(server, drawn())
    page.goto(f"{server.url}/runs/{run}/?view=graph")
    page.wait_for_selector("#run-header[data-over=yes]", timeout=SECONDS)
    page.reload()
    page.evaluate("document.body.dataset.mark = 'stays'")
    return page.locator("#graph")


def corner(part):
    """Give where the upper left corner of a part is on the screen."""
    box = part.bounding_box()
    return box["x"], box["y"]


def test_a_compound_is_closed_and_opened_under_the_pointer_and_by_arrows(page, graph):
    frame, box = (graph.locator(f'{kind}[data-path="inner"]') for kind in (".frame", ".box"))
    inside = graph.locator('.box[data-path^="inner/"]')
    expect(inside).to_have_count(2)
    before = corner(frame)
    graph.locator('a[data-turn="inner"]').click()
    expect(inside).to_have_count(0)
    assert corner(box) == pytest.approx(before, abs=AWAY)
    expect(graph.locator('a[data-turn="inner"]')).to_be_focused()
    expect(page).to_have_url(re.compile("close=inner"))

    box.focus()
    page.keyboard.press("ArrowRight")
    expect(inside).to_have_count(2)
    expect(frame.locator("a")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(inside).to_have_count(0)
    expect(box).to_be_focused()
    expect(page.locator("body[data-mark]")).to_have_count(1)
    page.reload()
    expect(box).to_be_visible()
    expect(inside).to_have_count(0)
