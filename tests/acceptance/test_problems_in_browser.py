"""The list of problems leads to the field that is wrong, on this level of the canvas and inside."""

import pytest

from tests.acceptance.test_editor import Keys, empty

__all__ = ["empty"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]
FIELD = "() => document.activeElement?.closest('.given')?.id === 'at-inputs-text'"


def test_a_problem_leads_to_its_field_here_and_inside_of_a_compound(page, sign_in, server, empty):
    sign_in(page)
    drawing = Keys(page, server, empty())
    drawing.add("text.count_words")
    page.click("#problems")
    page.click("#state a >> nth=0")
    page.wait_for_function(FIELD)
    page.click("#tiles .tile-head")
    drawing.press("Alt+x")
    page.wait_for_selector("#box-group")
    page.click("#problems")
    page.click("#state a:has-text('its input text')")
    page.wait_for_url("**level=group")
    page.wait_for_function(FIELD)
    assert page.input_value("#panel-title") == "Count words"
