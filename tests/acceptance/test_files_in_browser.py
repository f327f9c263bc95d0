"""A file goes from a person's folder through a run and back."""

import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WORKFLOW = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "workflows.settings"
import django
django.setup()
from django.contrib.auth.models import User
from workflows.models import Team, Workflow
made = Workflow.objects.create(
    team=Team.objects.first(), name="filed", created_by=User.objects.get(username="demo"))
made.revise(json.dumps({
    "v": 1, "name": "filed", "tasks": [
        {"id": "read", "type": "file.read_text"}, {"id": "write", "type": "file.write_text"}],
    "inputs": [{"name": "file", "title": "File", "type": "artifact"},
               {"name": "count", "title": "Count", "type": "int", "default": 1, "minimum": 0}],
    "outputs": [{"name": "copied", "from": "write.file"}],
    "dataflows": [{"from": "$inputs.file", "to": "read.file"},
                  {"from": "read.text", "to": "write.text"}],
}), made.created_by)
print(json.dumps(f"/workflows/{made.pk}/run/"))
"""


@pytest.fixture
def address(server):
    """Where a workflow that takes a file and gives a copy of it is started."""
    command = [sys.executable, "-c", WORKFLOW]
    made = subprocess.run(
        command, cwd=ROOT, env=server.environment, capture_output=True, text=True, check=True
    )
    return server.url + json.loads(made.stdout)


def test_a_person_sends_a_file_and_gets_it_back(page, server, sign_in, address, tmp_path):
    """A mistake beside it does not lose the file; the result is a link to its copy."""
    faults = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    (tmp_path / "rivers.txt").write_text("Rivers part, and meet again. 🌊" * 5000)
    sign_in(page)
    page.goto(address)
    page.get_by_label("Count").fill("-1")
    page.get_by_label("File").set_input_files(tmp_path / "rivers.txt")
    page.get_by_role("button", name="Run version 1").click()
    page.get_by_text("rivers.txt is there already").wait_for()
    page.get_by_label("Count").fill("1")
    page.get_by_role("button", name="Run version 1").click()
    copy = page.get_by_role("link", name="text.txt").first
    copy.wait_for()
    with page.expect_download() as download:
        copy.click()
    assert download.value.path().read_bytes() == (tmp_path / "rivers.txt").read_bytes()
    assert [fault for fault in faults if "422" not in fault] == []
