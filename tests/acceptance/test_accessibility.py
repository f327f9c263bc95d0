"""axe finds nothing to say of any page in any state: light and dark, on a desk and on a phone."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.stage.pages import PAGES
from tests.stage.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
SIZES = [(1280, 800), (360, 740)]
#: What is asked in each scheme: in the dark only what depends on colours.
SCHEMES = {
    "light": {"type": "tag", "values": RULES},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
#: Gives a line for each place of a violation.
RUN = """
async (asked) => {
  const found = await axe.run(document, {
    runOnly: asked, resultTypes: ["violations"], preload: false,
  });
  return found.violations.flatMap((each) => each.nodes.map((node) =>
    `${each.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\\n")[1]?.trim()}`));
}
"""

#: Two hundred tasks say no more to axe here than in the tree and in the graph.
ALIKE = {"large-timeline", "large-log"}
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A server with a run in every state."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    made.install()
    made.start()
    made.set()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def visitor(stage, browser):
    """One page for all, of somebody who is signed in."""
    context = browser.new_context(reduced_motion="reduce")
    context.add_cookies([stage.cookie])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", [each for each in PAGES if each not in ALIKE])
def test_axe_has_nothing_to_say(stage, visitor, name):
    visitor.set_viewport_size({"width": 1280, "height": 800})
    PAGES[name](visitor, stage)
    visitor.evaluate(AXE_SCRIPT)
    said = set()
    for width, height in SIZES:
        visitor.set_viewport_size({"width": width, "height": height})
        for scheme, asked in SCHEMES.items():
            visitor.emulate_media(color_scheme=scheme)
            said |= {f"{width} {scheme} {each}" for each in visitor.evaluate(RUN, asked)}
        if visitor.evaluate(TOO_WIDE):
            said.add(f"{width}: it scrolls sideways")
    assert sorted(said) == []
