"""The panel saves by itself, and whoever types in it goes on typing while it does."""

import pytest
from playwright.sync_api import Route

from tests.acceptance.test_editor import Drawing, empty

__all__ = ["empty"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]
TITLE, HELP = "#id_config-port-title", "#id_config-port-help"


def test_half_a_text_the_focus_and_the_caret_outlive_an_answer(page, sign_in, server, empty):
    """The answer to the first field comes while the second one is half typed."""
    sign_in(page)
    drawing = Drawing(page, server, empty())
    page.click('.offer[data-type="flow.ask"]')
    drawing.settle()
    page.wait_for_selector(TITLE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        """Hold the first answer back, and no other."""
        if held or route.request.method != "POST":
            route.continue_()
        else:
            held.append(route)

    page.route("**/edit/panel/**", hold)
    page.fill(TITLE, "Which river?")
    page.press(TITLE, "Tab")
    page.keyboard.type("In plain wrds", delay=20)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    (first,) = held
    first.continue_()
    page.wait_for_function(
        """([title, help]) => document.activeElement === document.querySelector(help)
           && document.querySelector('#panel input[name=base]').value === '2'""",
        arg=[TITLE, HELP],
    )
    page.keyboard.type("o")
    assert page.input_value(TITLE) == "Which river?"
    assert page.input_value(HELP) == "In plain words"
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Tab")
    page.goto(page.url.replace("/edit/", "/outline/?task=ask"))
    assert (page.input_value(TITLE), page.input_value(HELP)) == ("Which river?", "In plain words")


def test_leaving_a_field_and_pressing_enter_save_and_press_no_button(page, sign_in, server, empty):
    """R11: the next thing after the last field is a button, and the first one is no Save."""
    sign_in(page)
    drawing = Drawing(page, server, empty())
    page.click('.offer[data-type="text.keywords"]')
    drawing.settle()
    page.wait_for_selector("#id_inputs-port-question")
    page.fill("#id_inputs-port-question", "Why?")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.press("#id_inputs-port-question", "Tab")
    page.fill("#panel-title", "Words")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.press("#panel-title", "Enter")
    page.goto(page.url.replace("/edit/", "/outline/?task=keywords"))
    assert page.input_value("#id_inputs-port-question") == "Why?"
    page.fill("#panel-title", "Key words")
    page.press("#panel-title", "Enter")
    page.wait_for_selector(".outline-rows >> text=Key words")
    done = page.locator("details:has(summary:text('What was done')) li").all_text_contents()
    assert not [each for each in done if "an output of the graph" in each]
