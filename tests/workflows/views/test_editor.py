"""The editor over HTTP: acts and their answers, who may, and two people at once."""

import json
import os
import random
import re

import pytest

from runner.editing.draft import Draft
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry
from workflows.canvas import canvas_of
from workflows.models import WorkflowDraft

SEQUENCES = int(os.environ.get("EDIT_SEQUENCES", "25"))
ROOMS = ["", "parts/", "fits/?source=a.result", "palette/", "problems/", "panel/", "clip/?id=a"]
ACTS = ["do/", "undo/", "redo/", "tidy/", "publish/", "panel/?path=a"]


class Browser:
    """A person with the editor open: knows a revision, and asks for acts on it."""

    def __init__(self, client, workflow):
        self.client = client
        self.url = f"/workflows/{workflow.pk}/edit/"
        self.revision = 0
        self.accepted = []

    def ask(self, what="do/", **body):
        asked = {"base": self.revision, "level": "", **body}
        answer = self.client.post(self.url + what, json.dumps(asked), "application/json")
        if answer.status_code == 200:
            self.revision = answer.json()["revision"]
        return answer

    def do(self, op, **more):
        return self.ask(edit={"op": op, **more})


@pytest.fixture
def browser(client_of, alice, workflow):
    return Browser(client_of(alice), workflow)


@pytest.fixture
def bobs(client_of, bob, workflow):
    workflow.team.memberships.filter(user=bob).update(role="editor")
    return Browser(client_of(bob), workflow)


def drawing(workflow):
    return WorkflowDraft.objects.get(workflow=workflow).drawing


def test_the_page_draws_the_draft_and_offers_task_types(browser):
    page = browser.client.get(browser.url).content.decode()
    assert 'id="box-a"' in page
    assert 'data-type="text.split"' in page


def test_an_act_is_answered_with_the_parts_that_changed(browser):
    answer = browser.do("add", type="text.keywords", at=[16, 32]).json()
    assert list(answer["parts"]) == ["box-keywords", "map-keywords"]
    assert '<rect id="map-keywords" class="wrong" x="16" y="32"' in answer["parts"]["map-keywords"]
    assert 'data-x="16"' in answer["parts"]["box-keywords"]
    assert answer["undo"] == "Add text.keywords"


def test_a_type_whose_name_is_typed_in_full_is_offered_first(browser):
    page = browser.client.get(f"{browser.url}palette/?q=file.read").content.decode()
    found = re.findall(r'data-type="([^"]+)"', page)
    assert found[0] == "file.read"
    assert len(found) > 1


def test_what_is_gone_is_said_too(browser):
    browser.client.get(browser.url)
    assert browser.do("remove", ids=["a"]).json()["parts"]["box-a"] is None


def test_undo_and_redo_are_answered_alike(browser):
    browser.client.get(browser.url)
    browser.do("add", type="text.split")
    assert browser.ask("undo/").json()["parts"] == {"box-split": None, "map-split": None}
    assert list(browser.ask("redo/").json()["parts"]) == ["box-split", "map-split"]


def test_a_page_that_only_looks_hears_what_others_did(browser, bobs):
    bobs.do("title", path="a", title="Theirs")
    answer = browser.client.get(f"{browser.url}parts/?since=0&level=").json()
    assert "Theirs" in answer["parts"]["box-a"]


def test_an_act_on_what_somebody_changed_is_refused_and_shows_theirs(browser, bobs, workflow):
    """R5."""
    browser.do("title", path="a", title="Mine")
    answer = bobs.do("title", path="a", title="Yours")
    assert answer.status_code == 409
    assert "alice has changed the same meanwhile: Rename a to Mine" in answer.json()["sentence"]
    assert "Mine" in answer.json()["parts"]["box-a"]
    assert drawing(workflow).task("a").title == "Mine"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"base": "x"}', '{"edit": []}', '{"base": 0, "edit": {"op": "fly"}}',
     '{"base": 0, "edit": {"op": "title", "path": "a", "title": "\\u0000"}}', "[" * 5000,
     '{"base": 0, "level": 5, "edit": {"op": "add", "type": 7}}'],
)  # fmt: skip
def test_rubbish_is_refused_with_one_sentence_and_changes_nothing(browser, workflow, body):
    answer = browser.client.post(browser.url + "do/", body, "application/json")
    assert answer.status_code in {409, 422}
    assert "\n" not in answer.json()["sentence"]
    assert not workflow.acts.exists()


def test_hostile_names_are_text_on_the_canvas(browser):
    evil = '"><script>alert(1)</script>'
    part = browser.do("title", path="a", title=evil).json()["parts"]["box-a"]
    assert "<script>" not in part
    assert "&lt;script&gt;" in part


def test_hostile_ids_of_an_imported_drawing_are_text_on_the_canvas():
    evil = '"><script>alert(1)</script>'
    document = {
        "v": 1,
        "tasks": [{"id": evil, "type": evil}, {"id": "a", "type": "text.keywords"}],
        "dataflows": [{"from": f"{evil}.{evil}", "to": "a.question"}],
        "outputs": [{"name": evil, "from": f"{evil}.{evil}"}],
        "inputs": [{"name": evil, "title": evil}],
        "layout": {
            "notes": {evil: {"box": [0, 0, 9, 9], "text": evil}},
            "frames": {evil: {"box": [0, 0, 9, 9], "title": evil}},
        },
    }
    canvas = canvas_of(Draft.from_json(json.dumps(document)), "", default_registry())
    assert len(canvas.parts) > 4
    assert not [part for part in canvas.parts.values() if "<script>" in part]


def test_a_note_is_markdown_that_only_reads(browser):
    text = "# Why\n\n**Fast** [here](https://example.org/)\n\n<script>alert(1)</script> [x](javascript:alert(1))"
    note = {"box": [0, 0, 240, 112], "text": text}
    part = browser.do("note", id="n1", note=note).json()["parts"]["note-n1"]
    assert "<h4>Why</h4>" in part
    assert "<strong>Fast</strong>" in part
    assert 'href="https://example.org/"' in part
    assert "<script" not in part
    assert 'href="javascript' not in part


def test_a_level_that_is_gone_sends_the_page_away(browser):
    browser.do("group", ids=["a"], title="Part")
    assert browser.client.get(f"{browser.url}?level=part").status_code == 200
    browser.do("unpack", path="part")
    assert browser.client.get(f"{browser.url}?level=part").status_code == 302
    assert browser.client.get(f"{browser.url}parts/?since=1&level=part").json()["away"]


def test_the_panel_says_what_a_task_is_and_takes_what_is_said(browser, workflow):
    browser.do("add", type="text.split")
    form = {"base": 1, "title": "Cut", "inputs-port-size": "80"}
    answer = browser.client.post(f"{browser.url}panel/?path=split", form)
    assert answer["HX-Trigger"] == "draft-changed"
    task = drawing(workflow).task("split")
    assert (task.title, task.inputs) == ("Cut", {"size": 80})


def test_the_panel_refuses_what_is_no_value_beside_its_field(browser, workflow):
    browser.do("add", type="text.split")
    form = {"base": 1, "title": "Cut", "inputs-port-size": "many"}
    answer = browser.client.post(f"{browser.url}panel/?path=split", form)
    assert answer.status_code == 422
    assert "This must be a whole number" in answer.content.decode()
    assert drawing(workflow).task("split").title == "Split into passages"


def test_publishing_says_why_it_cannot_be(browser, workflow):
    browser.do("add", type="text.split")
    answer = browser.client.post(f"{browser.url}publish/", follow=True)
    assert "Not published" in answer.content.decode()
    assert workflow.versions.count() == 1


@pytest.mark.parametrize("room", ROOMS)
def test_a_stranger_finds_no_editor(client_of, charlie, browser, room):
    assert client_of(charlie).get(browser.url + room).status_code == 404


@pytest.mark.parametrize("room", ACTS)
def test_strangers_viewers_and_nobody_change_nothing(
    client_of, client, charlie, bob, browser, room
):
    assert client_of(charlie).post(browser.url + room).status_code == 404
    assert client_of(bob).post(browser.url + room).status_code == 404
    assert client.post(browser.url + room).status_code == 302


def test_a_viewer_sees_the_workflow_instead(client_of, bob, browser, workflow):
    assert client_of(bob).get(browser.url).url == f"/workflows/{workflow.pk}/"


# ── two at once ─────────────────────────────────────────────────────────────────────────────────


def random_act(dice, draft):
    """An act that somebody could mean, seeing this draft."""
    tasks = [task.id for task in draft.definition.tasks]
    one = dice.choice(tasks) if tasks else ""
    kinds = [{"op": "add", "type": dice.choice(["text.split", "text.keywords", "flow.merge"]),
              "at": [dice.randrange(900), dice.randrange(900)]}]  # fmt: skip
    if tasks:
        other = dice.choice(tasks)
        kinds += [
            {"op": "title", "path": one, "title": f"T{dice.randrange(9)}"},
            {"op": "move", "positions": {one: [dice.randrange(900), dice.randrange(900)]}},
            {"op": "connect", "source": f"{one}.value", "target": f"{other}.values"},
            {"op": "connect", "source": f"{one}.keywords", "target": f"{other}.values"},
            {"op": "disable", "paths": [one], "disabled": dice.random() < 0.5},
            {"op": "remove", "ids": [one]},
            {"op": "bridge", "id": one},
            {"op": "group", "ids": list({one, other}), "title": "Part"},
            {"op": "unpack", "path": one},
            {"op": "note", "id": f"n{dice.randrange(2)}",
             "note": {"box": [0, 0, 99, 99], "text": f"N{dice.randrange(9)}"}},
        ]  # fmt: skip
    if draft.definition.dataflows:
        flow = dice.choice(draft.definition.dataflows)
        ends = {"source": flow.source, "target": flow.target}
        kinds += [{"op": "disconnect", **ends}, {"op": "insert", "type": "flow.merge", **ends}]
    return dice.choice(kinds)


def ids_of(draft):
    return {task.id for task in draft.definition.tasks}


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_two_who_edit_at_once_lose_nothing(seed, browser, bobs, workflow):
    """R5: what was accepted is there, unless its own author or a later act took it away."""
    dice = random.Random(seed)
    known = {browser: drawing_of(browser), bobs: drawing_of(bobs)}
    for _ in range(12):
        who = dice.choice([browser, bobs])
        if dice.random() < 0.15:
            answer = who.ask(dice.choice(["undo/", "undo/", "redo/"]))
        elif dice.random() < 0.5:
            answer = who.ask(edit=random_act(dice, known[who]))
        else:
            continue
        assert answer.status_code in {200, 409, 422}
        if answer.status_code == 200:
            known[who] = drawing(workflow)
    acts = list(workflow.acts.order_by("revision"))
    draft = WorkflowDraft.objects.get(workflow=workflow)
    assert [act.revision for act in acts] == list(range(1, draft.revision + 1))
    # Who takes something back takes back what they did themselves.
    assert all(act.person == act.of.person for act in acts if act.of)
    replayed = known_from(acts, workflow)
    assert replayed.to_json() == draft.drawing.to_json()


def drawing_of(browser):
    browser.client.get(browser.url)
    return WorkflowDraft.objects.get().drawing


def known_from(acts, workflow):
    """The draft as the kept changes make it, from the version it began as."""
    from runner.editing.changes import applied

    first = WorkflowDraft.objects.get(workflow=workflow)
    for act in reversed(acts):
        first_drawing = applied(first.drawing, [change.turned() for change in act.changed])
        first.definition = first_drawing.definition.to_json()
        first.layout = json.dumps(first_drawing.sheet.to_document())
    draft: Draft = first.drawing
    assert draft.definition == GraphDefinition.from_json(workflow.versions.get().definition)
    for act in acts:
        draft = applied(draft, act.changed)
    return draft
