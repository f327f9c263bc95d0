"""Two versions side by side: a step through the list brings what it is about into sight."""

import json
import subprocess

import pytest

from tests.acceptance.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.browser]
CHAIN = [{"id": f"t{n}", "type": "text.answer", "inputs": {"hits": []}} for n in range(12)]
FLOWS = [{"from": f"t{n}.text", "to": f"t{n + 1}.question"} for n in range(11)]
TOLD = """
import json
from django.contrib.auth.models import User
from workflows.models import Team, Workflow
person = User.objects.get()
made = Workflow.objects.create(team=Team.objects.get(), name="long", title="Long", created_by=person)
before, after = json.loads('''{versions}''')
made.revise(json.dumps(before), person)
made.revise(json.dumps(after), person)
print(made.pk)
"""


def test_show_moves_both_drawings_to_what_has_changed(page, sign_in, server):
    before = {"v": 1, "name": "long", "tasks": CHAIN, "dataflows": FLOWS}
    after = before | {"tasks": [*CHAIN[:11], CHAIN[11] | {"title": "The last"}]}
    told = TOLD.format(versions=json.dumps([before, after]))
    command = [*server.command[:2], "shell", "-v", "0", "-c", told]
    made = subprocess.run(
        command, env=server.environment, check=True, cwd=ROOT, capture_output=True, text=True
    )
    sign_in(page)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server.url}/workflows/{made.stdout.strip()}/versions/diff/?from=1&to=2")
    page.click("#change-1 [data-shows]")
    page.wait_for_selector("#after-t11[data-here]")
    sides = page.locator(".two-sides .canvas")
    shifts = [sides.nth(n).evaluate("side => side.scrollLeft") for n in range(2)]
    assert shifts[0] == shifts[1] > 500
    box, frame = page.locator("#after-t11").bounding_box(), sides.nth(1).bounding_box()
    assert box is not None
    assert frame is not None
    assert frame["x"] < box["x"] < frame["x"] + frame["width"]
