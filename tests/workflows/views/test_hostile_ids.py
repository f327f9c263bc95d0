"""Whatever an imported drawing calls its tasks: every page of the draft shows it as text."""

import json

import pytest

from runner.editing.draft import Draft
from workflows.beginning import begin

EVIL = '"><script>alert(1)</script>'
DOCUMENT = {
    "v": 1,
    "tasks": [
        {"id": EVIL, "type": EVIL, "title": EVIL, "config": {EVIL: EVIL}, "inputs": {EVIL: EVIL}},
        {"id": "a", "type": "text.keywords"},
    ],
    "dataflows": [{"from": f"{EVIL}.{EVIL}", "to": "a.question"}],
    "outputs": [{"name": EVIL, "from": f"{EVIL}.{EVIL}"}],
    "inputs": [{"name": EVIL, "title": EVIL}],
}


@pytest.mark.parametrize(
    "room", ["edit/", "edit/panel/", "edit/problems/", "outline/", "versions/", ""]
)
def test_a_hostile_id_is_text_on_every_page_of_its_draft(client_of, alice, team, room):
    drawing = Draft.from_json(json.dumps(DOCUMENT))
    made = begin(team, "Imported", drawing, alice)
    answer = client_of(alice).get(f"/workflows/{made.pk}/{room}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
