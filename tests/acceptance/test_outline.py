"""Demo A made from nothing in the outline, without scripts: it runs, and is the canvas's drawing."""

import pytest

from tests.acceptance.conftest import PASSWORD
from tests.acceptance.test_editor import FLOWS, INNER, QUESTION, Keys, empty, in_order

pytestmark = [pytest.mark.slow, pytest.mark.browser]
__all__ = ["empty"]


@pytest.fixture
def plain(page, server):
    """A page without scripts, signed in."""
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{server.url}/sign-in/")
    plain.fill("[name=username]", "demo")
    plain.fill("[name=password]", PASSWORD)
    plain.click("main button")
    yield plain
    context.close()


class Outline:
    """Somebody who makes a workflow with forms alone."""

    def __init__(self, page, server, name):
        self.page = page
        page.goto(f"{server.url}/workflows/")
        page.click(f"text={name}")
        page.click("text=Outline")

    def add(self, kind):
        self.page.click(f'button[name="add"][value="{kind}"]')
        self.page.wait_for_selector("#panel [name=title]")

    def open(self, task):
        self.page.click(f'.outline-rows a.title[href*="{task}#panel"]')

    def give(self, task, port, way):
        self.open(task)
        self.page.select_option(f'[name="inputs-way-{port}"]', way)
        self.page.click("#panel button.primary")

    def connect(self, source, target, level=""):
        task, _, port = target.partition(".")
        self.give(f"{level}{task}", port, f"from:{source}")

    def lead_out(self, task, port):
        self.open(task)
        self.page.click(f'button[name="expose"][value="{port}"]')

    def draw(self):
        for kind in ["demo.python_manual", "text.split", "text.keywords", "search.rank"]:
            self.add(kind)
        for flow in INNER:
            self.connect(*flow)
        self.give("keywords", "question", "exposed")
        for task in ["python_manual", "split", "keywords", "rank"]:
            self.page.check(f'[name="paths"][value="{task}"]')
        self.page.click('button[value="group"]')
        self.lead_out("rank", "hits")
        for kind in ["text.answer", "text.count_words", "text.report"]:
            self.add(kind)
        for flow in FLOWS:
            self.connect(*flow)
        for end in ["report.report", "answer.text", "count_words.count"]:
            self.lead_out(*end.split("."))

    def publish(self):
        assert self.page.inner_text("#problems-title") == "No problems"
        self.page.click(".publish button")
        assert "Published as version 1" in self.page.inner_text("body")
        drawn = self.page.request.get(self.page.url + "export/").json()
        return {name: drawn[name] for name in ("inputs", "outputs", "tasks", "dataflows")}

    def run(self):
        """Run it with the question, and give its result as the page shows it."""
        self.page.click("a.primary")
        self.page.fill("main form textarea, main form input[type=text]", QUESTION)
        self.page.click("main form button.primary")
        for _ in range(200):
            if self.page.locator('#run-header[data-over="yes"]').count():
                break
            self.page.wait_for_timeout(300)
            self.page.reload()
        return sorted(self.page.locator("#run-result pre").all_inner_texts())


def test_demo_a_is_made_in_the_outline_without_scripts(page, plain, server, empty, sign_in):
    """R11: the same drawing as the keyboard makes on the canvas, and it runs."""
    sign_in(page)
    by_keys = Keys(page, server, empty())
    by_keys.draw()
    by_keys.settle()
    made = Outline(plain, server, empty())
    made.draw()
    assert in_order(made.publish()) == in_order(by_keys.publish())
    assert f"# Answer\n\n> {QUESTION}" in "".join(made.run())
