"""T29: a task says its token wherever it can, in a real server; nothing of it is found anywhere."""

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.drive import definition_of
from tests.durability.installation import with_probes
from tests.durability.probes import forms_of
from tests.durability.watching import ROOT, look, wait_until

pytestmark = pytest.mark.slow
TOKEN = "delta/of+a=river&4711"
PASSWORD = "river-delta-42"
SETUP = f"""
import json, sys
from django.contrib.auth.models import User
from workflows.models import Membership, Run, Team, Workflow
from workflows.models.credential import keep_credential
ada = User.objects.create_superuser("ada", password="{PASSWORD}")
team = Team.objects.create(name="Rivers", slug="rivers")
Membership.objects.create(team=team, user=ada, role="owner")
keep_credential(ada, "rivers", "{TOKEN}", hosts=["api.rivers.example"])
for definition in json.load(sys.stdin):
    workflow = Workflow.objects.create(team=team, name=json.loads(definition)["name"], created_by=ada)
    print(Run.objects.start(workflow.revise(definition, ada), ada, {{}}).pk)
"""
NAMES = ("gives", "fails")
STATUSES = "SELECT status FROM workflows_run ORDER BY status"


def drawn(name, *, fails, place=""):
    task = {"id": "leaks", "type": "probe.leaking", "inputs": {"fails": fails}}
    if place:
        task["policy"] = {"place": place}
    return json.dumps(json.loads(definition_of([task])) | {"name": name}, sort_keys=True)


@pytest.fixture
def environment(tmp_path):
    data = {"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": "", "PORT": "0"}
    return with_probes(data, tmp_path)


@contextmanager
def at_work(environment, log, *words):
    """Let a process work until the end of the block; all that it says is in `log`."""
    with subprocess.Popen(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=os.environ | environment,
        stdout=log, stderr=log, text=True,
    ) as process:  # fmt: skip
        try:
            yield
        finally:
            process.kill()


def manage(environment, *words, said=""):
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=os.environ | environment,
        input=said, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


class Browser:
    """Signs in and reads pages."""

    def __init__(self, address):
        self._address = address
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = self.get("/sign-in/")
        token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        given = f"csrfmiddlewaretoken={token}&username=ada&password={PASSWORD}"
        self._open.open(f"{address}/sign-in/", given.encode())

    def get(self, path):
        return self._open.open(self._address + path).read().decode()


def pages_of(run):
    views = [f"/runs/{run}/?view={view}" for view in ("tree", "graph", "timeline", "log")]
    tabs = ("output", "stream", "log", "error", "events", "attempts", "input")
    task = [f"/runs/{run}/tasks/leaks/?tab={tab}" for tab in tabs]
    files = [f"/runs/{run}/log/?as=jsonl", f"/runs/{run}/log/"]
    admin = [f"/admin/workflows/run/{run}/change/"]
    lists = ["runevent", "taskrun", "chunk", "checkpoint", "credential", "auditevent", "run"]
    return views + task + files + admin + [f"/admin/workflows/{each}/" for each in lists]


@pytest.mark.parametrize(("form", "place"), [("line", ""), ("json", ""), ("line", "queue")])
def test_a_task_that_says_its_token_everywhere_leaves_none_of_it_anywhere(
    environment, tmp_path, form, place
):
    """T29, R18: in pages, exports, log, output, database file and write-ahead log."""
    environment["ANABRANCH_LOG_FORMAT"] = form
    manage(environment, "migrate", "-v0")
    drawings = json.dumps([drawn(name, fails=name == "fails", place=place) for name in NAMES])
    runs = manage(environment, "shell", "-v0", "-c", SETUP, said=drawings).split()
    said = tmp_path / "said"
    with said.open("a") as log, ExitStack() as working:
        working.enter_context(at_work(environment, log, "serve"))
        assert wait_until(lambda: "Serving on" in said.read_text(), 60)
        if place:
            working.enter_context(at_work(environment, log, "run_job_queue"))
        over = [("completed",), ("failed",)]
        assert wait_until(lambda: look(environment, STATUSES) == over, 60), said.read_text()
        address = said.read_text().partition("Serving on ")[2].split()[0].rstrip(".,;/")
        browser = Browser(address)
        seen = "\n".join(browser.get(page) for run in runs for page in pages_of(run))
        kept = everything_in(Path(environment["ANABRANCH_DATA"]))
    for spelt in forms_of(TOKEN):
        assert (seen.count(spelt), said.read_text().count(spelt), kept.count(spelt.encode())) == (
            0,
            0,
            0,
        )
    masks = (seen.count("•••"), said.read_text().count("•••"), kept.count("•••".encode()))
    assert min(masks) > 3


def everything_in(folder):
    """Give all that the files of an installation hold, the write-ahead log included."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert {"anabranch.sqlite3", "anabranch.sqlite3-wal"} <= {path.name for path in files}
    return b"\n".join(path.read_bytes() for path in files)
