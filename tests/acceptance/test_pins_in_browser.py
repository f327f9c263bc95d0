"""Trying things on the canvas: pin the last output by a key, and run one item of a map."""

import pytest

from tests.acceptance.test_editor import Keys, empty

__all__ = ["empty"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def over(page):
    """Wait until the run that is shown is over."""
    page.wait_for_selector('#run-header[data-over="yes"]', timeout=60_000)


def test_a_key_pins_the_last_output_and_the_next_trial_takes_it(page, sign_in, server, empty):
    """Engine 1.5."""
    sign_in(page)
    drawing = Keys(page, server, empty())
    drawing.add("text.keywords")
    editor = page.url
    page.fill("#id_inputs-port-question", "Which river is the longest?")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.click("#tiles .tile-head")
    drawing.press("p")
    page.wait_for_selector("#refused:has-text('No run has an output')")
    page.focus("#board")
    drawing.press("Alt+Enter")
    page.click("main button.primary")
    over(page)
    page.goto(editor)
    page.wait_for_selector("#editor.placed")
    page.click("#tiles .tile-head")
    page.keyboard.press("p")
    page.wait_for_selector('.tile[data-pinned][aria-description="output pinned"]')
    assert "Output pinned by demo" in page.inner_text("#pin summary")
    assert '"keywords"' in page.input_value("#pin-outputs")
    page.goto(f"{editor.removesuffix('edit/')}try/")
    assert page.is_checked('[name="pin"][value="keywords"]')
    page.goto(editor)
    page.wait_for_selector(".tile[data-pinned]")
    page.click("#tiles .tile-head")
    page.keyboard.press("p")
    page.wait_for_selector(".tile:not([data-pinned])")
