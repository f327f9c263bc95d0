"""R11: whatever can be done to a draft can be done in the outline, without scripts and by name.

Two tables are walked: the acts of `runner.editing`, each of which is done by sending a form of the
page as a browser without scripts would, and the keys of the canvas, each of which has its control
on the page or says why a list needs none. An act or a key that is added fails here until it is in
the outline.
"""

import json
import re
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

import pytest

from runner.editing.acts import AnyEdit
from tests.workflows.plain_page import drawn, outline
from workflows.models import DraftAct
from workflows.models.drafting import act, draft_of

__all__ = ["drawn", "outline"]

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).resolve().parents[3] / "static"

SAVE = "#panel .acts button.primary"
#: Act -> where it is done, which button is pressed, and what is typed before.
ACTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "add": ("", 'button[name="add"][value="text.keywords"]', {}),
    "remove": ("", 'button[name="all"][value="remove"]', {"paths": ["spare"]}),
    "title": ("?task=answer", SAVE, {"title": "Say"}),
    "disable": ("", 'button[name="all"][value="disable"]', {"paths": ["spare"]}),
    "set": ("?task=report", SAVE, {"inputs-port-words": "9"}),
    "task": ("?task=answer", '#panel form:has([value="json"]) button', {"document": '{"title": "Say"}'}),
    "insert": ("", 'button[name="all"][value="insert"]',
               {"paths": ["spare"], "flow": "$inputs.text answer.question"}),
    "bridge": ("", 'button[name="bridge"][value="answer"]', {}),
    "order": ("", 'button[name="down"][value="answer"]', {}),
    "connect": ("?task=spare", SAVE, {"inputs-way-value": "from:answer.text"}),
    "disconnect": ("?task=report", SAVE, {"inputs-way-text": "constant"}),
    "input": ("", '#panel form:has([name="input-name"]) button', {"input-name": "more"}),
    "remove-input": ("", '#panel form:has([value="remove-input"]) button', {}),
    "output": ("", '#panel form:has([name="output-name"]) button',
               {"output-name": "said", "output-source": "answer.text"}),
    "expose": ("?task=answer", 'button[name="expose"][value="text"]', {}),
    "remove-output": ("", '#panel form:has([value="remove-output"]) button', {}),
    "graph": ("", '#panel form:has([name="graph-title"]) button', {"graph-title": "Anew"}),
    "move": ("?task=answer", '#panel form:has([name="place-x"]) button', {"place-x": "48"}),
    "note": ("", 'form:has([name="note-n1-text"]) button', {"note-n1-text": "Look *here*"}),
    "remove-note": ("", 'form:has([name="note-n1-text"]) button[name="remove"]', {}),
    "frame": ("", 'button[name="all"][value="frame"]', {"paths": ["answer", "report"]}),
    "remove-frame": ("", 'form:has([name="frame-f1-title"]) button[name="remove"]', {}),
    "group": ("", 'button[name="all"][value="group"]', {"paths": ["answer", "report"]}),
    "unpack": ("", 'button[name="unpack"][value="part"]', {}),
    "subtask": ("?task=part", '#panel form:has([name="kind"]) .row-head button',
                {"kind": "text.keywords"}),
    "paste": ("", 'button[name="all"][value="copy"]', {"paths": ["answer"]}),
}  # fmt: skip
#: Acts that a form says as another one, which can do at least as much.
SAID_AS = {"title": "task", "set": "task"}


def ops():
    """Name every act there is."""
    union = get_args(AnyEdit)[0]
    return [get_args(kind.model_fields["op"].annotation)[0] for kind in get_args(union)]


def test_every_act_has_its_line():
    assert set(ops()) == set(ACTS)


@pytest.mark.parametrize("op", ACTS)
def test_every_act_is_done_by_a_form_of_the_outline(outline, drawn, op):
    """R11."""
    query, button, typed = ACTS[op]
    answer = outline(query).press(button, **typed)
    assert answer.status_code == 303, answer.content.decode()[:4000]
    done = DraftAct.objects.filter(revision__gt=2)
    assert SAID_AS.get(op, op) in [json.loads(each.asked)["op"] for each in done]


# ── the keys of the canvas ──────────────────────────────────────────────────────────────────────

VIEW = "a list is always shown whole, and the browser's own keys scroll and zoom it"
WALK = "the tab key and a screen reader's own keys go from row to row"
ROW = 'a.title[href*="task=answer"]'
#: What a key of the canvas means -> the control that means it here, or why there is none.
KEYS = {
    "add": 'button[name="add"]', "connect": ROW, "connectInto": ROW, "exposeInput": ROW,
    "exposeOutput": ROW, "enter": 'a[aria-label="Go inside part"]', "out": ".crumbs a",
    "rename": ROW, "disable": 'button[value="disable"]', "remove": 'button[value="remove"]',
    "bridge": 'button[name="bridge"]', "undo": 'form:has([value="undo"]) button',
    "redo": 'form:has([value="redo"]) button', "copy": 'button[value="clip"]',
    "cut": 'button[value="cut"]', "paste": '.pasting button', "pasteLinked": '[name="links"]',
    "duplicate": 'button[value="copy"]', "group": 'button[value="group"]',
    "unpack": 'button[name="unpack"]', "frame": 'button[value="frame"]',
    "note": 'form:has([name="note-text"]) button', "tidy": 'form:has([value="tidy"]) button',
    "alignLeft": 'button[name="all"][value="left"]', "alignTop": 'button[name="all"][value="top"]',
    "downstream": 'button[name="choose"][value="after"]',
    "upstream": 'button[name="choose"][value="before"]',
    "all": 'button[name="choose"][value="all"]', "boxSelect": 'input[name="paths"]',
    "alsoUp": 'input[name="paths"]', "alsoDown": 'input[name="paths"]',
    "nudgeLeft": ROW, "nudgeRight": ROW, "nudgeUp": ROW, "nudgeDown": ROW,
    "tryIt": 'a[href$="/try/"]', "tryTo": ROW, "tryOnly": ROW, "tryItem": ROW,
    "pin": 'button[name="pin"][value="answer"]', "state": "#problems-title",
    "left": WALK, "right": WALK, "up": WALK, "down": WALK,
    "one": VIEW, "fit": VIEW, "fitSelected": VIEW, "nearer": VIEW, "farther": VIEW, "map": VIEW,
    "values": "the list always says what the last run gave",
    "outline": "this is the outline", "keys": "no key of the list is its own",
    "saved": "each answer says what was done",
}  # fmt: skip
#: What is meant by a control of the panel, which the row of a task opens.
IN_PANEL = {
    "connect": 'option[value="from:$inputs.text"]', "connectInto": 'option[value="from:$inputs.text"]',
    "exposeInput": 'option[value="exposed"]', "exposeOutput": 'button[name="expose"]',
    "rename": '[name="title"]', "nudgeLeft": '[name="place-x"]', "nudgeRight": '[name="place-x"]',
    "nudgeUp": '[name="place-y"]', "nudgeDown": '[name="place-y"]', "tryTo": 'a[href*="until="]',
    "tryOnly": 'a[href*="only="]', "tryItem": 'a[href*="item="]',
}  # fmt: skip


def meanings():
    """Name all that the keys and buttons of the canvas mean."""
    table = (STATIC / "editor.js").read_text().split("const ACTS = {")[1].split("\n};")[0]
    keys = (STATIC / "editor_keys.js").read_text().split("KEYS = {")[1].split("};")[0]
    return set(re.findall(r"^  (\w+): \[", table, re.M)), set(re.findall(r': "(\w+)"', keys))


def test_every_key_of_the_canvas_has_its_line():
    acts, pressed = meanings()
    assert acts == set(KEYS)
    assert pressed <= acts


@pytest.mark.parametrize("meaning", KEYS)
def test_every_key_of_the_canvas_has_its_control_in_the_outline(outline, drawn, alice, meaning):
    """R11."""
    if " " in KEYS[meaning] and not re.search(r"[#\[.]", KEYS[meaning]):
        return
    outline().press('button[name="all"][value="clip"]', paths=["answer"])
    assert outline().has(KEYS[meaning])
    if meaning in IN_PANEL:
        each = {"op": "add", "type": "flow.map"}
        act(drawn, alice, draft_of(drawn).revision, each)
        task = "map" if meaning == "tryItem" else "answer"
        assert outline(f"?task={task}").has(f"#panel {IN_PANEL[meaning]}")


# ── for those who do not see, and those who do not point ───────────────────────────────────────


@pytest.mark.parametrize("query", ["", "?task=answer", "?task=part", "?level=part"])
def test_every_control_of_the_outline_has_a_name(outline, query):
    """R11."""
    outline().press('button[name="all"][value="clip"]', paths=["answer"])
    tree = outline(query).tree
    labels = {each.attributes.get("for") for each in tree.css("label[for]")}
    for each in tree.css("main button, main a, main input, main select, main textarea"):
        about = each.attributes
        if about.get("type") == "hidden":
            continue
        text = each.text().strip() if each.tag in {"button", "a"} else ""
        named = text or about.get("aria-label") or about.get("id") in labels
        around = each.parent.tag == "label" or each.parent.parent.tag == "label"
        assert named or around, each.html


def test_buttons_beside_a_task_say_which_task(outline):
    tree = outline().tree
    spoken = [each.attributes.get("aria-label") for each in tree.css(".outline-acts button")]
    assert all(spoken)
    assert len(spoken) == len(set(spoken))


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda each: each.name)
def test_no_script_takes_the_tab_key(script):
    """R11."""
    assert not re.search(r"[\"'`](Shift\+)?Tab[\"'`]|keyCode\s*===?\s*9\b", script.read_text())


def test_a_key_of_the_canvas_is_the_canvas_own():
    """Keys are heard where the canvas has the focus, and nowhere else on the page."""
    heard = re.findall(r"(\w+)\.addEventListener\(\"keydown\"", (STATIC / "editor.js").read_text())
    assert heard == ["board"]


def test_the_links_of_the_outline_lead_to_pages_that_are_there(outline):
    for each in outline().tree.css("main a[href^='?']"):
        query = each.attributes["href"]
        assert dict(parse_qsl(urlsplit(query).query, keep_blank_values=True))
        assert outline(query.partition("#")[0]).answer.status_code == 200
