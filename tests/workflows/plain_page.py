"""The outline of a drawing with a bit of everything, as a browser without scripts has it."""

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.drive import definition_of
from workflows.models import Workflow
from workflows.models.drafting import act

BODY = {
    "inputs": [{"name": "item", "type": "str"}],
    "outputs": [{"name": "text", "from": "say.text"}],
    "tasks": [{"id": "say", "type": "text.answer", "inputs": {"hits": []}}],
    "dataflows": [{"from": "$inputs.item", "to": "say.question"}],
}
TASKS = [
    {"id": "answer", "type": "text.answer", "inputs": {"hits": []}},
    {"id": "report", "type": "text.report", "inputs": {"question": "Who?", "words": 3}},
    {"id": "spare", "type": "flow.wait", "inputs": {"value": "a"}},
    {"id": "part", "type": "flow.graph", "graph": BODY, "inputs": {"item": "a"}},
]
FLOWS = [("$inputs.text", "answer.question"), ("answer.text", "report.text")]


class PlainPage:
    """A page as a browser without scripts has it: its forms, with what stands in them."""

    def __init__(self, client, address):
        self.client, self.address = client, address
        self.answer = client.get(address)
        assert self.answer.status_code == 200
        self.tree = LexborHTMLParser(self.answer.content.decode())

    def has(self, selector):
        return self.tree.css_first(selector) is not None

    def press(self, selector, **typed):
        """Press a button: send its form with what stands in it, and what is typed."""
        button = self.tree.css_first(selector)
        assert button is not None, f"{selector} is not on {self.address}"
        form: Any = button
        while form.tag != "form":
            form = form.parent
        data = _standing(form) | {name: each for name, each in typed.items() if each is not None}
        if name := button.attributes.get("name"):
            data[name] = button.attributes.get("value", "")
        unknown = typed.keys() - {each.attributes.get("name") for each in form.css("[name]")}
        assert not unknown, f"the form of {selector} has no field {unknown}"
        return self.client.post(form.attributes["action"], data)


def _standing(form):
    """Give what a browser would send of a form as it stands, buttons apart."""
    data: dict = {}
    for each in form.css("input[name], textarea[name], select[name]"):
        name, kind = each.attributes["name"], each.attributes.get("type", "")
        if each.tag == "select":
            chosen = each.css_first("option[selected]") or each.css_first("option")
            data[name] = chosen.attributes.get("value", "") if chosen else ""
        elif each.tag == "textarea":
            data[name] = each.text().removeprefix("\n")
        elif kind not in {"checkbox", "radio", "submit"} or "checked" in each.attributes:
            data[name] = each.attributes.get("value") or ""
    return data


@pytest.fixture
def drawn(team, alice):
    """A drawing with a bit of everything, a note and a frame included."""
    made = Workflow.objects.create(team=team, name="drawn", title="Drawn", created_by=alice)
    outputs = {"out": "report.report"}
    inputs = [{"name": "text", "type": "str"}]
    made.revise(definition_of(TASKS, FLOWS, inputs=inputs, outputs=outputs), alice)
    note = {"box": [0, 400, 240, 112], "text": "Look"}
    frame = {"box": [0, 0, 400, 300], "title": "Begin"}
    act(made, alice, 0, {"op": "note", "id": "n1", "note": note})
    act(made, alice, 1, {"op": "frame", "id": "f1", "frame": frame})
    return made


@pytest.fixture
def outline(client_of, alice, drawn):
    client = client_of(alice)
    return lambda query="": PlainPage(client, f"/workflows/{drawn.pk}/outline/{query}")
