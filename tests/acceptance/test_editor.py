"""Demo A drawn from nothing, by pointer and by keys: it runs, and is the same drawing."""

import json
import subprocess
import uuid

import pytest

from tests.acceptance.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.browser]
QUESTION = "How do I open a file and read it line by line?"
#: The dataflows of demo A's outer level, by the ports that they join.
FLOWS = [
    ("$inputs.question", "answer.question"),
    ("group.hits", "answer.hits"),
    ("answer.text", "count_words.text"),
    ("$inputs.question", "report.question"),
    ("answer.text", "report.text"),
    ("count_words.count", "report.words"),
]
INNER = [
    ("python_manual.topics", "split.topics"),
    ("split.passages", "rank.passages"),
    ("keywords.keywords", "rank.keywords"),
]
EMPTY = """
from workflows.models import Team, Workflow
from django.contrib.auth.models import User
team = Team.objects.get()
Workflow.objects.create(team=team, name="{name}", title="{name}", created_by=User.objects.get())
"""


@pytest.fixture
def empty(server):
    """A function that makes a workflow with nothing in it and gives its name."""

    def make():
        name = f"drawn-{uuid.uuid4().hex[:6]}"
        command = [*server.command[:2], "shell", "-v", "0", "-c", EMPTY.format(name=name)]
        subprocess.run(command, env=server.environment, check=True, cwd=ROOT)
        return name

    return make


TWO_FRAMES = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


class Drawing:
    """The editor in a browser, as somebody draws with it."""

    def __init__(self, page, server, name):
        self.page = page
        page.goto(f"{server.url}/workflows/")
        page.click(f"text={name}")
        page.click("text=Edit")
        page.wait_for_selector("#editor.placed")

    def settle(self):
        """Wait until every act has been answered."""
        self.page.wait_for_selector("#draft-state:not(:has-text('…'))")
        assert self.page.get_attribute("#draft-state", "data-bad") == "no"

    def wire(self, source, target):
        """Wait until a dataflow is drawn."""
        self.page.wait_for_selector(
            f'.wire[data-source="{source}"][data-target="{target}"]', state="attached"
        )

    def publish(self):
        """Publish, and give the definition as somebody downloads it, titles of tasks aside."""
        assert self.page.inner_text("#problems") == "No problems"
        self.page.click("#publish")
        self.page.click("#publish-dialog button.primary")
        self.page.wait_for_selector("text=Published as version 1")
        drawn = json.loads(self.page.request.get(self.page.url + "export/").body())
        return {
            name: each
            for name, each in drawn.items()
            if name in {"inputs", "outputs", "tasks", "dataflows"}
        }

    def run(self):
        """Run it with the question, and give its result as the page shows it."""
        self.page.click("a.primary")
        self.page.fill("main form textarea, main form input[type=text]", QUESTION)
        self.page.click("main form button.primary")
        self.page.wait_for_selector('#run-header[data-over="yes"]', timeout=60_000)
        self.page.reload()
        assert "completed" in self.page.inner_text("#run-header")
        return sorted(self.page.locator("#run-result pre").all_inner_texts())


class Pointer(Drawing):
    """Somebody with a mouse, and nothing else."""

    def middle(self, selector):
        # What the camera was told is drawn with the next frame.
        self.page.evaluate(TWO_FRAMES)
        box = self.page.locator(selector).first.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start, end):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def add(self, kind):
        self.page.click(f'#offers [data-type="{kind}"]')
        self.settle()

    def fit(self):
        self.page.click('[data-act="fit"]')

    def connect(self, source, target):
        self.drag(
            self.middle(f'.out [data-end="{source}"] i'),
            self.middle(f'.into [data-end="{target}"] i'),
        )
        self.wire(source, target)

    def connect_before_the_server_says_what_fits(self, source, target):
        self.page.route("**/fits/**", lambda _asked: None)
        self.connect(source, target)
        self.page.unroute("**/fits/**")

    def onto_nothing(self, end):
        x, y = self.middle(f'[data-end="{end}"] i')
        board = self.page.locator("#board").bounding_box()
        self.drag((x, y), (x, board["y"] + board["height"] - 12))
        self.page.click('#choices [data-act="expose"]')
        self.settle()

    def draw(self):
        for kind in ["demo.python_manual", "text.split", "text.keywords", "search.rank"]:
            self.add(kind)
        self.page.click('[data-act="tidy"]')
        self.settle()
        first, *others = INNER
        self.connect_before_the_server_says_what_fits(*first)
        for flow in others:
            self.connect(*flow)
        self.onto_nothing("keywords.question")
        self.page.click('[data-act="tidy"]')
        self.settle()
        board = self.page.locator("#board").bounding_box()
        self.page.click("#box-select")
        self.drag((board["x"] + 4, board["y"] + 4),
                  (board["x"] + board["width"] - 4, board["y"] + board["height"] - 4))  # fmt: skip
        self.page.click('[data-act="group"]')
        self.page.wait_for_selector("#box-group")
        self.page.click("#box-select")
        self.page.mouse.dblclick(*self.middle("#box-group .tile-head"))
        self.page.wait_for_url("**level=group")
        self.page.wait_for_selector("#editor.placed")
        self.fit()
        self.drag(self.middle('.out [data-end="rank.hits"] i'), self.middle("#box-\\$outputs"))
        self.wire("rank.hits", "$outputs.hits")
        self.page.click(".crumbs a >> nth=1")
        self.page.wait_for_selector("#box-group")
        for kind in ["text.answer", "text.count_words", "text.report"]:
            self.add(kind)
        self.page.click('[data-act="tidy"]')
        self.settle()
        for flow in FLOWS:
            self.connect(*flow)
        self.onto_nothing("report.report")
        self.fit()
        for end in ["answer.text", "count_words.count"]:
            self.drag(
                self.middle(f'.out [data-end="{end}"] i'), self.middle("#box-\\$outputs .tile-head")
            )
            self.wire(end, f"$outputs.{end.split('.')[1]}")


#: The arrow that leads from the selected task towards another; empty when it is there.
TOWARDS = """task => {
  const chosen = [...document.querySelectorAll('.tile[aria-selected=true]')].at(-1);
  const goal = document.getElementById(`box-${task}`);
  if (!chosen) return 'ArrowRight';
  if (chosen === goal) return '';
  const [dx, dy] = [goal.at.x - chosen.at.x, goal.at.y - chosen.at.y];
  if (Math.abs(dx) > 100) return dx > 0 ? 'ArrowRight' : 'ArrowLeft';
  return dy > 0 ? 'ArrowDown' : 'ArrowUp';
}"""


class Keys(Drawing):
    """Somebody with a keyboard, and nothing else."""

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def add(self, kind):
        self.press("n")
        self.page.wait_for_selector("#choices .offer")
        self.page.keyboard.type(kind)
        self.page.wait_for_selector(f'#choices li:nth-child(2) [data-type="{kind}"]')
        self.press("Enter")
        self.page.wait_for_selector("#chooser:not([open])", state="attached")
        self.settle()

    def go_to(self, task):
        """Walk towards a task, as somebody does who sees where it stands."""
        for _ in range(40):
            key = self.page.evaluate(TOWARDS, task)
            if not key:
                return
            self.press(key)
        raise AssertionError(f"no way to {task}")

    def choose(self, words):
        self.page.wait_for_selector("#chooser[open]")
        for _ in range(40):
            if (
                self.page.evaluate("document.activeElement.querySelector?.('b')?.textContent")
                == words
            ):
                break
            self.press("ArrowDown")
        self.press("Enter")
        self.page.wait_for_selector("#chooser:not([open])", state="attached")

    def connect(self, source, target):
        self.go_to(source.partition(".")[0])
        self.press("c")
        self.choose(target)
        self.wire(source, target)

    def draw(self):
        for kind in ["demo.python_manual", "text.split", "text.keywords", "search.rank"]:
            self.add(kind)
        for flow in INNER:
            self.connect(*flow)
        self.go_to("keywords")
        self.press("Shift+i")
        self.settle()
        self.go_to("rank")
        self.press("Shift+ArrowLeft", "Alt+x")
        self.page.wait_for_selector("#box-group")
        self.go_to("group")
        self.press("Enter")
        self.page.wait_for_url("**level=group")
        self.page.wait_for_selector("#editor.placed")
        self.go_to("rank")
        self.press("Shift+o")
        self.wire("rank.hits", "$outputs.hits")
        self.press("Escape", "Escape")
        self.page.wait_for_selector("#box-group")
        for kind in ["text.answer", "text.count_words", "text.report"]:
            self.add(kind)
        for flow in FLOWS:
            self.connect(*flow)
        for end in ["report.report", "answer.text", "count_words.count"]:
            self.go_to(end.partition(".")[0])
            self.press("Shift+o")
            self.settle()


def test_demo_a_is_drawn_from_nothing_by_pointer_and_by_keys(page, server, empty, sign_in):
    """R5, R11: it is the same drawing, and gives what the shipped one gives."""
    sign_in(page)
    drawn, results = [], []
    for hand in (Pointer, Keys):
        drawing = hand(page, server, empty())
        drawing.draw()
        drawing.settle()
        drawn.append(drawing.publish())
        results.append(drawing.run())
    page.goto(f"{server.url}/workflows/")
    page.click("text=Ask the Python manual")
    shipped = drawing.run()
    assert in_order(drawn[0]) == in_order(drawn[1])
    assert results[0] == results[1] == shipped


def in_order(document):
    """The same with its lists in an order that does not tell who drew first."""
    if isinstance(document, dict):
        return {name: in_order(each) for name, each in document.items()}
    if isinstance(document, list):
        return sorted(map(in_order, document), key=json.dumps)
    return document
